/**
 * Changes of best paths for one user of the library. What has changed is one bit a prefix, looked up when the user asks:
 * a slow user sees the latest state of each prefix and costs no more than that.
 */
import { DirtySet } from '../table/dirty-set.ts';
import type { Rib, RibReader } from '../table/rib.ts';
import { NO_PATH } from '../table/route-table.ts';
import type { BestPathChange } from './api.ts';
import { type PathView, prefixText } from './path-view.ts';

/** Prefixes a step; also the longest array. */
const SLICE = 1024;

class RibChanges implements RibReader {
  readonly rib: Rib;
  readonly followsAllPaths: boolean;
  readonly dirty = new DirtySet();
  /** Prefixes whose best path the user knows of. */
  readonly #told = new DirtySet();
  readonly #wake: () => void;
  readonly #ids = new Int32Array(SLICE);

  constructor(rib: Rib, followsAllPaths: boolean, wake: () => void) {
    this.rib = rib;
    this.followsAllPaths = followsAllPaths;
    this.#wake = wake;
    for (let prefix = 0; prefix < rib.prefixes.limit; prefix++) {
      if (rib.routes.best(prefix) !== NO_PATH) this.dirty.add(prefix);
    }
    rib.addReader(this);
  }

  changed(prefix: number): void {
    this.dirty.add(prefix);
    this.#wake();
  }

  holds(prefix: number): boolean {
    return this.dirty.has(prefix) || this.#told.has(prefix);
  }

  take(view: PathView, changes: BestPathChange[]): void {
    const count = this.dirty.take(this.#ids);
    for (const id of this.#ids.subarray(0, count)) {
      const best = this.rib.routes.best(id);
      const prefix = prefixText(this.rib.prefixes, id);
      if (best !== NO_PATH) {
        this.#told.add(id);
        changes.push({ kind: 'best', prefix, path: view.path(this.rib, id, best) });
        continue;
      }
      if (this.#told.delete(id)) changes.push({ kind: 'withdrawn', prefix });
      this.rib.reclaim(id);
    }
  }

  close(): void {
    this.rib.removeReader(this);
    for (const set of [this.dirty, this.#told]) {
      for (let count = set.take(this.#ids); count > 0; count = set.take(this.#ids)) {
        for (const id of this.#ids.subarray(0, count)) this.rib.reclaim(id);
      }
    }
  }
}

export class ChangeStream implements AsyncIterableIterator<readonly BestPathChange[]> {
  readonly #view: PathView;
  readonly #readers: readonly RibChanges[];
  readonly #defer: (run: () => void) => void;
  readonly #onClose: () => void;
  #waiting: { resolve(result: IteratorResult<readonly BestPathChange[]>): void } | undefined;
  #closed = false;

  /** `defer` runs a function after what is being done now: changes of one turn come as one array. */
  constructor(
    ribs: Iterable<Rib>,
    view: PathView,
    options: { readonly defer: (run: () => void) => void; readonly onClose: () => void },
  ) {
    this.#view = view;
    this.#defer = options.defer;
    this.#onClose = options.onClose;
    this.#readers = Array.from(ribs, (rib) => new RibChanges(rib, view.seesAllPaths, () => this.#wake()));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<readonly BestPathChange[]>> {
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    const { promise, resolve } = Promise.withResolvers<IteratorResult<readonly BestPathChange[]>>();
    this.#waiting = { resolve };
    this.#wake();
    return promise;
  }

  return(): Promise<IteratorResult<readonly BestPathChange[]>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const reader of this.#readers) reader.close();
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
    this.#onClose();
  }

  #scheduled = false;

  #wake(): void {
    if (this.#scheduled || this.#waiting === undefined) return;
    if (this.#readers.every(({ dirty }) => dirty.size === 0)) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#waiting === undefined) return;
    const changes: BestPathChange[] = [];
    for (const reader of this.#readers) reader.take(this.#view, changes);
    if (changes.length === 0) {
      // Only routes that came and went: nothing to tell.
      this.#wake();
      return;
    }
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve({ done: false, value: changes });
  }
}
