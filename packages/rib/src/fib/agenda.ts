/**
 * What is to be done next: keys to plan, dumps to read, failures to try again. A value fed with the time by its caller
 * (milliseconds of a monotonic clock), who does one thing after the other.
 */
import type { FibKey } from '../table/key.ts';
import { RetrySchedule } from './retry.ts';

/** Why the kernel is read again. Only after `overrun` and `compare` every key is planned again. */
export type ReadReason = 'links' | 'doubt' | 'overrun' | 'compare';

export interface Reading {
  readonly reasons: ReadonlySet<ReadReason>;
  readonly doubtful: readonly FibKey[];
  readonly startedMs: number;
}

/** A dump that only a doubt asks for waits this many times the length of the last, so that a quarrel costs a fifth of the time. */
const PAUSES = 4;
const READ_RETRY_MS = 1000;

export class Agenda {
  readonly retry = new RetrySchedule();
  #dirty = new Set<FibKey>();
  #markedMs = 0;
  /** What was dirty when planning began, and is not planned yet. */
  #batch: Iterator<FibKey, undefined> = [].values();
  #batchMs = 0;
  /** Not planned before the next dump. */
  readonly #doubtful = new Set<FibKey>();
  readonly #reasons = new Set<ReadReason>();
  #readNotBeforeMs = 0;

  /** Nothing is left but what time brings. */
  get idle(): boolean {
    return this.#dirty.size === 0 && this.#reasons.size === 0;
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  mark(key: FibKey, nowMs: number): void {
    if (this.#dirty.size === 0) this.#markedMs = nowMs;
    this.#dirty.add(key);
  }

  /** The key must not be planned before a dump has shown what stands there. */
  doubt(key: FibKey): void {
    this.#doubtful.add(key);
    this.ask('doubt');
  }

  doubts(key: FibKey): boolean {
    return this.#doubtful.has(key);
  }

  ask(reason: ReadReason): void {
    this.#reasons.add(reason);
    if (reason !== 'doubt') this.#readNotBeforeMs = 0;
  }

  /** The dump to read now, if there is one. */
  takeReading(nowMs: number): Reading | undefined {
    if (this.#reasons.size === 0 || this.#readNotBeforeMs > nowMs) return undefined;
    const reading = { reasons: new Set(this.#reasons), doubtful: [...this.#doubtful], startedMs: nowMs };
    this.#reasons.clear();
    this.#doubtful.clear();
    return reading;
  }

  /** The dump was read. Doubtful keys are planned again, those that the kernel refused when their time comes. */
  finishReading({ doubtful, startedMs }: Reading, nowMs: number): void {
    for (const key of doubtful) if (!this.retry.pending(key)) this.mark(key, nowMs);
    this.#readNotBeforeMs = nowMs + PAUSES * (nowMs - startedMs);
  }

  failReading({ reasons, doubtful }: Reading, nowMs: number): void {
    for (const reason of reasons) this.#reasons.add(reason);
    for (const key of doubtful) this.#doubtful.add(key);
    this.#readNotBeforeMs = nowMs + READ_RETRY_MS;
  }

  /** The next keys to plan, at most `limit`, and when the first of their like was marked. What is marked later comes after them. */
  takeKeys(limit: number, nowMs: number): { readonly keys: FibKey[]; readonly markedMs: number } {
    for (const key of this.retry.take(nowMs)) this.mark(key, nowMs);
    const keys: FibKey[] = [];
    while (keys.length < limit) {
      const { value: key, done } = this.#batch.next();
      if (done !== true) {
        if (!this.#doubtful.has(key)) keys.push(key);
        continue;
      }
      if (this.#dirty.size === 0) break;
      this.#batch = this.#dirty.values();
      this.#batchMs = this.#markedMs;
      this.#dirty = new Set();
    }
    return { keys, markedMs: this.#batchMs };
  }

  /** When there will be something to do; undefined when never. */
  nextMs(): number | undefined {
    const retryMs = this.retry.nextMs();
    if (this.#reasons.size === 0) return retryMs;
    return Math.min(this.#readNotBeforeMs, retryMs ?? Number.POSITIVE_INFINITY);
  }
}
