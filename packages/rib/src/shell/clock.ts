/** The real clock. */
import type { Clock } from '../model.ts';

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon(run) {
    setImmediate(run);
  },
};
