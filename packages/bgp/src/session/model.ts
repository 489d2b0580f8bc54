/**
 * What a speaker gives to a session and gets from it. A session is one neighbour: it connects, accepts, retries, resolves
 * collisions and resets by RFC 4271, and hands on the bodies of UPDATEs; routes and tables are the speaker's.
 */
import type { Role } from '../capability/role.ts';
import type { DownReason, FsmStateName } from '../fsm/state.ts';
import type { FamilyKey, Negotiated } from '../message/model.ts';
import type { Clock, Connection, Random, TcpAoKey, Transport } from '../ports.ts';
import type { ReadingTurns } from './reading-turns.ts';

/** What this side's next OPEN says about graceful restart (RFC 4724 §3). */
export interface GracefulRestartOffer {
  /** R bit: this speaker has restarted. */
  readonly restarting: boolean;
  /** RFC 8538 N bit. */
  readonly notification: boolean;
  readonly restartTimeMs: number;
  readonly families: readonly { readonly family: FamilyKey; readonly forwardingPreserved: boolean }[];
  /** RFC 9494 §3.1, with the Long-Lived Stale Time; left out: the capability is not sent. */
  readonly longLived?: readonly {
    readonly family: FamilyKey;
    readonly forwardingPreserved: boolean;
    readonly staleTimeMs: number;
  }[];
}

/** One neighbour. Addresses are text; times are milliseconds. */
export interface SessionConfig {
  readonly localAsn: number;
  /**
   * RFC 7705 §4.2: in the OPEN that follows one that the peer refused as Bad Peer AS, in turn with `localAsn`. Where
   * `peerAsn` is one of the two, both are the same AS: the peer may have either, and is an internal one.
   */
  readonly otherLocalAsn?: number;
  /** BGP Identifier as an unsigned 32-bit number. */
  readonly localIdentifier: number;
  readonly peerAsn: number;
  readonly peerAddress: string;
  /** 179 when left out. */
  readonly peerPort?: number;
  readonly localAddress?: string;
  readonly families: readonly FamilyKey[];
  /** RFC 7911 §4, for all of `families`. */
  readonly addPath?: { readonly send: boolean; readonly receive: boolean };
  /** Families that may have IPv6 next hops beside their own (RFC 8950 §4). */
  readonly extendedNextHop?: readonly FamilyKey[];
  /** Proposed Hold Time, whole seconds: 0, or 3 s to 65535 s (RFC 4271 §4.2). */
  readonly holdTimeMs: number;
  /** ConnectRetryTime: how long an attempt may take and the longest wait between two; 10 s when left out. */
  readonly connectRetryMs?: number;
  /** Wait for the peer to connect, never connect. */
  readonly passive?: boolean;
  /** RFC 2385 key; the speaker also gives it to its listener, for the peer's connections. */
  /** RFC 5065: the other members of our confederation; `localAsn` is then what this peer knows us by. */
  readonly confederationMembers?: readonly number[];
  /** RFC 9234 §4: our role towards the peer; `roleStrict`: it must name the counterpart. */
  readonly role?: Role;
  readonly roleStrict?: boolean;
  readonly password?: string;
  readonly tcpAo?: TcpAoKey;
  /** Interface or VRF that connections to the peer go through. */
  readonly device?: string;
  /** TTL of sent packets; the kernel's default when left out, and then no native code is needed. */
  readonly ttl?: number;
  /** RFC 5082: smallest TTL taken from the peer; 255 for a directly connected one. */
  readonly minimumTtl?: number;
  /** Asked anew for each OPEN; undefined: the capability is not sent. */
  readonly gracefulRestart?: () => GracefulRestartOffer | undefined;
}

/** What a session tells the speaker. Bodies are views that live only during the call. */
export interface SessionEvents {
  stateChanged(from: FsmStateName, to: FsmStateName, reason?: DownReason): void;
  /** `connection`: addresses and ports of the connection that carries the session. */
  established(
    negotiated: Negotiated,
    connection: Pick<Connection, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort' | 'localInterface'>,
  ): void;
  /** The body of one UPDATE, behind the header. Returns after the tables have taken it; throws a BgpError whose reaction is a session reset. */
  update(body: Uint8Array): void;
  routeRefresh(message: { readonly family: FamilyKey; readonly subtype: number }): void;
  /** The session left Established. */
  down(reason: DownReason): void;
  /** The send queue has room again. */
  writable(): void;
  /** Rate-limited text for the log, one line: a refused connection, a failed attempt, a session that could not open. */
  warning(text: string): void;
}

export interface SessionCounters {
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly updatesReceived: number;
  readonly updatesSent: number;
}

export interface SessionStop {
  readonly notify: boolean;
  readonly subcode?: number;
  readonly text?: string;
  readonly data?: Uint8Array;
}

/** One neighbour's session as the speaker drives it. */
export interface Session {
  readonly state: FsmStateName;
  readonly counters: SessionCounters;
  /** ManualStart; does nothing outside Idle. */
  start(): void;
  /**
   * ManualStop: Idle until `start`. `notify` false: closes without a NOTIFICATION, so that a peer keeps our routes
   * (RFC 4724). Subcode: RFC 4486, 2 (administrative shutdown) when left out; `text`: RFC 9003, sent with subcodes 2 and 4;
   * `data`: of another subcode.
   */
  stop(options: SessionStop): void;
  /** AutomaticStop: sends the CEASE, then starts again by itself after the back-off. */
  reset(options: { readonly subcode: number; readonly text?: string }): void;
  /** Takes a connection that came in from this neighbour's address. */
  accept(connection: Connection): void;
  /** Sends whole messages, header included; outside Established they are dropped. False: wait for `writable`. */
  send(messages: Uint8Array): boolean;
  /**
   * Stops and restarts reading from the peer, until the session is down; the hold timer does not run out over what was
   * not read.
   */
  pause(): void;
  resume(): void;
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  /** Shared by the sessions of a speaker; left out: the session has its own. */
  readonly turns?: ReadingTurns;
}
