/**
 * The way between attribute sets as the store keeps them (see `attribute-store.ts`) and as values: for people, for
 * policy actions, and for blocks that came in another form than the stored one.
 */
import { ipv4Number } from '../address.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import { category } from '../attribute/descriptor.ts';
import { encodeAttributes } from '../attribute/encode.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import { attributeType, wellKnownCommunity } from '../iana.ts';
import type { PolicyOutcome } from '../policy/compile.ts';
import { emptyFacts, factFlag, readFacts } from './attribute-facts.ts';
import { type AttributeStore, trait } from './attribute-store.ts';

/** Stored sets have four-octet AS numbers, and attributes of both peer types. */
const storedContext = { fourOctetAs: true, peerType: 'ibgp' } as const;

const nobody = { asn: -1, routerId: -1, clusterId: -1 };
const facts = emptyFacts();

/** A stored set. `nextHop`: of an MP family too; `attributes.nextHop` is there for NEXT_HOP alone. */
export interface DecodedSet {
  readonly attributes: PathAttributes;
  readonly nextHop: Uint8Array | undefined;
}

export function decodeStored(bytes: Uint8Array): DecodedSet {
  const { attributes } = decodeAttributes(bytes, storedContext);
  readFacts(bytes, 0, bytes.length, nobody, facts);
  const { nextHopAt, nextHopSize } = facts;
  return { attributes, nextHop: nextHopSize === 0 ? undefined : bytes.slice(nextHopAt, nextHopAt + nextHopSize) };
}

/**
 * The stored form of `attributes`. `mpNextHop`: the next hop of a family carried in MP_REACH_NLRI, whose sets have no
 * NEXT_HOP (RFC 4760 §3: "it MUST be ignored" beside the other).
 */
export function encodeStored(attributes: PathAttributes, mpNextHop?: Uint8Array): Uint8Array {
  if (mpNextHop === undefined) return encodeAttributes(attributes, storedContext);
  const { nextHop: _ignored, ...rest } = attributes;
  return appendNextHop(encodeAttributes(rest, storedContext), mpNextHop);
}

/** `block` with the next hop behind it, in the form of RFC 6396 §4.3.4. */
export function appendNextHop(block: Uint8Array, nextHop: Uint8Array): Uint8Array {
  const whole = new Uint8Array(block.length + 4 + nextHop.length);
  whole.set(block);
  let at = block.length;
  whole[at++] = category.optionalNonTransitive;
  whole[at++] = attributeType.mpReachNlri;
  whole[at++] = nextHop.length + 1;
  whole[at++] = nextHop.length;
  whole.set(nextHop, at);
  return whole;
}

/** The set that a policy's outcome makes of set `id`, held for the caller. `addressBytes`: of the route's family, 4 or 16. */
export function applyOutcome(
  store: AttributeStore,
  id: number,
  outcome: Pick<PolicyOutcome, 'edit'>,
  addressBytes: number,
): number {
  const { attributes, nextHop } = decodeStored(store.bytesOf(id));
  const traits = store.traitsOf(id);
  const edited = outcome.edit({
    attributes,
    nextHop,
    ownNextHop: (traits & trait.ownNextHop) !== 0,
    ownMultiExitDisc: (traits & trait.ownMultiExitDisc) !== 0,
    addressBytes,
  });
  // RFC 9494 §4.3: "The LLGR_STALE community MUST NOT be removed when the route is further advertised."
  const isStale = (store.flagsOf(id) & factFlag.llgrStale) !== 0;
  const result = isStale ? withCommunity(edited.attributes, wellKnownCommunity.llgrStale) : edited.attributes;
  // A set without a next hop gets the session's own address when it is sent.
  const bytes = withNextHop(result, edited.nextHop === 'self' ? undefined : edited.nextHop);
  const own = (edited.ownNextHop ? trait.ownNextHop : 0) | (edited.ownMultiExitDisc ? trait.ownMultiExitDisc : 0);
  return store.acquire(bytes, (traits & ~(trait.ownNextHop | trait.ownMultiExitDisc)) | own);
}

/** The set that `change` makes of the attributes of set `id`, held for the caller. */
export function changedSet(
  store: AttributeStore,
  id: number,
  change: (attributes: PathAttributes) => PathAttributes,
): number {
  const { attributes, nextHop } = decodeStored(store.bytesOf(id));
  return store.acquire(withNextHop(change(attributes), nextHop), store.traitsOf(id));
}

export function withCommunity(attributes: PathAttributes, community: number): PathAttributes {
  const { communities = [] } = attributes;
  return communities.includes(community) ? attributes : { ...attributes, communities: [...communities, community] };
}

/** The stored form with this next hop: an IPv4 one in NEXT_HOP. */
export function withNextHop(attributes: PathAttributes, nextHop: Uint8Array | undefined): Uint8Array {
  const { nextHop: _before, ...rest } = attributes;
  if (nextHop?.length === 4) return encodeStored({ ...rest, nextHop: ipv4Number(nextHop) });
  return encodeStored(rest, nextHop);
}
