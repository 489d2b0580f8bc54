/** The variables of a session, RFC 5880 §6.8.1, and what happens to them. */

import type { BfdChange } from './api.ts';
import type { ControlPacket } from './control-packet.ts';
import { type BfdStateName, diagnostic } from './iana.ts';

/** RFC 5880 §6.8.3: bfd.DesiredMinTxInterval is "not less than one second" while the session is not Up. */
export const slowTxUs = 1_000_000;

export interface Timing {
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
}

/** What the users want, once the session is Up. */
export interface BfdConfig extends Timing {
  readonly detectMultiplier: number;
}

/** What the neighbour said last. */
export interface Remote extends Timing {
  readonly discriminator: number;
  readonly state: BfdStateName;
  readonly diagnostic: number;
  readonly detectMultiplier: number;
  readonly demand: boolean;
}

export interface BfdState {
  readonly config: BfdConfig;
  /** bfd.SessionState. */
  readonly session: BfdStateName;
  /** bfd.LocalDiag. */
  readonly diagnostic: number;
  readonly localDiscriminator: number;
  /** Undefined until the neighbour is heard, and again after a Detection Time of silence. */
  readonly remote: Remote | undefined;
  /** bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval, as packets carry them. */
  readonly advertised: Timing;
  /** The same as we act on them: behind `advertised` where §6.8.3 has us wait for the end of a Poll Sequence. */
  readonly effective: Timing;
  /** `settling`: after its Final, until a packet without Final shows that the next one will not be taken for this one's. */
  readonly poll: 'none' | 'polling' | 'settling';
}

export type BfdEvent =
  /** RFC 5880 §6.8.16. */
  | { readonly name: 'enabled' }
  | { readonly name: 'disabled' }
  /** The users' wishes changed. */
  | { readonly name: 'configured'; readonly config: BfdConfig }
  /** A packet that `reception.ts` found to be of this session. */
  | { readonly name: 'packet-received'; readonly packet: ControlPacket }
  /** Nothing was received for the Detection Time. */
  | { readonly name: 'detection-time-expired' }
  /** The transmit interval is over. */
  | { readonly name: 'transmit-due' };

export type BfdEffect =
  /** Send it now. `periodic`: the next transmit interval begins with it. */
  | { readonly kind: 'send'; readonly packet: ControlPacket; readonly periodic: boolean }
  /** From the last periodic packet to the next it is this long, before jitter; 0: send none. */
  | { readonly kind: 'transmit-interval'; readonly us: number }
  /** The neighbour may be silent so long: counted from now with `restart`, else from when it was last heard. 0: no limit. */
  | { readonly kind: 'detection-time'; readonly us: number; readonly restart: boolean }
  | { readonly kind: 'changed'; readonly change: BfdChange };

/** A session that has not begun; `enabled` takes it to Down, where RFC 5880 has sessions begin. */
export function initialState(config: BfdConfig, localDiscriminator: number): BfdState {
  const timing = {
    desiredMinTxUs: Math.max(config.desiredMinTxUs, slowTxUs),
    requiredMinRxUs: config.requiredMinRxUs,
  };
  return {
    config,
    session: 'AdminDown',
    diagnostic: diagnostic.none,
    localDiscriminator,
    remote: undefined,
    advertised: timing,
    effective: timing,
    poll: 'none',
  };
}
