/**
 * The BGP messages of a capture file: TCP put in order by sequence number, cut by the length fields of the messages, one
 * direction of one connection after the other. It does not look into messages.
 */

import { formatAddress } from '../address.ts';
import { headerBytes } from '../message/header.ts';
import { packets } from './packets.ts';
import { type Endpoint, type TcpSegment, tcpSegmentOf } from './tcp-segment.ts';

export interface CapturedMessage {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The same for both directions of one connection. */
  readonly connection: number;
  /** The whole message; a view of the file where it is in one packet. */
  readonly bytes: Uint8Array;
}

export interface CaptureOptions {
  /** The port of the side that listens; 179 when left out. */
  readonly port?: number;
}

interface Stream {
  readonly connection: number;
  readonly segments: TcpSegment[];
  hasData: boolean;
}

/** Messages of all connections to or from the port. Throws `PcapError`. */
export function messagesOf(file: Uint8Array, { port = 179 }: CaptureOptions = {}): CapturedMessage[] {
  const streams: Stream[] = [];
  const current = new Map<string, Stream>();
  let connections = 0;
  for (const packet of packets(file)) {
    const segment = tcpSegmentOf(packet);
    if (segment === undefined || (segment.from.port !== port && segment.to.port !== port)) continue;
    const key = keyOf(segment.from, segment.to);
    const known = current.get(key);
    // A SYN after data on the same ports: another connection.
    const again = segment.syn && known?.hasData === true;
    const hasData = segment.payload.length > 0;
    if (known !== undefined && !again) {
      known.segments.push(segment);
      known.hasData ||= hasData;
      continue;
    }
    const reverse = current.get(keyOf(segment.to, segment.from));
    const paired = reverse !== undefined && reverse.connection !== known?.connection;
    const stream = { connection: paired ? reverse.connection : connections++, segments: [segment], hasData };
    current.set(key, stream);
    streams.push(stream);
  }
  return streams.flatMap(({ connection, segments }) => {
    const [first] = segments;
    if (first === undefined) return [];
    const { from, to } = first;
    return reassemble(segments)
      .flatMap(cut)
      .map((bytes) => ({ from, to, connection, bytes }));
  });
}

function keyOf(from: Endpoint, to: Endpoint): string {
  return `${formatAddress(from.address)} ${from.port} ${formatAddress(to.address)} ${to.port}`;
}

/** The bytes of a stream in order, without repetitions: in one piece, or in several with uncaptured bytes between them. */
function reassemble(segments: readonly TcpSegment[]): Uint8Array[] {
  const start = segments[0]?.sequence ?? 0;
  const pending = segments
    .filter(({ payload }) => payload.length > 0)
    // Sequence numbers wrap (RFC 9293 §3.4): the distance from the first is taken as a signed 32-bit number.
    .map(({ sequence, syn, payload }) => ({ at: (sequence + (syn ? 1 : 0) - start) | 0, payload }))
    .sort((a, b) => a.at - b.at);
  const pieces: Uint8Array[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { at, payload } of pending) {
    if (at > end) pieces.push([]);
    const fresh = payload.subarray(Math.max(0, Math.min(payload.length, end - at)));
    if (fresh.length > 0) pieces.at(-1)?.push(fresh);
    end = Math.max(end, at + payload.length);
  }
  return pieces.map(joined);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Messages cut by their length fields, up to the first header whose length cannot be. */
function cut(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const length = ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
    if (length < headerBytes || at + length > bytes.length) break;
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}
