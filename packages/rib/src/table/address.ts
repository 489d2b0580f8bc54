/**
 * Addresses and prefixes between text and bytes. Strict: what is accepted has exactly one canonical text (dotted quad
 * without leading zeros, RFC 5952 for IPv6), so texts can serve as keys. Written by hand because 100,000 prefixes pass
 * here in one turn of the event loop.
 */
import { RouteError } from '../errors.ts';

export interface Prefix {
  /** 4 or 16 bytes, host bits zero. */
  readonly address: Uint8Array;
  readonly length: number;
  /** Canonical text. */
  readonly text: string;
}

const DOT = 0x2e;
const COLON = 0x3a;
const SLASH = 0x2f;

/** Reads `a.b.c.d` or any RFC 4291 §2.2 text of an IPv6 address (without zone) to 4 or 16 bytes; throws `RouteError`. */
export function parseAddress(text: string): Uint8Array {
  const bytes = text.includes(':') ? readIpv6(text, text.length) : readIpv4(text, 0, text.length);
  if (bytes === undefined) throw new RouteError('address', `"${text}" is not an IPv4 or IPv6 address`, text);
  return bytes;
}

/** Reads `address/length`; throws `RouteError` for bad text, a length out of range and host bits that are set. */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const length = slash < 0 ? undefined : readDecimal(text, slash + 1, text.length, 128);
  const ipv6 = text.includes(':');
  const address = slash < 0 ? undefined : ipv6 ? readIpv6(text, slash) : readIpv4(text, 0, slash);
  if (address === undefined || length === undefined || length > address.length * 8) {
    throw new RouteError('prefix', `"${text}" is not a prefix (address/length)`, text);
  }
  if (hasHostBits(address, length)) {
    throw new RouteError('prefix', `"${text}" has host bits set beyond its length`, text);
  }
  return { address, length, text: ipv6 ? `${formatAddress(address)}/${length}` : text };
}

/** Canonical text of 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  return formatIpv6(bytes);
}

function hasHostBits(address: Uint8Array, length: number): boolean {
  let index = length >> 3;
  if (index < address.length && ((address[index] ?? 0) & (0xff >> (length & 7))) !== 0) return true;
  for (index++; index < address.length; index++) if (address[index] !== 0) return true;
  return false;
}

/** A decimal number without leading zeros in text[from, to), or undefined. */
function readDecimal(text: string, from: number, to: number, max: number): number | undefined {
  if (from >= to || to - from > 3) return undefined;
  if (text.charCodeAt(from) === 0x30 && to - from > 1) return undefined;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= max ? value : undefined;
}

function readIpv4(text: string, from: number, to: number): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let start = from;
  for (let part = 0; part < 4; part++) {
    let end = start;
    while (end < to && text.charCodeAt(end) !== DOT) end++;
    const value = readDecimal(text, start, end, 255);
    if (value === undefined || part < 3 !== end < to) return undefined;
    bytes[part] = value;
    start = end + 1;
  }
  return bytes;
}

/** RFC 4291 §2.2: eight groups of up to four hex digits, one "::" for one or more groups of zeros, the last two groups may be a dotted quad. */
function readIpv6(text: string, to: number): Uint8Array | undefined {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    at = 2;
  }
  while (at < to) {
    let end = at;
    let dotted = false;
    for (; end < to; end++) {
      const code = text.charCodeAt(end);
      if (code === COLON) break;
      if (code === DOT) dotted = true;
    }
    if (dotted) {
      const quad = end === to ? readIpv4(text, at, end) : undefined;
      if (quad === undefined) return undefined;
      groups.push(((quad[0] ?? 0) << 8) | (quad[1] ?? 0), ((quad[2] ?? 0) << 8) | (quad[3] ?? 0));
      at = end;
      break;
    }
    const value = readHex(text, at, end);
    if (value === undefined) return undefined;
    groups.push(value);
    if (end === to) {
      at = end;
      break;
    }
    at = end + 1;
    if (text.charCodeAt(at) === COLON && at < to) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at++;
    } else if (at === to) {
      return undefined;
    }
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  const bytes = new Uint8Array(16);
  const shift = 8 - groups.length;
  for (let index = 0; index < groups.length; index++) {
    const place = gap >= 0 && index >= gap ? index + shift : index;
    const group = groups[index] ?? 0;
    bytes[place * 2] = group >> 8;
    bytes[place * 2 + 1] = group & 0xff;
  }
  return bytes;
}

function readHex(text: string, from: number, to: number): number | undefined {
  if (from >= to || to - from > 4) return undefined;
  let value = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at) | 0x20;
    const digit = code >= 0x61 && code <= 0x66 ? code - 0x57 : code >= 0x30 && code <= 0x39 ? code - 0x30 : -1;
    if (digit < 0 || text.charCodeAt(at) === SLASH) return undefined;
    value = (value << 4) | digit;
  }
  return value;
}

/** RFC 5952 §4: lower case, no leading zeros, the first longest run of two or more zero groups becomes "::". */
function formatIpv6(bytes: Uint8Array): string {
  let bestStart = -1;
  let bestLength = 1;
  let runStart = -1;
  const groups: number[] = [];
  for (let index = 0; index < 8; index++) {
    const group = ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0);
    groups.push(group);
    if (group !== 0) {
      runStart = -1;
      continue;
    }
    if (runStart < 0) runStart = index;
    if (index - runStart + 1 > bestLength) {
      bestStart = runStart;
      bestLength = index - runStart + 1;
    }
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (bestStart < 0) return hex(0, 8);
  return `${hex(0, bestStart)}::${hex(bestStart + bestLength, 8)}`;
}
