/** Attribute sets that say "use me last": LLGR_STALE (RFC 9494), GRACEFUL_SHUTDOWN and LOCAL_PREF 0 (RFC 8326). */
import type { PathAttributes } from '../attribute/registry.ts';
import { wellKnownCommunity } from '../iana.ts';
import type { AttributeStore } from './attribute-store.ts';
import { changedSet } from './stored-attributes.ts';

/** Held for the caller. */
export function longLivedStale(store: AttributeStore, id: number): number {
  return changedSet(store, id, (attributes) => withCommunity(attributes, wellKnownCommunity.llgrStale));
}

/** RFC 8326 §4.2: what an initiator's neighbour is told. Held for the caller. */
export function shuttingDown(store: AttributeStore, id: number): number {
  return changedSet(store, id, (attributes) => withCommunity(attributes, wellKnownCommunity.gracefulShutdown));
}

/** RFC 8326 §4.1: "the LOCAL_PREF value ... SHOULD be set to 0". Held for the caller. */
export function leastPreferred(store: AttributeStore, id: number): number {
  return changedSet(store, id, (attributes) => ({ ...attributes, localPref: 0 }));
}

function withCommunity(attributes: PathAttributes, community: number): PathAttributes {
  const { communities = [] } = attributes;
  return communities.includes(community) ? attributes : { ...attributes, communities: [...communities, community] };
}
