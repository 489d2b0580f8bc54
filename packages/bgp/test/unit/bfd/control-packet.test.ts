import { readFileSync } from 'node:fs';
import t from 'tap';
import { decodeControlPacket, encodeControlPacket } from '../../../src/bfd/control-packet.ts';
import { BfdPacketError, discardReasons } from '../../../src/bfd/errors.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Version 1, diagnostic 1, Up, P, multiplier 3, length 24; the rest in the order of RFC 5880 §4.1. */
const up = '21 e0 03 18  00000001 00000002  000493e0 00030d40 00000000';

t.test('the fixed part, RFC 5880 §4.1', async (test) => {
  const packet = decodeControlPacket(hex(up));
  test.strictSame(packet, {
    diagnostic: 1,
    state: 'Up',
    poll: true,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    detectMultiplier: 3,
    myDiscriminator: 1,
    yourDiscriminator: 2,
    desiredMinTxUs: 300_000,
    requiredMinRxUs: 200_000,
    requiredMinEchoRxUs: 0,
  });
  test.strictSame(encodeControlPacket(packet), hex(up));
});

t.test('every state and every bit', async (test) => {
  for (const [byte, want] of [
    [0x00, { state: 'AdminDown' }],
    [0x40, { state: 'Down' }],
    [0x80, { state: 'Init' }],
    [0xc0, { state: 'Up' }],
    [0x60, { poll: true }],
    [0x50, { final: true }],
    [0x48, { controlPlaneIndependent: true }],
    [0x42, { demand: true }],
  ] as const) {
    const bytes = hex(up);
    bytes[1] = byte;
    const packet = decodeControlPacket(bytes);
    test.match(packet, { poll: false, final: false, controlPlaneIndependent: false, demand: false, ...want });
    test.strictSame(encodeControlPacket(packet), bytes, `0x${byte.toString(16)}`);
  }
});

t.test('bytes behind Length are not of the packet', async (test) => {
  test.strictSame(decodeControlPacket(hex(`${up} ffff`)), decodeControlPacket(hex(up)));
});

t.test('authentication sections, RFC 5880 §4.2 to §4.4', async (test) => {
  const md5 = '00112233445566778899aabbccddeeff';
  const sha1 = `${md5}01020304`;
  const cases = [
    ['01 07 05 73656372', { kind: 'simple-password', keyId: 5, password: hex('73656372') }],
    [`02 18 02 00 00000005 ${md5}`, { kind: 'keyed-md5', keyId: 2, sequenceNumber: 5, digest: hex(md5) }],
    [`03 18 02 00 fffffffe ${md5}`, { kind: 'meticulous-keyed-md5', sequenceNumber: 0xffff_fffe }],
    [`04 1c 02 00 00000005 ${sha1}`, { kind: 'keyed-sha1', digest: hex(sha1) }],
    [`05 1c 02 ff 00000005 ${sha1}`, { kind: 'meticulous-keyed-sha1', keyId: 2 }],
    ['2a 04 beef', { kind: 'unknown', type: 42, data: hex('beef') }],
  ] as const;
  for (const [section, want] of cases) {
    const bytes = authenticated(section);
    test.match(decodeControlPacket(bytes).authentication, want, section);
  }
});

function authenticated(section: string): Uint8Array {
  const bytes = Uint8Array.from([...hex(up), ...hex(section)]);
  bytes[1] = 0xc4;
  bytes[3] = bytes.length;
  return bytes;
}

/** A good packet with defects: bytes at an offset, or a new length of the datagram. */
function broken(...defects: readonly ({ readonly at: number; readonly bytes: string } | number)[]): Uint8Array {
  let bytes = hex(up);
  for (const defect of defects) {
    if (typeof defect === 'number') bytes = bytes.slice(0, defect);
    else bytes.set(hex(defect.bytes), defect.at);
  }
  return bytes;
}

const version0 = { at: 0, bytes: '01' };
const version2 = { at: 0, bytes: '41' };
const shortLength = { at: 3, bytes: '17' };
const longLength = { at: 3, bytes: '19' };
const noMultiplier = { at: 2, bytes: '00' };
const multipoint = { at: 1, bytes: 'e1' };
const noDiscriminator = { at: 4, bytes: '00000000' };
const shortAuthentication = { at: 1, bytes: 'e4' };

t.test('what any receiver discards, RFC 5880 §6.8.6, the first rule first', async (test) => {
  const cases = [
    ['version', broken(version0)],
    ['version', broken(version2)],
    ['version', broken(version0, shortLength, noMultiplier, multipoint, noDiscriminator)],
    ['version', broken(version0, 1)],
    ['length', broken(0)],
    ['length', broken(3)],
    ['length', broken(shortLength)],
    ['length', broken(longLength)],
    ['length', broken(23)],
    ['length', broken(shortAuthentication)],
    ['length', broken(shortLength, noMultiplier, multipoint, noDiscriminator)],
    ['detect-multiplier', broken(noMultiplier)],
    ['detect-multiplier', broken(noMultiplier, multipoint, noDiscriminator)],
    ['multipoint', broken(multipoint)],
    ['multipoint', broken(multipoint, noDiscriminator)],
    ['my-discriminator', broken(noDiscriminator)],
    ['authentication-section', authenticated('01 00')],
    ['authentication-section', authenticated('01 03 05')],
    ['authentication-section', authenticated(`01 14 05 ${'61'.repeat(17)}`)],
    ['authentication-section', authenticated('01 09 05 7365')],
    ['authentication-section', authenticated('01 05 05 7365 00')],
    ['authentication-section', authenticated('02 08 02 00 00000005')],
    ['authentication-section', authenticated('02 ff 02 00 00000005')],
  ] as const;
  for (const [code, bytes] of cases) {
    const name = `${code}: ${Buffer.from(bytes).toString('hex')}`;
    test.throws(() => decodeControlPacket(bytes), { code, bytes }, name);
  }
  const inPacket = discardReasons.slice(0, discardReasons.indexOf('unknown-discriminator'));
  test.strictSame([...new Set(cases.map(([code]) => code))], inPacket, 'every reason is here, in order');
});

t.test('any bytes give a packet or a BfdPacketError', async (test) => {
  const good = [hex(up), authenticated('01 07 05 73656372'), authenticated(`02 18 02 00 00000005 ${'00'.repeat(16)}`)];
  let refused = 0;
  for (const bytes of good) {
    for (let at = 0; at < bytes.length; at++) {
      for (let value = 0; value < 256; value++) {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          decodeControlPacket(changed);
        } catch (error) {
          if (!(error instanceof BfdPacketError)) throw error;
          refused += 1;
        }
      }
    }
  }
  test.ok(refused > 1000, `${refused} refused`);
});

t.test('packets of other implementations', async (test) => {
  const file = new URL('../../fixtures/bfd.json', import.meta.url);
  const captures: Record<string, string[]> = JSON.parse(readFileSync(file, 'utf8'));
  let states = new Set<string>();
  let sections = new Set<string>();
  for (const [name, packets] of Object.entries(captures)) {
    test.ok(packets.length > 0, name);
    for (const packet of packets) {
      const decoded = decodeControlPacket(hex(packet));
      states = states.add(decoded.state);
      if (decoded.authentication === undefined)
        test.strictSame(encodeControlPacket(decoded), hex(packet), `${name}: ${packet}`);
      else sections = sections.add(decoded.authentication.kind);
    }
  }
  test.strictSame([...states].sort(), ['AdminDown', 'Down', 'Init', 'Up']);
  test.strictSame([...sections].sort(), [
    'keyed-md5',
    'keyed-sha1',
    'meticulous-keyed-md5',
    'meticulous-keyed-sha1',
    'simple-password',
  ]);
});
