/**
 * IPv4 and IPv6 addresses and prefixes between text, bytes and, for IPv4, unsigned 32-bit numbers. Text is read strictly
 * (dotted decimal of four parts without leading zeros, RFC 4291 §2.2) and written canonically (RFC 5952). Bytes are what
 * the codec and the tables work on.
 */

import type { Prefix } from './family/model.ts';
import { type FamilyDescriptor, ipv4Unicast, ipv6Unicast } from './family/registry.ts';

/** A text that is no address or prefix. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly code = 'BGP_ADDRESS';
  readonly text: string;

  constructor(text: string, expected: string) {
    super(`${JSON.stringify(text)} is not ${expected}`);
    this.text = text;
  }
}

const ipv4Pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function tryIpv4(text: string): number | undefined {
  const parts = ipv4Pattern.exec(text)?.slice(1);
  if (parts === undefined) return undefined;
  let value = 0;
  for (const part of parts) {
    const byte = Number(part);
    if (byte > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** "192.0.2.1" as an unsigned 32-bit number. Throws `AddressError`. */
export function parseIpv4(text: string): number {
  const value = tryIpv4(text);
  if (value === undefined) throw new AddressError(text, 'an IPv4 address');
  return value;
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

export function ipv4Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** The four bytes at `at` as an unsigned 32-bit number. */
export function ipv4Number(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);
}

/** The eight groups of an IPv6 address, or undefined. */
function ipv6Groups(text: string): number[] | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const read = (side: string | undefined, last: boolean): number[] | undefined => {
    if (side === undefined || side === '') return [];
    const groups: number[] = [];
    const parts = side.split(':');
    for (const [index, part] of parts.entries()) {
      if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
        groups.push(Number.parseInt(part, 16));
        continue;
      }
      // RFC 4291 §2.2 form 3: the last 32 bits as an IPv4 address.
      const ipv4 = last && index === parts.length - 1 ? tryIpv4(part) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    }
    return groups;
  };
  const head = read(sides[0], sides.length === 1);
  const tail = read(sides[1], true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for "one or more groups" (RFC 4291 §2.2 form 2).
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function tryAddress(text: string): Uint8Array | undefined {
  const ipv4 = tryIpv4(text);
  if (ipv4 !== undefined) return ipv4Bytes(ipv4);
  const groups = ipv6Groups(text);
  return groups && Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 255]));
}

/** An address as 4 or 16 bytes. Throws `AddressError`. */
export function parseAddress(text: string): Uint8Array {
  const bytes = tryAddress(text);
  if (bytes === undefined) throw new AddressError(text, 'an IPv4 or IPv6 address');
  return bytes;
}

/** 4 or 16 bytes as text (RFC 5952). Throws `RangeError` for another length. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  // RFC 5952 §5: IPv4-mapped addresses are written with a dotted end.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  // RFC 5952 §4.2.2: "::" must not stand for just one group.
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** RFC 5952 §4.2.3: the first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}

/** The family of unicast prefixes of an address of 4 or 16 bytes. */
export function unicastFamilyOf(address: Uint8Array): FamilyDescriptor {
  return address.length === 4 ? ipv4Unicast : ipv6Unicast;
}

/**
 * "10.0.0.0/8" or "2001:db8::/32". Bits behind the length must be zero, unless `hostBits` is `clear`: then they are
 * cleared. Throws `AddressError`.
 */
export function parsePrefix(text: string, hostBits: 'refuse' | 'clear' = 'refuse'): Prefix {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const given = match?.[1] === undefined ? undefined : tryAddress(match[1]);
  const length = Number(match?.[2]);
  if (given === undefined || length > given.length * 8) throw new AddressError(text, 'an IPv4 or IPv6 prefix');
  const address = maskAddress(given, length);
  if (hostBits === 'refuse' && address.some((byte, index) => byte !== given[index])) {
    throw new AddressError(text, `a prefix: it has bits behind /${length}`);
  }
  return { family: unicastFamilyOf(address).key, address, length };
}

export function formatPrefix({ address, length }: Pick<Prefix, 'address' | 'length'>): string {
  return `${formatAddress(address)}/${length}`;
}

/** A copy with the bits behind `length` cleared. */
export function maskAddress(address: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from(address, (byte, index) => {
    const kept = length - 8 * index;
    return kept >= 8 ? byte : kept <= 0 ? 0 : byte & (0xff << (8 - kept));
  });
}
