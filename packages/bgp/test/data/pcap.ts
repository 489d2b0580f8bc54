/**
 * The BGP messages in a capture file: pcap and pcapng, Ethernet (with VLAN tags), Linux cooked, PPP, loopback and raw IP; TCP put in
 * order by sequence number, one stream a direction. Only what the captures here need: no IP fragments, no options read.
 */

import { headerBytes } from '../../src/message/header.ts';

interface Packet {
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function* packets(file: Uint8Array): Generator<Packet> {
  const data = view(file);
  const magic = data.getUint32(0, true);
  if (magic === 0x0a0d0d0a) return yield* blocks(data, file);
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  const linkType = data.getUint32(20, little) & 0xffff;
  for (let at = 24; at + 16 <= file.length; ) {
    const captured = data.getUint32(at + 8, little);
    yield { linkType, bytes: file.subarray(at + 16, at + 16 + captured) };
    at += 16 + captured;
  }
}

function* blocks(data: DataView, file: Uint8Array): Generator<Packet> {
  const little = data.getUint32(8, true) === 0x1a2b3c4d;
  const linkTypes: number[] = [];
  for (let at = 0; at + 12 <= file.length; at += data.getUint32(at + 4, little)) {
    const type = data.getUint32(at, little);
    if (type === 1) linkTypes.push(data.getUint16(at + 8, little));
    if (type !== 6) continue;
    const captured = data.getUint32(at + 20, little);
    yield {
      linkType: linkTypes[data.getUint32(at + 8, little)] ?? 1,
      bytes: file.subarray(at + 28, at + 28 + captured),
    };
  }
}

/** Where the IP header starts in a frame of each link type. */
function ipOffset({ linkType, bytes }: Packet): number {
  if (linkType === 0 || linkType === 108) return 4;
  if (linkType === 101 || linkType === 12) return 0;
  if (linkType === 113) return 16;
  if (linkType === 9) return bytes[0] === 0xff ? 4 : 2;
  // Juniper Ethernet: magic, flags, an optional extension before the frame.
  let at = linkType === 178 ? 16 + ((bytes[3] ?? 0) & 0x80 ? 2 + view(bytes).getUint16(4) : 0) : 12;
  while (view(bytes).getUint16(at) === 0x8100) at += 4;
  return at + 2;
}

interface Segment {
  readonly from: string;
  readonly sequence: number;
  readonly syn: boolean;
  readonly payload: Uint8Array;
}

function segmentOf(packet: Packet): Segment | undefined {
  const ip = packet.bytes.subarray(ipOffset(packet));
  const version = (ip[0] ?? 0) >> 4;
  const hex = (start: number, end: number): string => Buffer.from(ip.subarray(start, end)).toString('hex');
  let tcp: Uint8Array;
  let addresses: string[];
  if (version === 4 && ip[9] === 6) {
    tcp = ip.subarray(((ip[0] ?? 0) & 15) * 4, view(ip).getUint16(2));
    addresses = [hex(12, 16), hex(16, 20)];
  } else if (version === 6 && ip[6] === 6) {
    tcp = ip.subarray(40, 40 + view(ip).getUint16(4));
    addresses = [hex(8, 24), hex(24, 40)];
  } else {
    return undefined;
  }
  const data = view(tcp);
  const ports = [data.getUint16(0), data.getUint16(2)];
  if (!ports.includes(179)) return undefined;
  return {
    from: `${addresses[0]}.${ports[0]}>${addresses[1]}.${ports[1]}`,
    sequence: data.getUint32(4),
    syn: ((tcp[13] ?? 0) & 2) !== 0,
    payload: tcp.subarray(((tcp[12] ?? 0) >> 4) * 4),
  };
}

/** The bytes of a stream in order, without repetitions: in one piece, or in several with gaps of uncaptured bytes between. */
function reassemble(segments: readonly Segment[]): Uint8Array[] {
  const start = segments[0]?.sequence ?? 0;
  const pending = segments
    .filter(({ payload }) => payload.length > 0)
    .map(({ sequence, syn, payload }) => ({ at: (sequence + (syn ? 1 : 0) - start) | 0, payload }))
    .sort((a, b) => a.at - b.at);
  const pieces: Uint8Array[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { at, payload } of pending) {
    if (at > end) pieces.push([]);
    const fresh = payload.subarray(Math.max(0, Math.min(payload.length, end - at)));
    pieces.at(-1)?.push(fresh);
    end = Math.max(end, at + payload.length);
  }
  return pieces.map((parts) => Buffer.concat(parts));
}

/** Messages cut by their length fields, up to the first header whose length cannot be. */
function cut(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const length = view(bytes).getUint16(at + 16);
    if (length < headerBytes || at + length > bytes.length) break;
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}

/** The messages of all connections to or from port 179, one direction of one connection after the other. */
export function messagesOf(file: Uint8Array): Uint8Array[] {
  const connections = new Map<string, Segment[]>();
  for (const packet of packets(file)) {
    const segment = segmentOf(packet);
    if (segment === undefined) continue;
    const known = connections.get(segment.from);
    if (known === undefined) {
      connections.set(segment.from, [segment]);
    } else if (segment.syn && known.some(({ payload }) => payload.length > 0)) {
      // The same ports again: another connection.
      connections.set(`${segment.from} ${connections.size}`, known);
      connections.set(segment.from, [segment]);
    } else {
      known.push(segment);
    }
  }
  return [...connections.values()].flatMap((segments) => reassemble(segments).flatMap(cut));
}
