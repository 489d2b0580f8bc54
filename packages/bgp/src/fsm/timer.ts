/**
 * The timers of a connection's state machine: which event each raises, whether it is jittered and whether those of
 * different sessions should expire together. Starting, stopping and the clock are the shell's.
 */
import type { EventName } from './event.ts';

/** RFC 4271 §10 names the jittered ones; IdleHoldTimer is ours to choose (§8.1.1). SendHoldTimer: RFC 9687. */
export const timers = {
  ConnectRetryTimer: { event: 'ConnectRetryTimer_Expires', jitter: true, together: false },
  HoldTimer: { event: 'HoldTimer_Expires', jitter: false, together: false },
  KeepaliveTimer: { event: 'KeepaliveTimer_Expires', jitter: true, together: true },
  IdleHoldTimer: { event: 'IdleHoldTimer_Expires', jitter: true, together: false },
  SendHoldTimer: { event: 'SendHoldTimer_Expires', jitter: false, together: false },
  StableTimer: { event: 'StableTimer_Expires', jitter: false, together: false },
} as const satisfies Record<string, { event: EventName; jitter: boolean; together: boolean }>;

export type TimerName = keyof typeof timers;

/** RFC 4271 §10: the base value times "a random factor, which is uniformly distributed in the range from 0.75 to 1.0". */
export function jittered(ms: number, random: number): number {
  return ms * (0.75 + 0.25 * random);
}

/** RFC 4271 §8.2.2: "A HoldTimer value of 4 minutes is suggested" while the peer's OPEN is awaited. */
export const largeHoldTimeMs = 240_000;

/** RFC 9687 §6: the greater of 8 minutes and twice the negotiated hold time; §4.4: always more than the hold time. */
export function sendHoldTimeMs(holdTimeMs: number): number {
  return Math.max(480_000, 2 * holdTimeMs);
}

/** Of timers that expire together. */
const beatMs = 1_000;

/**
 * Moves a deadline back to a whole second of the clock, by no more than a tenth of the delay. The KEEPALIVEs of all
 * sessions are then written in a few turns of the event loop: with 2,000 sessions at rest, each with a wake-up of its
 * own, they took three times the processor time.
 */
export function together(deadline: number, delayMs: number): number {
  return delayMs < 10 * beatMs ? deadline : Math.floor(deadline / beatMs) * beatMs;
}
