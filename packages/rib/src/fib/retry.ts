/**
 * When to try again what the kernel refused: exponential backoff for each key, as a value. The caller brings the time
 * (milliseconds of a monotonic clock) and keeps the timer.
 */
import type { FibKey } from '../table/key.ts';

const FIRST_MS = 100;
const LONGEST_MS = 30_000;

export class RetrySchedule {
  readonly #entries = new Map<FibKey, { attempts: number; dueMs: number }>();

  /** The key failed once more; the number of times so far. */
  fail(key: FibKey, nowMs: number): number {
    const attempts = (this.#entries.get(key)?.attempts ?? 0) + 1;
    this.#entries.set(key, { attempts, dueMs: nowMs + Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS) });
    return attempts;
  }

  succeed(key: FibKey): void {
    this.#entries.delete(key);
  }

  pending(key: FibKey): boolean {
    return this.#entries.has(key);
  }

  /** The keys that are due now. They are not due again before they fail again. */
  take(nowMs: number): FibKey[] {
    const due: FibKey[] = [];
    for (const [key, entry] of this.#entries) {
      if (entry.dueMs > nowMs) continue;
      entry.dueMs = Number.POSITIVE_INFINITY;
      due.push(key);
    }
    return due;
  }

  /** When the next key is due; undefined when none is. */
  nextMs(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#entries.values()) next = Math.min(next, dueMs);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }
}
