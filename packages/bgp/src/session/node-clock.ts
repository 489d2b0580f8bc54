/** The clock and the random source of a real process. */
import { performance } from 'node:perf_hooks';
import type { Clock, Random } from '../ports.ts';

/** Longest delay that `setTimeout` keeps (a larger one fires at once). */
const maximumDelayMs = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    // After what the event loop has to read now, and without the millisecond that setTimeout takes at least.
    if (delayMs <= 0) {
      const immediate = setImmediate(run);
      return { cancel: () => clearImmediate(immediate) };
    }
    const timeout = setTimeout(run, Math.min(delayMs, maximumDelayMs));
    return { cancel: () => clearTimeout(timeout) };
  },
};

export const nodeRandom: Random = { next: () => Math.random() };
