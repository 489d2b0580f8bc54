/**
 * Communities of the three kinds as people write them, exact or with wildcards: each part is a number, `*`, or a range
 * `100-199`. One descriptor a kind; reading throws `RangeError` naming the text.
 */
import { parseIpv4 } from '../address.ts';
import { formatCommunity } from '../attribute/communities.ts';
import type { LargeCommunity } from '../attribute/large-communities.ts';
import { wellKnownCommunity } from '../iana.ts';

/** A kind of community: its values, their texts, and the patterns over them. */
export interface CommunityKind<Value> {
  /** The value that a text without wildcards means. */
  parse(text: string): Value;
  pattern(text: string): (value: Value) => boolean;
  equal(a: Value, b: Value): boolean;
}

type PartPattern = (value: number) => boolean;

const wellKnown = new Map(Object.values(wellKnownCommunity).map((value) => [formatCommunity(value), value]));

export const standardCommunity: CommunityKind<number> = {
  parse(text) {
    const named = wellKnown.get(text);
    if (named !== undefined) return named;
    const [high = 0, low = 0] = exactParts(text, text.split(':'), [0xffff, 0xffff]);
    return high * 0x1_0000 + low;
  },
  pattern(text) {
    const named = wellKnown.get(text);
    if (named !== undefined) return (value) => value === named;
    const [high, low] = partPatterns(text, text.split(':'), [0xffff, 0xffff]);
    return (value) => high?.(value >>> 16) === true && low?.(value & 0xffff) === true;
  },
  equal: (a, b) => a === b,
};

const wide = 0xffff_ffff;

export const largeCommunity: CommunityKind<LargeCommunity> = {
  parse(text) {
    const [global = 0, local1 = 0, local2 = 0] = exactParts(text, text.split(':'), [wide, wide, wide]);
    return [global, local1, local2];
  },
  pattern(text) {
    const parts = partPatterns(text, text.split(':'), [wide, wide, wide]);
    return (value) => parts.every((part, index) => part(value[index] ?? 0));
  },
  equal: (a, b) => a.every((part, index) => part === b[index]),
};

/** Sub-types of RFC 4360 §4 and §5 and RFC 10005 §2, in types that name an AS number or an IPv4 address. */
const extendedSubTypes: Readonly<Record<string, number>> = { rt: 0x02, ro: 0x03, lb: 0x04 };

/** RFC 4360 §3.1, RFC 5668 §2: administrator of two octets, IPv4 address, of four octets. */
const layout = { twoOctetAs: 0x00, ipv4: 0x01, fourOctetAs: 0x02 } as const;
const nonTransitive = 0x40;

export const extendedCommunity: CommunityKind<bigint> = {
  parse(text) {
    const raw = rawExtended(text);
    if (raw !== undefined) return raw;
    const { subType, administrator, value } = splitExtended(text);
    if (administrator.includes('.')) {
      const [number = 0] = exactParts(text, [value], [0xffff]);
      return extended(layout.ipv4, subType, (BigInt(parseIpv4(administrator)) << 16n) | BigInt(number));
    }
    const [asn = 0] = exactParts(text, [administrator], [wide]);
    const [number = 0] = exactParts(text, [value], [asn > 0xffff ? 0xffff : wide]);
    if (asn > 0xffff) return extended(layout.fourOctetAs, subType, (BigInt(asn) << 16n) | BigInt(number));
    return extended(layout.twoOctetAs, subType, (BigInt(asn) << 32n) | BigInt(number));
  },
  pattern(text) {
    const raw = rawExtended(text);
    if (raw !== undefined) return (value) => value === raw;
    const { subType, administrator, value } = splitExtended(text);
    const address = administrator.includes('.') ? parseIpv4(administrator) : undefined;
    const [ofAdministrator, ofValue] =
      address === undefined
        ? partPatterns(text, [administrator, value], [wide, wide])
        : [(part: number) => part === address, ...partPatterns(text, [value], [wide])];
    return (community) => {
      const parts = extendedParts(community);
      if (parts === undefined || parts.subType !== subType) return false;
      // A number is no address; `*` is both.
      if (parts.isAddress !== (address !== undefined) && administrator !== '*') return false;
      return ofAdministrator?.(parts.administrator) === true && ofValue?.(parts.value) === true;
    };
  },
  equal: (a, b) => a === b,
};

function extended(type: number, subType: number, value: bigint): bigint {
  return (BigInt(type) << 56n) | (BigInt(subType) << 48n) | value;
}

function extendedParts(community: bigint) {
  const type = Number(community >> 56n) & ~nonTransitive;
  const subType = Number((community >> 48n) & 0xffn);
  const low = Number(community & 0xffffn);
  const middle = Number((community >> 16n) & 0xffff_ffffn);
  switch (type) {
    case layout.twoOctetAs:
      return {
        subType,
        isAddress: false,
        administrator: Number((community >> 32n) & 0xffffn),
        value: Number(community & 0xffff_ffffn),
      };
    case layout.ipv4:
    case layout.fourOctetAs:
      return { subType, isAddress: type === layout.ipv4, administrator: middle, value: low };
    default:
      return undefined;
  }
}

function rawExtended(text: string): bigint | undefined {
  return /^0x[0-9a-fA-F]{16}$/.test(text) ? BigInt(text) : undefined;
}

function splitExtended(text: string): { subType: number; administrator: string; value: string } {
  const [name = '', administrator = '', value = '', ...more] = text.split(':');
  const subType = extendedSubTypes[name];
  if (subType === undefined || more.length > 0) {
    const names = Object.keys(extendedSubTypes).map((each) => `${each}:…:…`);
    throw new RangeError(`${JSON.stringify(text)}: expected ${names.join(', ')} or 0x with 16 digits`);
  }
  return { subType, administrator, value };
}

function exactParts(text: string, parts: readonly string[], most: readonly number[]): number[] {
  countParts(text, parts, most);
  return parts.map((part, index) => decimal(text, part, most[index] ?? 0));
}

function partPatterns(text: string, parts: readonly string[], most: readonly number[]): PartPattern[] {
  countParts(text, parts, most);
  return parts.map((part, index): PartPattern => {
    if (part === '*') return () => true;
    const [low, high = low, ...more] = part.split('-').map((each) => decimal(text, each, most[index] ?? 0));
    if (low === undefined || high === undefined || more.length > 0 || high < low) throw partError(text, part, '');
    return (value) => value >= low && value <= high;
  });
}

function countParts(text: string, parts: readonly string[], most: readonly number[]): void {
  if (parts.length === most.length) return;
  throw new RangeError(`${JSON.stringify(text)}: expected ${most.length} parts with ":" between them`);
}

function decimal(text: string, part: string, most: number): number {
  const value = /^\d{1,10}$/.test(part) ? Number(part) : Number.NaN;
  if (!(value <= most)) throw partError(text, part, ` up to ${most}`);
  return value;
}

function partError(text: string, part: string, bound: string): RangeError {
  return new RangeError(`${JSON.stringify(text)}: ${JSON.stringify(part)} is no number or range${bound}`);
}
