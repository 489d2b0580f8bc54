/** The intervals of RFC 5880 §6.8: how often packets are sent, and how long silence may last. All in microseconds. */
import type { BfdState } from './state.ts';

/** Between periodic packets before jitter, RFC 5880 §6.8.2 and §6.8.7; 0 when none are sent. */
export function transmitIntervalUs({ session, remote, effective, poll }: BfdState): number {
  // RFC 5880 §6.8.1: bfd.RemoteMinRxInterval "MUST be initialized to 1".
  if (remote === undefined) return Math.max(effective.desiredMinTxUs, 1);
  // §6.8.7: "A system MUST NOT periodically transmit BFD Control packets if bfd.RemoteMinRxInterval is zero."
  if (remote.requiredMinRxUs === 0) return 0;
  // §6.8.7: "... if Demand mode is active on the remote system (bfd.RemoteDemandMode is 1, bfd.SessionState is Up, and
  // bfd.RemoteSessionState is Up) and a Poll Sequence is not being transmitted."
  if (remote.demand && session === 'Up' && remote.state === 'Up' && poll !== 'polling') return 0;
  return Math.max(effective.desiredMinTxUs, remote.requiredMinRxUs);
}

/** How long nothing may come from the neighbour, RFC 5880 §6.8.4; 0 while it is not heard. Demand mode is never ours. */
export function detectionTimeUs({ remote, effective }: BfdState): number {
  if (remote === undefined) return 0;
  return remote.detectMultiplier * Math.max(effective.requiredMinRxUs, remote.desiredMinTxUs);
}

/**
 * How long the neighbour waits for a packet of ours before it calls the session down, if it follows our parameters; 0 when
 * it does not wait for any.
 */
export function remoteDetectionTimeUs(state: BfdState): number {
  return state.remote === undefined ? 0 : state.config.detectMultiplier * transmitIntervalUs(state);
}

/**
 * RFC 5880 §6.8.7: the interval is "reduced by a random value of 0 to 25%"; with a multiplier of 1 it is between 75% and
 * 90%. `random` is in [0, 1).
 */
export function jitteredUs(intervalUs: number, detectMultiplier: number, random: number): number {
  return intervalUs * (detectMultiplier === 1 ? 0.75 + 0.15 * random : 1 - 0.25 * random);
}
