/**
 * The timers of a connection's state machine: which event each raises and whether it is jittered. Starting, stopping
 * and the clock are the shell's.
 */
import type { EventName } from './event.ts';

/** RFC 4271 §10 names the jittered ones; IdleHoldTimer is ours to choose (§8.1.1). SendHoldTimer: RFC 9687. */
export const timers = {
  ConnectRetryTimer: { event: 'ConnectRetryTimer_Expires', jitter: true },
  HoldTimer: { event: 'HoldTimer_Expires', jitter: false },
  KeepaliveTimer: { event: 'KeepaliveTimer_Expires', jitter: true },
  IdleHoldTimer: { event: 'IdleHoldTimer_Expires', jitter: true },
  SendHoldTimer: { event: 'SendHoldTimer_Expires', jitter: false },
  StableTimer: { event: 'StableTimer_Expires', jitter: false },
} as const satisfies Record<string, { event: EventName; jitter: boolean }>;

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
