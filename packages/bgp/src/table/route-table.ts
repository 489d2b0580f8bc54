/**
 * Adj-RIB-In of all peers and Loc-RIB of one family (RFC 4271 §3.2) in one structure: each prefix has a list of paths,
 * the best first. A path keeps the attributes as received (so that a changed policy can be applied again) and as
 * import policy left them. A peer has one path a prefix, or with add-path (RFC 7911) one for each Path Identifier.
 * Whoever calls learns which prefixes have another best path now; exporting is not done here.
 */
import { factFlag } from './attribute-facts.ts';
import { type AttributeStore, NO_ATTRIBUTES } from './attribute-store.ts';
import { withRoom } from './column.ts';
import { type DecisionStep, decisionSteps, type PathFacts, selectBest } from './decision.ts';
import { LOCAL_PEER, type PeerColumn } from './peer-column.ts';
import type { PrefixTable } from './prefix-table.ts';

/** No path; real numbers start at 1. */
export const NO_PATH = 0;
/** The peer of a number whose path is gone and that is held by somebody; no peer has this number. */
const RETIRED = 0xffff;

export class RouteTable implements PathFacts {
  readonly prefixes: PrefixTable;
  readonly #attributes: AttributeStore;
  readonly #peers: PeerColumn;
  readonly #steps: readonly DecisionStep[];
  #head: Int32Array<ArrayBufferLike> = new Int32Array(64);

  #next: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #peer: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #generation: Uint8Array<ArrayBufferLike> = new Uint8Array(64);
  /** What the peer calls the path. There is no such column before the first one that is not 0. */
  #pathId: Uint32Array<ArrayBufferLike> | undefined;
  #received: Int32Array<ArrayBufferLike> = new Int32Array(64);
  /** NO_ATTRIBUTES: rejected by policy, or not eligible. */
  #usable: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #pathLimit = 1;
  #freePath = NO_PATH;

  #receivedCount: Uint32Array<ArrayBufferLike> = new Uint32Array(8);
  #acceptedCount: Uint32Array<ArrayBufferLike> = new Uint32Array(8);
  #candidates: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #deferred = false;
  /** Whether somebody still knows a path by its number, which must not be given to another path then. */
  isHeld: ((path: number) => boolean) | undefined;

  constructor(
    prefixes: PrefixTable,
    attributes: AttributeStore,
    peers: PeerColumn,
    steps: readonly DecisionStep[] = decisionSteps,
  ) {
    this.prefixes = prefixes;
    this.#attributes = attributes;
    this.#peers = peers;
    this.#steps = steps;
  }

  /**
   * Selection_Deferral_Timer (RFC 4724 §4.1): while set, paths are taken in and no prefix has a best path. Afterwards
   * the caller looks at every prefix by `decide`.
   */
  set deferred(value: boolean) {
    this.#deferred = value;
  }

  /** The best path of a prefix, or NO_PATH. */
  best(prefix: number): number {
    const head = this.#head[prefix] ?? NO_PATH;
    return this.#deferred || this.#usable[head] === NO_ATTRIBUTES ? NO_PATH : head;
  }

  first(prefix: number): number {
    return this.#head[prefix] ?? NO_PATH;
  }

  next(path: number): number {
    return this.#next[path] ?? NO_PATH;
  }

  peerOf(path: number): number {
    return this.#peer[path] ?? LOCAL_PEER;
  }

  /** The peer's Path Identifier of a path, 0 without add-path. */
  pathIdOf(path: number): number {
    return this.#pathId?.[path] ?? 0;
  }

  generationOf(path: number): number {
    return this.#generation[path] ?? 0;
  }

  receivedOf(path: number): number {
    return this.#received[path] ?? NO_ATTRIBUTES;
  }

  usableOf(path: number): number {
    return this.#usable[path] ?? NO_ATTRIBUTES;
  }

  receivedCount(peer: number): number {
    return this.#receivedCount[peer] ?? 0;
  }

  acceptedCount(peer: number): number {
    return this.#acceptedCount[peer] ?? 0;
  }

  /** Whether the path is older than `generation` by `age` or more. Generations count round in eight bits. */
  isOlder(path: number, generation: number, age: number): boolean {
    // A newer one has a negative distance.
    return ((generation - (this.#generation[path] ?? 0)) << 24) >> 24 >= age;
  }

  /** The peer's paths for a prefix. */
  pathsFrom(prefix: number, peer: number): number[] {
    const paths: number[] = [];
    for (let path = this.#head[prefix] ?? NO_PATH; path !== NO_PATH; path = this.#next[path] ?? NO_PATH) {
      if (this.#peer[path] === peer) paths.push(path);
    }
    return paths;
  }

  /**
   * Up to `count` usable paths of a prefix, when there are more than that the best ones in order. A view that is valid
   * until the table is asked again.
   */
  ranked(prefix: number, count: number): Int32Array {
    const found = this.#deferred ? 0 : this.#findCandidates(prefix);
    const taken = Math.min(found, count);
    if (taken < found) {
      for (let rank = 0; rank < taken; rank++) {
        selectBest(this, this.#candidates.subarray(rank, found), found - rank, this.#steps);
      }
    }
    return this.#candidates.subarray(0, taken);
  }

  /**
   * Takes the peer's path for a prefix, in place of the one it had under the same `pathId`. True when the best path is
   * another one now.
   */
  setPath(prefix: number, peer: number, generation: number, received: number, usable: number, pathId = 0): boolean {
    if (prefix >= this.#head.length) this.#head = withRoom(this.#head, prefix);
    if (pathId !== 0) this.#pathId ??= new Uint32Array(this.#peer.length);
    const ids = this.#pathId;
    const head = this.#head[prefix] ?? NO_PATH;
    let path = head;
    while (path !== NO_PATH && (this.#peer[path] !== peer || (ids !== undefined && ids[path] !== pathId))) {
      path = this.#next[path] ?? NO_PATH;
    }
    if (path === NO_PATH) {
      path = this.#allocate(peer, generation, received, usable, pathId);
      if (head === NO_PATH) {
        this.#head[prefix] = path;
        return usable !== NO_ATTRIBUTES && !this.#deferred;
      }
      // Behind the head: the head is what the best path was.
      this.#next[path] = this.#next[head] ?? NO_PATH;
      this.#next[head] = path;
      return this.#decideAfter(prefix, head, this.#usable[head] ?? NO_ATTRIBUTES);
    }
    this.#generation[path] = generation;
    const oldReceived = this.#received[path] ?? NO_ATTRIBUTES;
    const oldUsable = this.#usable[path] ?? NO_ATTRIBUTES;
    if (oldReceived === received && oldUsable === usable) return false;
    const bestAttributes = this.#usable[head] ?? NO_ATTRIBUTES;
    this.#hold(peer, received, usable);
    this.#received[path] = received;
    this.#usable[path] = usable;
    const changed = this.#decideAfter(prefix, head, bestAttributes);
    this.#letGo(peer, oldReceived, oldUsable);
    return changed;
  }

  /** Forgets the peer's path for a prefix. True when the best path is another one now, or none. */
  removePath(prefix: number, peer: number, pathId = 0): boolean {
    const ids = this.#pathId;
    if (pathId !== 0 && ids === undefined) return false;
    const head = this.#head[prefix] ?? NO_PATH;
    let before = NO_PATH;
    let path = head;
    while (path !== NO_PATH && (this.#peer[path] !== peer || (ids !== undefined && ids[path] !== pathId))) {
      before = path;
      path = this.#next[path] ?? NO_PATH;
    }
    return path === NO_PATH ? false : this.#unlink(prefix, head, before, path);
  }

  /**
   * Forgets the peer's paths that are `age` or more generations older than `generation`, for the prefixes from `from`
   * to below `to`; calls `changed` for each prefix whose best path is another one now, and then `removed`.
   */
  sweep(
    { peer, generation, age }: { readonly peer: number; readonly generation: number; readonly age: number },
    from: number,
    to: number,
    changed: (prefix: number) => void,
    removed: (prefix: number) => void,
  ): void {
    const end = Math.min(to, this.#head.length);
    for (let prefix = from; prefix < end; prefix++) {
      let head = this.#head[prefix] ?? NO_PATH;
      let before = NO_PATH;
      let path = head;
      while (path !== NO_PATH) {
        if (this.#peer[path] !== peer || !this.isOlder(path, generation, age)) {
          before = path;
          path = this.#next[path] ?? NO_PATH;
          continue;
        }
        if (this.#unlink(prefix, head, before, path)) changed(prefix);
        removed(prefix);
        // Without add-path it was the only one. The choice of another best path has changed the order of the others.
        if (this.#pathId === undefined) break;
        head = this.#head[prefix] ?? NO_PATH;
        before = NO_PATH;
        path = head;
      }
    }
  }

  /** Selects again among the paths of a prefix, best first in the list. */
  decide(prefix: number): void {
    const count = this.#findCandidates(prefix);
    if (count > 1) selectBest(this, this.#candidates, count, this.#steps);
    if (count > 0) this.#moveToFront(prefix, this.#candidates[0] ?? NO_PATH);
  }

  /** As `decide`, after facts of its paths have changed. True when the best path is another one now. */
  decideAgain(prefix: number): boolean {
    const head = this.#head[prefix] ?? NO_PATH;
    return this.#decideAfter(prefix, head, this.#usable[head] ?? NO_ATTRIBUTES);
  }

  /** Gives back the number of a path that is gone, when `isHeld` does not keep it any more. */
  releaseNumber(path: number): void {
    if (this.#peer[path] === RETIRED) this.#free(path);
  }

  learned(path: number): number {
    return this.#peer[path] === LOCAL_PEER ? 0 : 1;
  }

  longLivedStale(path: number): number {
    return (this.#attributes.flagsOf(this.usableOf(path)) & factFlag.llgrStale) === 0 ? 0 : 1;
  }

  localPreference(path: number): number {
    return this.#attributes.localPreference(this.usableOf(path));
  }

  asPathLength(path: number): number {
    return this.#attributes.asPathLength(this.usableOf(path));
  }

  origin(path: number): number {
    return this.#attributes.origin(this.usableOf(path));
  }

  neighborAs(path: number): number {
    return this.#attributes.neighborAs(this.usableOf(path));
  }

  multiExitDiscriminator(path: number): number {
    return this.#attributes.multiExitDiscriminator(this.usableOf(path));
  }

  internal(path: number): number {
    return this.#peers.internal(this.peerOf(path));
  }

  interiorCost(path: number): number {
    return this.#attributes.interiorCost(this.usableOf(path));
  }

  originator(path: number): number {
    return this.#attributes.originator(this.usableOf(path)) ?? this.#peers.identifier(this.peerOf(path));
  }

  clusterListLength(path: number): number {
    return this.#attributes.clusterListLength(this.usableOf(path));
  }

  peerRank(path: number): number {
    return this.#peers.rank(this.peerOf(path));
  }

  /** Fills `#candidates`; returns how many there are. */
  #findCandidates(prefix: number): number {
    let count = 0;
    for (let path = this.#head[prefix] ?? NO_PATH; path !== NO_PATH; path = this.#next[path] ?? NO_PATH) {
      if (this.#usable[path] === NO_ATTRIBUTES) continue;
      this.#candidates = withRoom(this.#candidates, count);
      this.#candidates[count++] = path;
    }
    return count;
  }

  #decideAfter(prefix: number, oldHead: number, oldAttributes: number): boolean {
    if (this.#deferred) return false;
    this.decide(prefix);
    const head = this.#head[prefix] ?? NO_PATH;
    const attributes = this.#usable[head] ?? NO_ATTRIBUTES;
    return attributes !== oldAttributes || (head !== oldHead && attributes !== NO_ATTRIBUTES);
  }

  #unlink(prefix: number, head: number, before: number, path: number): boolean {
    const bestAttributes = this.#usable[head] ?? NO_ATTRIBUTES;
    const next = this.#next[path] ?? NO_PATH;
    if (before === NO_PATH) this.#head[prefix] = next;
    else this.#next[before] = next;
    const peer = this.#peer[path] ?? LOCAL_PEER;
    const received = this.#received[path] ?? NO_ATTRIBUTES;
    const usable = this.#usable[path] ?? NO_ATTRIBUTES;
    this.#free(path);
    // A path that was not the best leaves the choice as it was, since every step removes candidates on its own merits,
    // except that MULTI_EXIT_DISC may have removed others on its account.
    const changed = this.#decideAfter(prefix, head, bestAttributes);
    this.#letGo(peer, received, usable);
    return changed;
  }

  #free(path: number): void {
    if (this.isHeld?.(path) === true) {
      this.#peer[path] = RETIRED;
      return;
    }
    // Only once: a number that is free already is no retired one.
    this.#peer[path] = LOCAL_PEER;
    this.#next[path] = this.#freePath;
    this.#freePath = path;
  }

  #allocate(peer: number, generation: number, received: number, usable: number, pathId: number): number {
    let path = this.#freePath;
    if (path !== NO_PATH) {
      this.#freePath = this.#next[path] ?? NO_PATH;
    } else {
      path = this.#pathLimit++;
      if (path >= this.#next.length) {
        this.#next = withRoom(this.#next, path);
        this.#peer = withRoom(this.#peer, path);
        this.#generation = withRoom(this.#generation, path);
        if (this.#pathId !== undefined) this.#pathId = withRoom(this.#pathId, path);
        this.#received = withRoom(this.#received, path);
        this.#usable = withRoom(this.#usable, path);
      }
    }
    this.#next[path] = NO_PATH;
    this.#peer[path] = peer;
    this.#generation[path] = generation;
    if (this.#pathId !== undefined) this.#pathId[path] = pathId;
    this.#received[path] = received;
    this.#usable[path] = usable;
    this.#hold(peer, received, usable);
    return path;
  }

  #hold(peer: number, received: number, usable: number): void {
    this.#attributes.retain(received);
    if (peer >= this.#receivedCount.length) {
      this.#receivedCount = withRoom(this.#receivedCount, peer);
      this.#acceptedCount = withRoom(this.#acceptedCount, peer);
    }
    this.#receivedCount[peer] = (this.#receivedCount[peer] ?? 0) + 1;
    if (usable === NO_ATTRIBUTES) return;
    this.#attributes.retain(usable);
    this.#acceptedCount[peer] = (this.#acceptedCount[peer] ?? 0) + 1;
  }

  #letGo(peer: number, received: number, usable: number): void {
    this.#attributes.release(received);
    this.#receivedCount[peer] = (this.#receivedCount[peer] ?? 0) - 1;
    if (usable === NO_ATTRIBUTES) return;
    this.#attributes.release(usable);
    this.#acceptedCount[peer] = (this.#acceptedCount[peer] ?? 0) - 1;
  }

  #moveToFront(prefix: number, path: number): void {
    const head = this.#head[prefix] ?? NO_PATH;
    if (head === path) return;
    let before = head;
    while (this.#next[before] !== path) before = this.#next[before] ?? NO_PATH;
    this.#next[before] = this.#next[path] ?? NO_PATH;
    this.#next[path] = head;
    this.#head[prefix] = path;
  }
}
