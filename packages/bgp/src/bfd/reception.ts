/** Which session a packet is for, or why there is none: the rules of RFC 5880 §6.8.6 that ask more than the packet. */
import type { ControlPacket } from './control-packet.ts';
import type { DiscardReason } from './errors.ts';

/** The sessions of the receiver that the packet came to. */
export interface SessionLookup<S> {
  byDiscriminator(localDiscriminator: number): S | undefined;
  /** RFC 5881 §3 and RFC 5883 §4.1: by where the packet came from and to. */
  byNeighbor(): S | undefined;
}

export type Selection<S> = { readonly session: S } | { readonly discard: DiscardReason };

/** The checks stand in the order of RFC 5880 §6.8.6, behind those of `decodeControlPacket`. */
export function selectSession<S>(packet: ControlPacket, sessions: SessionLookup<S>): Selection<S> {
  const { yourDiscriminator, state } = packet;
  // "If the Your Discriminator field is nonzero, it MUST be used to select the session".
  if (yourDiscriminator === 0 && state !== 'Down' && state !== 'AdminDown') return { discard: 'zero-discriminator' };
  const session = yourDiscriminator === 0 ? sessions.byNeighbor() : sessions.byDiscriminator(yourDiscriminator);
  if (session === undefined) return { discard: yourDiscriminator === 0 ? 'unknown-neighbor' : 'unknown-discriminator' };
  // "If the A bit is set and no authentication is in use (bfd.AuthType is zero), the packet MUST be discarded."
  if (packet.authentication !== undefined) return { discard: 'authentication-not-supported' };
  return { session };
}
