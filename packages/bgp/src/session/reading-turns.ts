/**
 * What all sessions together read in one turn of the event loop. Each has its own bound (`channel.ts`); with hundreds of
 * peers that send at once those would add up to a long pause, so who finds the turn spent waits in a queue.
 */
import type { Clock } from '../ports.ts';

/** A message costs one unit, and one more for each so many bytes. */
const unitBytes = 256;
/** Of one turn: what sixteen channels read at most in theirs, with small UPDATEs some 8 ms of work. */
export const turnUnits = 1024;

export class ReadingTurns {
  readonly #clock: Clock;
  #left = turnUnits;
  /** In order: who found a turn spent, and behind them who has read in this turn and has more. */
  #waiting: (() => void)[] = [];
  #served: (() => void)[] = [];
  #isDue = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  spend(messages: number, bytes: number): void {
    this.#left -= messages + Math.floor(bytes / unitBytes);
    // A few KEEPALIVEs now and then need no timer.
    if (this.#left < turnUnits / 2) this.#schedule();
  }

  /** Calls `read` in a later turn, behind those that wait already; `hasRead`: it had a share of this one. */
  wait(read: () => void, hasRead: boolean): void {
    (hasRead ? this.#served : this.#waiting).push(read);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.after(0, this.#begin);
  }

  readonly #begin = (): void => {
    this.#isDue = false;
    this.#left = turnUnits;
    const queue = [...this.#waiting, ...this.#served];
    this.#waiting = [];
    this.#served = [];
    let next = 0;
    try {
      while (next < queue.length && this.#left > 0) queue[next++]?.();
    } finally {
      if (next < queue.length) this.#waiting = queue.slice(next);
      if (queue.length > next || this.#served.length > 0) this.#schedule();
    }
  };
}
