import type { PathAttributes } from '../attribute/registry.ts';
import type { FamilyName } from '../family/registry.ts';
import type { DownReason, FsmStateName } from '../fsm/state.ts';
import type { PolicyChain } from '../policy/model.ts';
import type { Clock, Random, Transport } from '../ports.ts';

export type { FamilyName } from '../family/registry.ts';

/** What a speaker is made of. Addresses are text; times are milliseconds. */
export interface SpeakerOptions {
  readonly asn: number;
  /** BGP Identifier in dotted form. */
  readonly routerId: string;
  /** Addresses to accept connections on; none when left out. */
  readonly listen?: readonly { readonly address: string; readonly port?: number }[];
  /** RFC 4456 cluster id; the router id when left out. */
  readonly clusterId?: string;
  /** Applied to every peer that has no chain of its own. RFC 8212: an eBGP peer without a chain imports and exports nothing. */
  readonly importPolicy?: PolicyChain;
  readonly exportPolicy?: PolicyChain;
  /** RFC 4724 as restarting speaker: `restarting` sets the R and F bits for the first `restartTimeMs` of this run. */
  readonly gracefulRestart?: GracefulRestartOptions;
  /**
   * Cost of reaching a next hop, the smaller the better (RFC 4271 §9.1.2.2 e), undefined when it cannot be reached: the
   * path is no candidate then. Asked when an attribute set arrives; all next hops cost the same when left out.
   */
  readonly nextHopCost?: (nextHop: string) => number | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly transport?: Transport;
}

export interface GracefulRestartOptions {
  readonly restartTimeMs: number;
  /** How long route selection waits for End-of-RIB from all peers after a restart (Selection_Deferral_Timer, §4.1). */
  readonly deferralTimeMs?: number;
  /** This process took over a forwarding state that is still in place. */
  readonly restarting?: boolean;
}

export interface PeerOptions {
  readonly address: string;
  readonly asn: number;
  readonly port?: number;
  readonly localAddress?: string;
  readonly description?: string;
  readonly families?: readonly FamilyName[];
  readonly holdTimeMs?: number;
  readonly connectRetryMs?: number;
  /** Wait for the peer to connect, never connect. */
  readonly passive?: boolean;
  readonly password?: string;
  /** TTL of an eBGP session; 1 when left out. */
  readonly multihopTtl?: number;
  readonly gracefulRestart?: boolean;
  readonly routeReflectorClient?: boolean;
  /** Set NEXT_HOP to the session's local address on every route sent to this peer. */
  readonly nextHopSelf?: boolean;
  readonly importPolicy?: PolicyChain;
  readonly exportPolicy?: PolicyChain;
}

export interface PeerChange {
  readonly address: string;
  readonly action: 'added' | 'removed' | 'updated' | 'reset' | 'failed';
}

/** A route this speaker originates. `nextHop` left out: the session's local address. */
export interface Announcement {
  readonly prefix: string;
  readonly nextHop?: string;
  readonly attributes?: PathAttributes;
}

export interface Path {
  readonly prefix: string;
  readonly family: FamilyName;
  readonly nextHop: string;
  readonly attributes: PathAttributes;
  /** Address of the peer it came from; 'local' for own announcements. */
  readonly from: string;
  readonly fromType: 'local' | 'ibgp' | 'ebgp';
  readonly stale: boolean;
}

export type BestPathChange =
  | { readonly kind: 'best'; readonly prefix: string; readonly path: Path }
  | { readonly kind: 'withdrawn'; readonly prefix: string };

export interface PeerStatus {
  readonly address: string;
  readonly asn: number;
  readonly type: 'ibgp' | 'ebgp';
  readonly state: FsmStateName;
  readonly identifier?: string;
  readonly families: readonly FamilyName[];
  /** Clock time of the last change of `state`. */
  readonly since: number;
  readonly lastDown?: DownReason;
  readonly established: number;
  readonly prefixesReceived: number;
  readonly prefixesAccepted: number;
  readonly prefixesSent: number;
  readonly messages: { readonly received: number; readonly sent: number };
  readonly updates: { readonly received: number; readonly sent: number };
}

export interface SpeakerEvents {
  'peer-state': [change: { address: string; from: FsmStateName; to: FsmStateName; reason?: DownReason }];
  /** Routes of this peer and family are complete: End-of-RIB came (RFC 4724 §2). */
  'end-of-rib': [event: { address: string; family: FamilyName }];
  /** Selection was deferred after a restart and is done now: what is not in Loc-RIB may be flushed. */
  'selection-complete': [];
  /** An UPDATE was not taken as it was sent (RFC 7606), a connection was refused and the like; `text` names it all. */
  warning: [event: { address?: string; text: string }];
}

export interface Speaker {
  /** Binds the listeners and starts all peers. Rejects when an address cannot be bound; nothing is started then. */
  start(): Promise<void>;
  /** Closes all. With `graceful` sessions end without a NOTIFICATION, so that helpers keep the routes (RFC 4724). */
  stop(options?: { readonly graceful?: boolean }): Promise<void>;
  /**
   * Makes the set of peers equal to `peers`: adds, removes, and changes in place what can be changed without a reset
   * (policies, description); only a change that the session needs resets it. Returns what it did, one entry a changed
   * peer. A peer that cannot be set up does not stop the others: its entry is `failed` and a `warning` says why.
   */
  setPeers(peers: readonly PeerOptions[]): readonly PeerChange[];
  /** Throws when the peer is there already or cannot be set up; it is not there then. */
  addPeer(peer: PeerOptions): void;
  removePeer(address: string): void;
  /** Makes the set of originated routes equal to `routes`. */
  setAnnouncements(routes: readonly Announcement[]): void;
  announce(route: Announcement): void;
  withdraw(prefix: string): void;
  /** Replaces the default chains and evaluates again what they touch, without a reset. */
  setPolicy(policy: { readonly importPolicy?: PolicyChain; readonly exportPolicy?: PolicyChain }): void;
  peers(): readonly PeerStatus[];
  bestPath(prefix: string): Path | undefined;
  /** All paths known for a prefix, the best first. */
  paths(prefix: string): readonly Path[];
  routes(family?: FamilyName): Iterable<Path>;
  /** Present best paths first, then changes, each array one turn of the decision process. Ends when the speaker stops. */
  bestPathChanges(options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly BestPathChange[]>;
  on<K extends keyof SpeakerEvents>(event: K, listener: (...args: SpeakerEvents[K]) => void): this;
  off<K extends keyof SpeakerEvents>(event: K, listener: (...args: SpeakerEvents[K]) => void): this;
}
