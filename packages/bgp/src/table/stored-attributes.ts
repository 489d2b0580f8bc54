/**
 * The way between attribute sets as the store keeps them (see `attribute-store.ts`) and as values: for people, for
 * policy actions, and for blocks that came in another form than the stored one.
 */
import { decodeAttributes } from '../attribute/decode.ts';
import { category } from '../attribute/descriptor.ts';
import { encodeAttributes } from '../attribute/encode.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import { attributeType } from '../iana.ts';
import { applyActions } from '../policy/actions.ts';
import type { PolicyAction } from '../policy/model.ts';
import { emptyFacts, readFacts } from './attribute-facts.ts';
import { type AttributeStore, trait } from './attribute-store.ts';

/** Stored sets have four-octet AS numbers, and attributes of both peer types. */
const storedContext = { fourOctetAs: true, peerType: 'ibgp' } as const;

const nobody = { asn: -1, routerId: -1, clusterId: -1 };
const facts = emptyFacts();

/** Reads a stored set. `nextHop`: of an MP family too; `attributes.nextHop` is there for NEXT_HOP alone. */
export function decodeStored(bytes: Uint8Array): { attributes: PathAttributes; nextHop: Uint8Array | undefined } {
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
  const header = [category.optionalNonTransitive, attributeType.mpReachNlri, nextHop.length + 1, nextHop.length];
  whole.set(block);
  whole.set(header, block.length);
  whole.set(nextHop, block.length + header.length);
  return whole;
}

/** The set that policy actions make of set `id`, held for the caller. */
export function applyOutcome(store: AttributeStore, id: number, actions: readonly PolicyAction[]): number {
  const { attributes, nextHop } = decodeStored(store.bytesOf(id));
  const changed = applyActions(attributes, actions);
  const traits = store.traitsOf(id) | (actions.some(({ kind }) => kind === 'set-med') ? trait.ownMultiExitDisc : 0);
  if (actions.some(({ kind }) => kind === 'next-hop-self')) {
    // A set without a next hop gets the session's own address when it is sent.
    const { nextHop: _dropped, ...withoutNextHop } = changed;
    return store.acquire(encodeStored(withoutNextHop), traits & ~trait.ownNextHop);
  }
  return store.acquire(encodeStored(changed, changed.nextHop === undefined ? nextHop : undefined), traits);
}
