/** Keeps warnings from filling a log: the same text passes once in a while, and only so many of all in a minute. */
import type { Clock } from '../ports.ts';

const repeatMs = 300_000;
const remembered = 32;
const windowMs = 60_000;
const linesInWindow = 10;

/**
 * Wraps `warn`: a text that was passed on within the last five minutes is dropped, and so is any behind the tenth of a
 * minute. How many those were is said at the end of the next line that passes.
 */
export function limitWarnings(clock: Clock, warn: (text: string) => void): (text: string) => void {
  const passedAt = new Map<string, number>();
  let windowStart = Number.NEGATIVE_INFINITY;
  let lines = 0;
  let dropped = 0;
  return (text) => {
    const now = clock.now();
    const before = passedAt.get(text);
    if (before !== undefined && now - before < repeatMs) return;
    if (now - windowStart >= windowMs) {
      windowStart = now;
      lines = 0;
    }
    if (lines === linesInWindow) {
      dropped += 1;
      return;
    }
    lines += 1;
    passedAt.delete(text);
    passedAt.set(text, now);
    const [oldest] = passedAt.keys();
    if (passedAt.size > remembered && oldest !== undefined) passedAt.delete(oldest);
    warn(dropped === 0 ? text : `${text} (and ${dropped} more such warnings)`);
    dropped = 0;
  };
}
