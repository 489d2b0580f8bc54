/**
 * Waits that grow with failures, as pure values; the shell adds the jitter. They pace the way back from Idle
 * (DampPeerOscillations of RFC 4271 §8.1.1, whose method the RFC leaves open) and attempts to connect.
 */

export interface Backoff {
  readonly initialMs: number;
  readonly maximumMs: number;
}

/** A first failure costs a moment; a peer that flaps or is set up wrongly is left alone for a minute at a time. */
export const defaultIdleHold: Backoff = { initialMs: 250, maximumMs: 60_000 };

/** First wait after an attempt to connect failed, in Active; ConnectRetryTime is the last. Nodes often start together. */
export const firstConnectRetryMs = 500;

/** The wait after `failures` failures in a row: doubles with each, up to the maximum. */
export function backoffMs(failures: number, { initialMs, maximumMs }: Backoff): number {
  const doublings = Math.max(0, failures - 1);
  return doublings > 30 ? maximumMs : Math.min(maximumMs, initialMs * 2 ** doublings);
}
