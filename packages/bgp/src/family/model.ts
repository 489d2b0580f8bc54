/**
 * Address families and prefixes as every other part of the package sees them. What a family looks like on the wire
 * stands in its descriptor (`registry.ts`).
 */

/** AFI and SAFI in one number: `afi * 256 + safi` (RFC 4760 §3). */
export type FamilyKey = number;

/** An address prefix of IPv4 or IPv6 unicast: `address` has 4 or 16 bytes, the bits behind `length` are zero. */
export interface Prefix {
  readonly family: FamilyKey;
  readonly address: Uint8Array;
  readonly length: number;
  /** RFC 7911 path identifier, when add-path is in use. */
  readonly pathId?: number;
}

/** NLRI of a family: prefixes where there is a decoder, else the bytes as they came. */
export type Nlri = readonly Prefix[] | { readonly raw: Uint8Array };

export function familyKey(afi: number, safi: number): FamilyKey {
  return afi * 256 + safi;
}

export function afiOf(family: FamilyKey): number {
  return family >>> 8;
}

export function safiOf(family: FamilyKey): number {
  return family & 0xff;
}
