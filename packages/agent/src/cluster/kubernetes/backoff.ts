const BASE_MS = 800;
/** A server that is back is noticed within this time; client-go waits up to 30 s. */
const CAP_MS = 10_000;

/**
 * Milliseconds to wait before try number `attempt` (from 0): doubling, capped, and spread over the upper half so that
 * the agents of a cluster do not come back at once. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, random: number): number {
  const fullMs = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 30));
  return fullMs * (0.5 + random / 2);
}
