/**
 * The events of the state machine under the RFC's names and numbers, with what each carries. Events of RFC 4271 §8.1
 * that nothing here raises are left out: 3, 5 and 6 (automatic starts: what starts a peer again is event 13), 12 and 20
 * (DelayOpen, an optional attribute), 14 and 15 (a SYN is the kernel's; strangers are refused by the acceptor).
 */
import type { NotificationContent } from '../errors.ts';

/** Number by name: RFC 4271 §8.1, RFC 9687 §4.2 (29). Zero: not an event of any RFC, see `FsmEvent`. */
export const eventNumber = {
  ManualStart: 1,
  ManualStop: 2,
  ManualStart_with_PassiveTcpEstablishment: 4,
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: 7,
  AutomaticStop: 8,
  ConnectRetryTimer_Expires: 9,
  HoldTimer_Expires: 10,
  KeepaliveTimer_Expires: 11,
  IdleHoldTimer_Expires: 13,
  Tcp_CR_Acked: 16,
  TcpConnectionConfirmed: 17,
  TcpConnectionFails: 18,
  BGPOpen: 19,
  BGPHeaderErr: 21,
  BGPOpenMsgErr: 22,
  OpenCollisionDump: 23,
  NotifMsgVerErr: 24,
  NotifMsg: 25,
  KeepAliveMsg: 26,
  UpdateMsg: 27,
  UpdateMsgErr: 28,
  SendHoldTimer_Expires: 29,
  RouteRefreshMsg: 0,
  RouteRefreshMsgErr: 0,
  StableTimer_Expires: 0,
} as const;

export type EventName = keyof typeof eventNumber;

/** What a received OPEN settles: the agreed times, and who the peer is (RFC 4271 §6.8). */
export interface OpenFacts {
  /** Smaller of both proposals; 0: no HoldTimer and no KeepaliveTimer (RFC 4271 §4.2). */
  readonly holdTimeMs: number;
  readonly keepaliveMs: number;
  readonly peerIdentifier: number;
  readonly peerAsn: number;
  /** The peer sent a graceful restart capability with a family in it, and so did we (RFC 4724 §5). */
  readonly gracefulRestart: boolean;
}

/** A received message that is wrong, and the NOTIFICATION that answers it. */
interface Defective {
  readonly notification: NotificationContent;
  readonly text: string;
}

/** The operator's or the speaker's stop; without `notification` the connection is closed silently. */
interface Stop {
  readonly notification?: NotificationContent;
  readonly text: string;
}

interface Payloads {
  ManualStop: Stop;
  AutomaticStop: Stop;
  TcpConnectionFails: { readonly text: string };
  BGPOpen: OpenFacts;
  BGPHeaderErr: Defective;
  BGPOpenMsgErr: Defective;
  NotifMsgVerErr: { readonly text: string };
  NotifMsg: { readonly code: number; readonly subcode: number; readonly text: string };
  /** Behind the header. */
  UpdateMsg: { readonly body: Uint8Array };
  UpdateMsgErr: Defective;
  /** ROUTE-REFRESH (RFC 2918) has no event of its own in any RFC; it is ordered as an UPDATE. */
  RouteRefreshMsg: { readonly family: number; readonly subtype: number };
  /** RFC 7313 §5. */
  RouteRefreshMsgErr: Defective;
}

/** `StableTimer_Expires` ends the damping of a peer that stayed Established: RFC 4271 §8.1.1 leaves the method open. */
export type FsmEvent = {
  [Name in EventName]: { readonly name: Name } & (Name extends keyof Payloads ? Payloads[Name] : unknown);
}[EventName];
