/**
 * The one list of address families with an NLRI decoder. A family that is not here passes through the codec as bytes.
 */

import { afi, safi } from '../iana.ts';
import { afiOf, type FamilyKey, familyKey, safiOf } from './model.ts';

export interface FamilyDescriptor {
  readonly key: FamilyKey;
  readonly name: string;
  /** Bits of an address. */
  readonly bits: 32 | 128;
  /** Lengths in bytes that the next hop in MP_REACH_NLRI may have. */
  readonly nextHopBytes: readonly number[];
  /** Further lengths, allowed where RFC 8950 was negotiated for the family. */
  readonly extendedNextHopBytes: readonly number[];
}

/** RFC 4760; RFC 8950 §3 for the IPv6 next hops. */
export const ipv4Unicast = {
  key: familyKey(afi.ipv4, safi.unicast),
  name: 'ipv4-unicast',
  bits: 32,
  nextHopBytes: [4],
  extendedNextHopBytes: [16, 32],
} as const satisfies FamilyDescriptor;

/** RFC 2545 §3. */
export const ipv6Unicast = {
  key: familyKey(afi.ipv6, safi.unicast),
  name: 'ipv6-unicast',
  bits: 128,
  nextHopBytes: [16, 32],
  extendedNextHopBytes: [],
} as const satisfies FamilyDescriptor;

export const families = [ipv4Unicast, ipv6Unicast] as const;

export type FamilyName = (typeof families)[number]['name'];

export function familyOf(key: FamilyKey): (FamilyDescriptor & { readonly name: FamilyName }) | undefined {
  return families.find((family) => family.key === key);
}

/** The family's name, or its AFI and SAFI as "25/70" where there is no descriptor. */
export function nameOfFamily(key: FamilyKey): string {
  return familyOf(key)?.name ?? `${afiOf(key)}/${safiOf(key)}`;
}

export function familyNamed(name: FamilyName): FamilyDescriptor {
  return name === ipv4Unicast.name ? ipv4Unicast : ipv6Unicast;
}
