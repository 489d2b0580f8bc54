/**
 * The TCP segment in a captured packet: link layers that captures of BGP come with, IPv4 and IPv6 without fragments and
 * extension headers, TCP.
 */

import { copyOf } from '../bytes.ts';
import { Malformed } from '../errors.ts';
import { Reader } from '../wire/reader.ts';
import type { Packet } from './packets.ts';

export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

export interface TcpSegment {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly sequence: number;
  readonly syn: boolean;
  /** A view of the file. */
  readonly payload: Uint8Array;
}

/** Undefined for what is no TCP over IP, or is cut before the payload. */
export function tcpSegmentOf({ linkType, bytes }: Packet): TcpSegment | undefined {
  try {
    const reader = new Reader(bytes);
    skipLinkHeader(reader, linkType);
    return readIp(reader);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** Link layers with a header of one size: codes ("LINKTYPE_…", tcpdump.org) and bytes. */
const plainHeaders: ReadonlyMap<number, number> = new Map([
  [0, 4], // NULL
  [108, 4], // LOOP
  [101, 0], // RAW
  [12, 0], // RAW, before it had a number of its own
  [113, 16], // LINUX_SLL
  [276, 20], // LINUX_SLL2
]);
const ethernet = 1;
const ppp = 9;
const juniperEthernet = 178;
const vlan = 0x8100;

function skipLinkHeader(reader: Reader, linkType: number): void {
  const plain = plainHeaders.get(linkType);
  if (plain !== undefined) {
    reader.take(plain);
  } else if (linkType === ethernet) {
    skipEthernetHeader(reader);
  } else if (linkType === ppp) {
    // RFC 1662 §3.1: address and control field may be left out.
    reader.take(reader.bytes[reader.offset] === 0xff ? 4 : 2);
  } else if (linkType === juniperEthernet) {
    // Magic and flags; the top bit of the flags announces an extension with its length.
    reader.take(3);
    if ((reader.u8() & 0x80) !== 0) reader.take(reader.u16());
    skipEthernetHeader(reader);
  } else {
    throw new Malformed('value', `link type ${linkType}`);
  }
}

function skipEthernetHeader(reader: Reader): void {
  reader.take(12);
  while (reader.u16() === vlan) reader.u16();
}

const tcp = 6;

function readIp(reader: Reader): TcpSegment | undefined {
  const start = reader.offset;
  const first = reader.u8();
  const version = first >> 4;
  if (version === 4) {
    reader.u8();
    const length = reader.u16();
    reader.take(2);
    const fragment = reader.u16() & 0x3fff;
    reader.u8();
    const protocol = reader.u8();
    reader.take(2);
    const addresses = [copyOf(reader.take(4)), copyOf(reader.take(4))] as const;
    const headerBytes = (first & 15) * 4;
    reader.take(headerBytes - (reader.offset - start));
    if (protocol !== tcp || fragment !== 0) return undefined;
    // A length of 0: the sender's network card cut the segments, and the capture is before it.
    return readTcp(reader.window(length === 0 ? reader.remaining : length - headerBytes), addresses);
  }
  if (version !== 6) return undefined;
  reader.take(3);
  const length = reader.u16();
  const protocol = reader.u8();
  reader.u8();
  const addresses = [copyOf(reader.take(16)), copyOf(reader.take(16))] as const;
  return protocol === tcp ? readTcp(reader.window(length), addresses) : undefined;
}

function readTcp(reader: Reader, [source, destination]: readonly [Uint8Array, Uint8Array]): TcpSegment {
  const start = reader.offset;
  const from = { address: source, port: reader.u16() };
  const to = { address: destination, port: reader.u16() };
  const sequence = reader.u32();
  reader.u32();
  const headerBytes = (reader.u8() >> 4) * 4;
  const syn = (reader.u8() & 2) !== 0;
  reader.take(headerBytes - (reader.offset - start));
  return { from, to, sequence, syn, payload: reader.rest() };
}
