/** Connection collision detection, RFC 4271 §6.8: which of two connections of one neighbour stays. */
import type { FsmStateName } from './state.ts';

export type Direction = 'outgoing' | 'incoming';

/** One of the two connections. */
export interface Contender {
  readonly name: FsmStateName;
  readonly direction: Direction;
}

/** Both speakers, as the OPENs name them. */
export interface Identities {
  readonly localIdentifier: number;
  readonly localAsn: number;
  readonly peerIdentifier: number;
  readonly peerAsn: number;
}

/**
 * Decides on the OPEN of `opening` while `other` exists. The speaker with the higher BGP Identifier keeps the connection
 * that it started; RFC 6286 §2.3: with equal identifiers, the one with the higher AS number.
 *
 * `other` in OpenSent is examined too (§6.8: MAY, when the identifier of the peer is known "by means outside of the
 * protocol"): all connections here are of one configured neighbour, and both sides then come to the same answer even
 * where a KEEPALIVE overtakes the other connection's OPEN.
 */
export function survivor(opening: Contender, other: Contender, who: Identities): 'opening' | 'other' {
  // "a connection collision with an existing BGP connection that is in the Established state causes closing of the
  // newly created connection"
  if (other.name === 'Established') return 'other';
  // An attempt that has no connection yet, or no attempt at all: nothing collides.
  if (other.name === 'Idle' || other.name === 'Connect' || other.name === 'Active') return 'opening';
  // The peer opened the same way twice: it has given up the older one.
  if (opening.direction === other.direction) return 'opening';
  const localWins =
    who.localIdentifier === who.peerIdentifier ? who.localAsn > who.peerAsn : who.localIdentifier > who.peerIdentifier;
  return (opening.direction === 'outgoing') === localWins ? 'opening' : 'other';
}
