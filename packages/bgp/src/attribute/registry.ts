/**
 * The one list of path attributes that are fields of a route. `PathAttributes` is derived from it, and so is everything
 * the codec does with them: a new attribute is its own file and one line here. MP_REACH_NLRI and MP_UNREACH_NLRI carry
 * routes and are not among the fields (`message/update-scan.ts`).
 */

import { aggregator } from './aggregator.ts';
import { aigp } from './aigp.ts';
import { asPath } from './as-path.ts';
import { as4Aggregator, as4Path } from './as4.ts';
import { atomicAggregate } from './atomic-aggregate.ts';
import { clusterList } from './cluster-list.ts';
import { communities } from './communities.ts';
import type { AttributeDescriptor, RawAttribute } from './descriptor.ts';
import { extendedCommunities } from './extended-communities.ts';
import { ipv6ExtendedCommunities } from './ipv6-extended-communities.ts';
import { largeCommunities } from './large-communities.ts';
import { localPref } from './local-pref.ts';
import { multiExitDisc } from './multi-exit-disc.ts';
import { nextHop } from './next-hop.ts';
import { onlyToCustomer } from './only-to-customer.ts';
import { origin } from './origin.ts';
import { originatorId } from './originator-id.ts';

/** In order of type code, which is the order they are encoded in. */
export const attributeDescriptors = [
  origin,
  asPath,
  nextHop,
  multiExitDisc,
  localPref,
  atomicAggregate,
  aggregator,
  communities,
  originatorId,
  clusterList,
  extendedCommunities,
  as4Path,
  as4Aggregator,
  ipv6ExtendedCommunities,
  aigp,
  largeCommunities,
  onlyToCustomer,
] as const;

type Descriptor = (typeof attributeDescriptors)[number];

type ValueOf<D> = D extends AttributeDescriptor<string, infer Value> ? Value : never;

/** Every attribute with a descriptor, under its name. */
export type AttributeValues = { readonly [D in Descriptor as D['name']]?: ValueOf<D> };

/**
 * The attributes of a route. IPv4 addresses (`nextHop`, `originatorId`, `clusterList`, the aggregator's) are unsigned
 * 32-bit numbers, see `parseIpv4` and `formatIpv4`. AS numbers have four octets whatever the session speaks: AS4_PATH and
 * AS4_AGGREGATOR are merged and made by the codec (RFC 6793).
 */
export interface PathAttributes extends Omit<AttributeValues, 'as4Path' | 'as4Aggregator'> {
  /** Attributes without a descriptor, as they came, by type. See `passOn` for what of them may be sent to another peer. */
  readonly unknown?: readonly RawAttribute[];
  /** Types of the optional transitive attributes above that came with the Partial bit; RFC 4271 §5: it is never cleared. */
  readonly partial?: readonly number[];
}

const byType = new Map<number, AttributeDescriptor<string, unknown>>();
for (const descriptor of attributeDescriptors) byType.set(descriptor.type, descriptor);

export function descriptorOf(type: number): AttributeDescriptor<string, unknown> | undefined {
  return byType.get(type);
}
