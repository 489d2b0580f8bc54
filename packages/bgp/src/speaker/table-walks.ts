/**
 * Work over whole tables, a slice at a time between everything else: removing a peer's paths, applying changed policy or
 * next-hop costs to what is there, and the selection after a restart.
 */
import { factFlag } from '../table/attribute-facts.ts';
import { type AttributeStore, NO_ATTRIBUTES } from '../table/attribute-store.ts';
import { DirtySet } from '../table/dirty-set.ts';
import { longLivedStale } from '../table/drained-sets.ts';
import { LOCAL_PEER } from '../table/peer-column.ts';
import type { Rib } from '../table/rib.ts';
import { NO_PATH } from '../table/route-table.ts';
import { ImportFilter, type ImportPeer } from './import-filter.ts';
import type { WorkQueue } from './work-queue.ts';

/** Numbers a slice. */
const SLICE = 8192;

export interface WalkedPeer extends ImportPeer {
  readonly peer: number;
  /** The path is kept by RFC 9494 from an earlier session. */
  isLongLivedStale(rib: Rib, path: number): boolean;
}

/** Paths of a peer that are `age` or more generations older than `generation`. */
export interface OldPaths {
  readonly peer: number;
  readonly generation: number;
  readonly age: number;
}

export class TableWalks {
  readonly #queue: WorkQueue;
  readonly #store: AttributeStore;
  readonly #longLivedLast: boolean;

  /** `longLivedLast`: long-lived stale routes have LOCAL_PREF 0 (RFC 9494 §4.6). */
  constructor(queue: WorkQueue, store: AttributeStore, longLivedLast: boolean) {
    this.#queue = queue;
    this.#store = store;
    this.#longLivedLast = longLivedLast;
  }

  /** Removes paths. */
  sweep(rib: Rib, paths: OldPaths, done?: () => void): void {
    this.#walk(rib.prefixes, (from, to) => rib.sweep(paths, from, to), done);
  }

  /** RFC 9494 §4.2: removes paths with NO_LLGR and makes the others a last resort, marked with LLGR_STALE. */
  markLongLived(rib: Rib, { peer, generation, age }: OldPaths): void {
    const { routes } = rib;
    this.#eachPathOf(rib, peer, (prefix, path) => {
      if (!routes.isOlder(path, generation, age)) return;
      const received = routes.receivedOf(path);
      const usable = routes.usableOf(path);
      // "either as sent by the peer or as the result of a configured policy".
      if (this.#hasNoLlgr(received) || this.#hasNoLlgr(usable)) {
        rib.removePath(prefix, peer, routes.pathIdOf(path));
        return;
      }
      if (usable === NO_ATTRIBUTES) return;
      const marked = longLivedStale(this.#store, usable, this.#longLivedLast);
      rib.setPath(prefix, peer, routes.generationOf(path), received, marked, routes.pathIdOf(path));
      this.#store.release(marked);
    });
  }

  /** Applies import policy to the peer's Adj-RIB-In again. */
  reevaluate(rib: Rib, peer: WalkedPeer): void {
    const filter = new ImportFilter(this.#store);
    this.#eachPathOf(rib, peer.peer, (prefix, path) => this.#importAgain(rib, filter, peer, prefix, path));
  }

  /** Has what the peer told considered again for every other peer. */
  exportAgain(rib: Rib, peer: number): void {
    this.#eachPathOf(rib, peer, (prefix) => rib.changed(prefix));
  }

  /** Asks for the costs of all next hops again, and takes in again what they touch. */
  reevaluateNextHops(ribs: Iterable<Rib>, peerOf: (peer: number) => WalkedPeer | undefined): void {
    const touched = new DirtySet();
    const store = this.#store;
    this.#walk(
      store,
      (from, to) => store.askCosts(from, to, (id) => touched.add(id)),
      () => {
        if (touched.size === 0) return;
        for (const rib of ribs) {
          const filter = new ImportFilter(store);
          this.#eachPrefix(rib, (prefix) => this.#selectTouched(rib, filter, touched, peerOf, prefix));
        }
      },
    );
  }

  /** Selects the best path of every prefix, after selection was deferred (RFC 4724 §4.1). */
  select(rib: Rib, done: () => void): void {
    const select = (prefix: number): void => {
      rib.routes.decide(prefix);
      if (rib.routes.best(prefix) !== NO_PATH) rib.changed(prefix);
    };
    this.#eachPrefix(rib, select, done);
  }

  #selectTouched(
    rib: Rib,
    filter: ImportFilter,
    touched: DirtySet,
    peerOf: (peer: number) => WalkedPeer | undefined,
    prefix: number,
  ): void {
    const { routes } = rib;
    const paths: number[] = [];
    for (let path = routes.first(prefix); path !== NO_PATH; path = routes.next(path)) {
      if (touched.has(routes.receivedOf(path)) || touched.has(routes.usableOf(path))) paths.push(path);
    }
    if (paths.length === 0) return;
    for (const path of paths) {
      const number = routes.peerOf(path);
      const peer = number === LOCAL_PEER ? undefined : peerOf(number);
      if (peer !== undefined) this.#importAgain(rib, filter, peer, prefix, path);
    }
    if (routes.decideAgain(prefix)) rib.changed(prefix);
  }

  #importAgain(rib: Rib, filter: ImportFilter, peer: WalkedPeer, prefix: number, path: number): void {
    const { routes } = rib;
    const received = routes.receivedOf(path);
    filter.begin(peer, received);
    let usable = filter.usable(rib.prefixes, prefix);
    const marks = usable !== NO_ATTRIBUTES && peer.isLongLivedStale(rib, path);
    if (marks && this.#hasNoLlgr(usable)) {
      rib.removePath(prefix, peer.peer, routes.pathIdOf(path));
      filter.end();
      return;
    }
    if (marks) usable = longLivedStale(this.#store, usable, this.#longLivedLast);
    rib.setPath(prefix, peer.peer, routes.generationOf(path), received, usable, routes.pathIdOf(path));
    if (marks) this.#store.release(usable);
    filter.end();
  }

  #hasNoLlgr(id: number): boolean {
    return id !== NO_ATTRIBUTES && (this.#store.flagsOf(id) & factFlag.noLlgr) !== 0;
  }

  #eachPathOf(rib: Rib, peer: number, visit: (prefix: number, path: number) => void): void {
    this.#eachPrefix(rib, (prefix) => {
      for (const path of rib.routes.pathsFrom(prefix, peer)) visit(prefix, path);
    });
  }

  #eachPrefix(rib: Rib, visit: (prefix: number) => void, done?: () => void): void {
    const range = (from: number, to: number): void => {
      for (let prefix = from; prefix < Math.min(to, rib.prefixes.limit); prefix++) visit(prefix);
    };
    this.#walk(rib.prefixes, range, done);
  }

  /** Calls `visit` for ranges up to the limit, a slice at a time. */
  #walk(table: { readonly limit: number }, visit: (from: number, to: number) => void, done?: () => void): void {
    let from = 0;
    this.#queue.add(() => {
      visit(from, from + SLICE);
      from += SLICE;
      if (from < table.limit) return true;
      done?.();
      return false;
    });
  }
}
