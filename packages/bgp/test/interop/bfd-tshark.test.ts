/** What tshark reads in BFD packets, ours and those of others, against what we read: two decoders must agree on each field. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stateNames } from '../../src/bfd/iana.ts';
import {
  type Authentication,
  type ControlPacket,
  decodeControlPacket,
  encodeControlPacket,
} from '../../src/bfd/index.ts';

/** tshark's name of a field, and the same by our decoder, in its spelling. */
const fields: Readonly<Record<string, (packet: ControlPacket) => string>> = {
  'bfd.diag': ({ diagnostic }) => `0x${hex(diagnostic, 2)}`,
  'bfd.sta': ({ state }) => `0x${hex(stateNames.indexOf(state), 2)}`,
  'bfd.flags.p': ({ poll }) => `${Number(poll)}`,
  'bfd.flags.f': ({ final }) => `${Number(final)}`,
  'bfd.flags.c': ({ controlPlaneIndependent }) => `${Number(controlPlaneIndependent)}`,
  'bfd.flags.a': ({ authentication }) => `${Number(authentication !== undefined)}`,
  'bfd.flags.d': ({ demand }) => `${Number(demand)}`,
  'bfd.detect_time_multiplier': ({ detectMultiplier }) => `${detectMultiplier}`,
  'bfd.my_discriminator': ({ myDiscriminator }) => `0x${hex(myDiscriminator, 8)}`,
  'bfd.your_discriminator': ({ yourDiscriminator }) => `0x${hex(yourDiscriminator, 8)}`,
  'bfd.desired_min_tx_interval': ({ desiredMinTxUs }) => `${desiredMinTxUs}`,
  'bfd.required_min_rx_interval': ({ requiredMinRxUs }) => `${requiredMinRxUs}`,
  'bfd.required_min_echo_interval': ({ requiredMinEchoRxUs }) => `${requiredMinEchoRxUs}`,
  'bfd.auth.key': ({ authentication: section }) => (section && 'keyId' in section ? `${section.keyId}` : ''),
  'bfd.auth.password': ({ authentication: section }) => text(section),
  'bfd.auth.seq_num': ({ authentication: section }) =>
    section && 'sequenceNumber' in section ? `0x${hex(section.sequenceNumber, 8)}` : '',
  'bfd.checksum': ({ authentication: section }) =>
    section && 'digest' in section ? Buffer.from(section.digest).toString('hex') : '',
};

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function text(section: Authentication | undefined): string {
  return section?.kind === 'simple-password' ? Buffer.from(section.password).toString() : '';
}

const rawIp = 101;

/** IPv4 and UDP headers to port 3784; checksums stay zero, tshark does not look at them. */
function datagram(payload: Uint8Array): Buffer {
  const headers = Buffer.alloc(28);
  headers.writeUInt8(0x45, 0);
  headers.writeUInt16BE(28 + payload.length, 2);
  headers.writeUInt8(255, 8);
  headers.writeUInt8(17, 9);
  headers.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  headers.writeUInt16BE(50_000, 20);
  headers.writeUInt16BE(3784, 22);
  headers.writeUInt16BE(8 + payload.length, 24);
  return Buffer.concat([headers, payload]);
}

function dissect(payloads: readonly Uint8Array[]): string[][] {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(rawIp, 20);
  const parts = payloads.flatMap((payload) => {
    const packet = datagram(payload);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  });
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bfd-tshark-'));
  try {
    const file = join(folder, 'packets.pcap');
    writeFileSync(file, Buffer.concat([header, ...parts]));
    const names = Object.keys(fields).flatMap((name) => ['-e', name]);
    const output = execFileSync('tshark', ['-r', file, '-T', 'fields', ...names], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare(name: string, payloads: readonly Uint8Array[]): void {
  t.test(name, async (test) => {
    const dissected = dissect(payloads);
    test.ok(payloads.length > 0, `${payloads.length} packets`);
    test.equal(dissected.length, payloads.length);
    for (const [index, payload] of payloads.entries()) {
      const packet = decodeControlPacket(payload);
      const read = Object.keys(fields).map((field, at) => `${field} ${dissected[index]?.[at] ?? ''}`);
      const ours = Object.entries(fields).map(([field, of]) => `${field} ${of(packet)}`);
      test.strictSame(read, ours, Buffer.from(payload).toString('hex'));
    }
  });
}

const plain: ControlPacket = {
  diagnostic: 0,
  state: 'Down',
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  detectMultiplier: 255,
  myDiscriminator: 0xffff_ffff,
  yourDiscriminator: 0x8000_0001,
  desiredMinTxUs: 0xffff_fffe,
  requiredMinRxUs: 1,
  requiredMinEchoRxUs: 50_000,
};

compare('ours', [
  ...stateNames.map((state) => encodeControlPacket({ ...plain, state })),
  ...Array.from({ length: 32 }, (_, diagnostic) => encodeControlPacket({ ...plain, diagnostic })),
  ...(['poll', 'final', 'controlPlaneIndependent', 'demand'] as const).map((flag) =>
    encodeControlPacket({ ...plain, [flag]: true }),
  ),
]);

const file = new URL('../fixtures/bfd.json', import.meta.url);
const captures: Record<string, string[]> = JSON.parse(readFileSync(file, 'utf8'));
for (const [name, packets] of Object.entries(captures)) {
  compare(
    name,
    packets.map((packet) => Uint8Array.from(Buffer.from(packet, 'hex'))),
  );
}
