/** Time that passes only when it is told to: timers fire in order of their time, those of one time in order of asking. */
import type { Clock, Timer } from '../ports.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  #now = 0;
  #asked = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Entry[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, delayMs), order: this.#asked++, run };
    this.#push(entry);
    return {
      cancel: () => {
        entry.run = undefined;
      },
    };
  }

  /** Fires the next timer that is due up to `limit`. False when there is none: it is `limit` then. */
  step(limit: number): boolean {
    for (;;) {
      const [entry] = this.#heap;
      if (entry === undefined || entry.at > limit) {
        this.#now = Math.max(this.#now, limit);
        return false;
      }
      this.#pop();
      if (entry.run === undefined) continue;
      this.#now = entry.at;
      entry.run();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !earlier(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const rightFirst = right !== undefined && earlier(right, left);
      const child = rightFirst ? right : left;
      if (!earlier(child, last)) break;
      heap[at] = child;
      at = 2 * at + (rightFirst ? 2 : 1);
    }
    heap[at] = last;
  }
}

function earlier(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
