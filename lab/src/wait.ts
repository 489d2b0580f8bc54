/**
 * Waiting on conditions. The lab never sleeps for a guessed time: it asks until the answer is yes or the deadline has
 * passed, and the error then says what was asked for and what was seen last.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { LabError } from './errors.ts';

/** Notes what the condition saw, for the error text. */
export type Seen = (value: unknown) => void;

export interface WaitOptions {
  /** Time after which the wait fails; 20,000 when left out. */
  readonly deadlineMs?: number;
  /** Time between two questions; 50 when left out. */
  readonly everyMs?: number;
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? String(value);
}

/**
 * Resolves with the first answer of `condition` that is not false, null or undefined. A condition that throws counts
 * as "not yet"; its message is what was seen. Rejects with LabError `deadline`.
 */
export async function waitFor<T>(
  what: string,
  condition: (seen: Seen) => T | false | null | undefined | Promise<T | false | null | undefined>,
  { deadlineMs = 20_000, everyMs = 50 }: WaitOptions = {},
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let last: unknown = 'nothing';
  const seen: Seen = (value) => {
    last = value;
  };
  for (;;) {
    try {
      const answer = await condition(seen);
      if (answer !== false && answer !== null && answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      throw new LabError('deadline', `waited ${deadlineMs / 1000} s for ${what}; last seen: ${describe(last)}`);
    }
    await pause(everyMs);
  }
}

/** Rejects with LabError `deadline` when `promise` has not settled in time. */
export async function within<T>(what: string, deadlineMs: number, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise,
      pause(deadlineMs, undefined, { signal: timer.signal }).then(() => {
        throw new LabError('deadline', `waited ${deadlineMs / 1000} s for ${what}`);
      }),
    ]);
  } finally {
    timer.abort();
  }
}
