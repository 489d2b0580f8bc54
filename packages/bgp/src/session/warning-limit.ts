/** Keeps a repeated warning from filling a log: the same text passes once in a while. */
import type { Clock } from '../ports.ts';

const repeatMs = 300_000;
const remembered = 32;

/** Wraps `warn`: a text that was passed on within the last five minutes is dropped. */
export function limitWarnings(clock: Clock, warn: (text: string) => void): (text: string) => void {
  const passedAt = new Map<string, number>();
  return (text) => {
    const now = clock.now();
    const before = passedAt.get(text);
    if (before !== undefined && now - before < repeatMs) return;
    passedAt.delete(text);
    passedAt.set(text, now);
    const [oldest] = passedAt.keys();
    if (passedAt.size > remembered && oldest !== undefined) passedAt.delete(oldest);
    warn(text);
  };
}
