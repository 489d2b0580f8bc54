/**
 * Addresses and prefixes as values: parsed once, in canonical text (RFC 5952 for IPv6, host bits zero), comparable as
 * numbers. Reading is strict: no zone, no leading zeros, a prefix always with its length.
 */
import { Address6 } from 'ip-address';

export type IpFamily = 4 | 6;

export interface IpAddress {
  readonly family: IpFamily;
  /** Canonical text. */
  readonly text: string;
  /** The address as an unsigned number of 32 or 128 bits. */
  readonly value: bigint;
}

export interface Prefix extends IpAddress {
  /** Canonical `address/length`. */
  readonly text: string;
  readonly length: number;
}

const BITS: Readonly<Record<IpFamily, number>> = { 4: 32, 6: 128 };
const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** Undefined when the text is no address. An IPv4-mapped IPv6 address is IPv6. */
export function parseAddress(text: string): IpAddress | undefined {
  const match = IPV4.exec(text);
  if (match) {
    const octets = match.slice(1).map(Number);
    if (octets.some((octet) => octet > 255)) return undefined;
    return { family: 4, text, value: octets.reduce((value, octet) => value * 256n + BigInt(octet), 0n) };
  }
  if (!text.includes(':') || text.includes('/') || text.includes('%') || !Address6.isValid(text)) return undefined;
  const address = new Address6(text);
  return { family: 6, text: address.correctForm(), value: address.bigInt() };
}

/** Undefined when the text is no `address/length`. Host bits are cleared, as Go's net.ParseCIDR does. */
export function parsePrefix(text: string): Prefix | undefined {
  const [addressText = '', lengthText, ...rest] = text.split('/');
  if (lengthText === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const address = parseAddress(addressText);
  const length = Number(lengthText);
  if (!address || length > BITS[address.family]) return undefined;
  const hostBits = BigInt(BITS[address.family] - length);
  const value = (address.value >> hostBits) << hostBits;
  const base = value === address.value ? address.text : formatAddress(address.family, value);
  return { family: address.family, text: `${base}/${length}`, value, length };
}

export function formatAddress(family: IpFamily, value: bigint): string {
  if (family === 6) return Address6.fromBigInt(value).correctForm();
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}

/** The prefix of all the family's bits that holds just this address. */
export function hostPrefix({ family, text, value }: IpAddress): Prefix {
  const length = BITS[family];
  return { family, text: `${text}/${length}`, value, length };
}

/** True when `inner` (an address or a prefix) lies wholly in `outer`. */
export function contains(outer: Prefix, inner: IpAddress | Prefix): boolean {
  if (outer.family !== inner.family) return false;
  const innerLength = 'length' in inner ? inner.length : BITS[inner.family];
  const hostBits = BigInt(BITS[outer.family] - outer.length);
  return innerLength >= outer.length && inner.value >> hostBits === outer.value >> hostBits;
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b) || contains(b, a);
}

/** The bytes that netlink carries as text; undefined when there are not 4 or 16 of them. */
export function addressFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  const family = bytes.length === 4 ? 4 : 6;
  const value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return { family, text: formatAddress(family, value), value };
}

/** The 4 or 16 bytes of an address, in network order. */
export function addressBytes({ family, value }: IpAddress): Uint8Array {
  const bytes = new Uint8Array(BITS[family] / 8);
  for (let i = bytes.length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}
