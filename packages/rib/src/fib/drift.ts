/**
 * Differences between what we made and what stands there that nobody of ours made: when each was seen, and, during a
 * comparison of everything, how many there are. A value fed with the time by its caller.
 */
import { destinationOf, type FibKey } from '../table/key.ts';
import type { FibOperation } from './plan.ts';

export type Found = 'missing' | 'changed' | 'stray';

export interface DriftReport {
  readonly destination: string;
  readonly found: Found;
  readonly repairedMs?: number;
}

/** What an operation of a comparison says was wrong. */
const FOUND: Readonly<Record<FibOperation['action'], Found>> = { add: 'missing', change: 'changed', delete: 'stray' };

export class Drift {
  readonly #open = new Map<FibKey, { readonly found: Found; readonly sinceMs: number }>();
  #compared: Set<FibKey> | undefined;
  readonly #differences = new Set<FibKey>();

  /** Starts a comparison of these keys; what sources ask for meanwhile is no difference (`touch`). */
  compare(keys: Set<FibKey>): void {
    this.#compared = keys;
    this.#differences.clear();
  }

  /** Ends the comparison: the number of keys at which something was different. */
  compared(): number {
    this.#compared = undefined;
    return this.#differences.size;
  }

  touch(key: FibKey): void {
    this.#compared?.delete(key);
  }

  see(key: FibKey, found: Found, nowMs: number): void {
    if (this.#compared?.has(key)) this.#differences.add(key);
    if (!this.#open.has(key)) this.#open.set(key, { found, sinceMs: nowMs });
  }

  /** Operations that a comparison leads to are differences too. */
  seeOperations(operations: readonly FibOperation[], nowMs: number): void {
    const keys = this.#compared;
    if (keys === undefined) return;
    for (const { action, key } of operations) if (keys.has(key)) this.see(key, FOUND[action], nowMs);
  }

  /** The key was dealt with: the report, if there was a difference. */
  end(key: FibKey, repaired: boolean, nowMs: number): DriftReport | undefined {
    const seen = this.#open.get(key);
    if (seen === undefined) return undefined;
    this.#open.delete(key);
    const { found, sinceMs } = seen;
    return { destination: destinationOf(key), found, ...(repaired && { repairedMs: nowMs - sinceMs }) };
  }
}
