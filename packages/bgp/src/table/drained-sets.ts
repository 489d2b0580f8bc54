/** Attribute sets that say "use me last": LLGR_STALE (RFC 9494), GRACEFUL_SHUTDOWN and LOCAL_PREF 0 (RFC 8326). */
import { wellKnownCommunity } from '../iana.ts';
import type { AttributeStore } from './attribute-store.ts';
import { changedSet, withCommunity } from './stored-attributes.ts';

/** `last`: with LOCAL_PREF 0 too (RFC 9494 §4.6). Held for the caller. */
export function longLivedStale(store: AttributeStore, id: number, last: boolean): number {
  return changedSet(store, id, (attributes) => {
    const marked = withCommunity(attributes, wellKnownCommunity.llgrStale);
    return last ? { ...marked, localPref: 0 } : marked;
  });
}

/** RFC 9494 §4.6: what a peer in the AS that does not know LLGR_STALE is told of such a route. Held for the caller. */
export function longLivedForOthers(store: AttributeStore, id: number): number {
  return changedSet(store, id, (attributes) => ({
    ...withCommunity(attributes, wellKnownCommunity.noExport),
    localPref: 0,
  }));
}

/** RFC 8326 §4.2: what an initiator's neighbour is told. Held for the caller. */
export function shuttingDown(store: AttributeStore, id: number): number {
  return changedSet(store, id, (attributes) => withCommunity(attributes, wellKnownCommunity.gracefulShutdown));
}

/** RFC 8326 §4.1: "the LOCAL_PREF value ... SHOULD be set to 0". Held for the caller. */
export function leastPreferred(store: AttributeStore, id: number): number {
  return changedSet(store, id, (attributes) => ({ ...attributes, localPref: 0 }));
}
