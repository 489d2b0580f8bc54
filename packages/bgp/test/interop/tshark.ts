/** Asks tshark what it reads in messages of ours: a capture file written by hand, one message a TCP segment. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rawIp = 101;

/** IPv4 and TCP headers from port 179; checksums stay zero, tshark does not look at them. */
function segment(payload: Uint8Array, sequence: number): Buffer {
  const headers = Buffer.alloc(40);
  headers.writeUInt8(0x45, 0);
  headers.writeUInt16BE(40 + payload.length, 2);
  headers.writeUInt8(64, 8);
  headers.writeUInt8(6, 9);
  headers.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  headers.writeUInt16BE(179, 20);
  headers.writeUInt16BE(40000, 22);
  headers.writeUInt32BE(sequence, 24);
  headers.writeUInt8(0x50, 32);
  headers.writeUInt8(0x18, 33);
  headers.writeUInt16BE(0xffff, 34);
  return Buffer.concat([headers, payload]);
}

function capture(messages: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(rawIp, 20);
  const parts: Buffer[] = [header];
  let sequence = 1;
  for (const message of messages) {
    const packet = segment(message, sequence);
    sequence += message.length;
    const record = Buffer.alloc(16);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    parts.push(record, packet);
  }
  return Buffer.concat(parts);
}

/** Field name → values, in the order tshark shows them; every leaf of the BGP tree. */
export type Fields = ReadonlyMap<string, readonly string[]>;

function collect(json: unknown, fields: Map<string, string[]>): void {
  if (Array.isArray(json)) {
    for (const item of json) collect(item, fields);
    return;
  }
  if (typeof json !== 'object' || json === null) return;
  for (const [name, value] of Object.entries(json)) {
    const leaves = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
    if (leaves.length > 0) fields.set(name, [...(fields.get(name) ?? []), ...leaves]);
    collect(value, fields);
  }
}

/** What tshark reads in each message, in order, of a session with AS numbers of this size. */
export function dissect(messages: readonly Uint8Array[], asnBytes: 2 | 4): Fields[] {
  const folder = mkdtempSync(join(tmpdir(), 'bgp-tshark-'));
  try {
    const file = join(folder, 'messages.pcap');
    writeFileSync(file, capture(messages));
    const text = execFileSync(
      'tshark',
      ['-r', file, '-T', 'json', '--no-duplicate-keys', '-o', `bgp.asn_len:${asnBytes}`],
      {
        maxBuffer: 64 * 1024 * 1024,
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).toString();
    const packets: { _source: { layers: { bgp?: unknown } } }[] = JSON.parse(text);
    return packets.map((packet) => {
      const fields = new Map<string, string[]>();
      collect(packet._source.layers.bgp, fields);
      return fields;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
