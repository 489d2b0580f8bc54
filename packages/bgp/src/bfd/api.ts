/** What users of BFD see: sessions with a state, changes of it, and what was negotiated. */
import type { Clock, Random } from '../ports.ts';
import type { DiscardReason } from './errors.ts';
import type { BfdStateName } from './iana.ts';
import type { UdpTransport } from './udp-transport.ts';

export interface BfdOptions {
  /** Node's own where they are left out. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly transport?: UdpTransport;
  /** Called for each datagram that is no packet of a session; the TTL check does not come here, the kernel makes it. */
  readonly onDiscard?: (discard: { readonly reason: DiscardReason; readonly remoteAddress: string }) => void;
}

export interface BfdSessionOptions {
  /** The neighbour; a link-local one with its zone, or with `interface`. */
  readonly address: string;
  readonly localAddress?: string;
  /** Single hop: the link that is watched. Multihop: the device (a VRF) that packets come and go by. */
  readonly interface?: string;
  /** RFC 5883: the neighbour is some routers away. False when left out: RFC 5881, on one link, TTL 255 only. */
  readonly multihop?: boolean;
  /** Single hop only: another UDP port than 3784, for a neighbour that was set up so against RFC 5881 §4. */
  readonly port?: number;
  /** Multihop only: packets that arrive with a smaller TTL are not taken. 0 when left out. */
  readonly minimumTtl?: number;
  /** How often packets are sent at most, once the session is Up. */
  readonly desiredMinTxMs: number;
  /** How often packets are taken at most. */
  readonly requiredMinRxMs: number;
  /** The neighbour calls the session down when it misses so many packets in a row: 1 to 255. */
  readonly detectMultiplier: number;
}

/** Why the state changed. */
export type BfdChangeReason =
  /** A packet of the neighbour carried the handshake on. */
  | 'handshake'
  | 'detection-time-expired'
  | 'neighbor-down'
  | 'neighbor-admin-down'
  /** `enabled` or `disabled` here. */
  | 'enabled'
  | 'disabled';

export interface BfdChange {
  readonly from: BfdStateName;
  readonly state: BfdStateName;
  readonly reason: BfdChangeReason;
  /**
   * The path to the neighbour failed: the session was Up and is Down, and not because someone took it down. RFC 5882 §3.2:
   * AdminDown is no sign of a failure; §3.3: neither is what comes before the session is Up.
   */
  readonly pathDown: boolean;
  /** Our diagnostic code, RFC 5880 §4.1. */
  readonly diagnostic: number;
  /** The neighbour's. */
  readonly remoteDiagnostic: number;
}

/** A look at a session, for people and metrics. */
export interface BfdStatus {
  readonly address: string;
  readonly localAddress?: string;
  readonly interface?: string;
  readonly multihop: boolean;
  readonly state: BfdStateName;
  readonly remoteState: BfdStateName;
  readonly diagnostic: number;
  readonly remoteDiagnostic: number;
  readonly localDiscriminator: number;
  /** 0: the neighbour is not heard. */
  readonly remoteDiscriminator: number;
  /** Between our periodic packets, before jitter; 0 while none are sent. */
  readonly transmitIntervalMs: number;
  /** RFC 5880 §6.8.4; 0 while the neighbour is not heard. */
  readonly detectionTimeMs: number;
  /** A Poll Sequence of ours waits for its Final. */
  readonly polling: boolean;
  /** Users that share the session. */
  readonly users: number;
}

/** One user's hold on a session. */
export interface BfdSession {
  readonly state: BfdStateName;
  readonly status: BfdStatus;
  /** Called after each change of state, never from inside a call to this module. */
  onChange: ((change: BfdChange) => void) | undefined;
  /**
   * Lets go of the session; `onChange` is not called any more. With its last user it goes to AdminDown, tells the
   * neighbour so for a Detection Time, and ends.
   */
  close(): void;
}

export interface Bfd {
  /**
   * A session to a neighbour. Users that ask for the same neighbour, local address, interface and kind (single hop or
   * multihop) share one, which is run with the smallest intervals, multiplier and the greatest minimum TTL among theirs.
   * Throws `BfdError`; nothing stays open then.
   */
  session(options: BfdSessionOptions): BfdSession;
  /** All sessions that have users. */
  sessions(): BfdStatus[];
  /** Ends all at once: each neighbour is told AdminDown by one packet, and all sockets are closed. */
  close(): void;
}
