import type { PeerType } from '../attribute/descriptor.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { Bfd, BfdSession, BfdSessionOptions } from '../bfd/api.ts';
import type { Role } from '../capability/role.ts';
import type { FamilyName } from '../family/registry.ts';
import type { DownReason, FsmStateName } from '../fsm/state.ts';
import type { Negotiated } from '../message/model.ts';
import type { PolicyTraceStep } from '../policy/compile.ts';
import type { PolicyChain } from '../policy/model.ts';
import type { Clock, Random, TcpAoKey, Transport } from '../ports.ts';

export type { FamilyName } from '../family/registry.ts';

/** What a speaker is made of. Addresses are text; times are milliseconds. */
export interface SpeakerOptions {
  readonly asn: number;
  /** BGP Identifier in dotted form. */
  readonly routerId: string;
  /** RFC 5065: `asn` is then the number of our member AS, and the world outside sees `identifier`. */
  readonly confederation?: ConfederationOptions;
  /** Addresses to accept connections on; none when left out. `device`: a VRF or interface whose addresses they are. */
  readonly listen?: readonly { readonly address: string; readonly port?: number; readonly device?: string }[];
  /** RFC 4456 cluster id; the router id when left out. */
  readonly clusterId?: string;
  /** Applied to every peer that has no chain of its own. RFC 8212: an eBGP peer without a chain imports and exports nothing. */
  readonly importPolicy?: PolicyChain;
  readonly exportPolicy?: PolicyChain;
  /** RFC 4724 as restarting speaker: `restarting` sets the R and F bits for the first `restartTimeMs` of this run. */
  readonly gracefulRestart?: GracefulRestartOptions;
  /**
   * RFC 9494 §4.6, for an AS where not all speakers have long-lived graceful restart: iBGP and confederation peers without
   * it get long-lived stale routes too, with NO_EXPORT. All such routes have LOCAL_PREF 0 then, here and in what is sent,
   * so that everybody prefers the same; it is to be set in all speakers of the AS that have the feature.
   */
  readonly longLivedPartialDeployment?: boolean;
  /** RFC 8326: this speaker goes away soon; `gracefulShutdown` of every eBGP peer. */
  readonly gracefulShutdown?: boolean;
  /**
   * Cost of reaching a next hop, the smaller the better (RFC 4271 §9.1.2.2 e), undefined when it cannot be reached: the
   * path is no candidate then. Asked when an attribute set arrives, and again by `reevaluateNextHops`; all next hops cost
   * the same when left out.
   */
  readonly nextHopCost?: (nextHop: string) => number | undefined;
  /** Paths as good as the best one up to the cost of the next hop that are used beside it; 1 when left out. */
  readonly maximumPaths?: number;
  /** Options under a name, for peers that say `group`. */
  readonly peerGroups?: PeerGroups;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly transport?: Transport;
  /** This package's BFD, one for all speakers of the process, when left out. */
  readonly bfd?: BfdSource;
}

/** Gives BFD sessions; asked only when a peer wants one. A rejection says why there are none. */
export type BfdSource = () => Promise<Pick<Bfd, 'session'>>;

export interface ConfederationOptions {
  /** AS Confederation Identifier. */
  readonly identifier: number;
  /** AS numbers of the other members. */
  readonly members: readonly number[];
}

export interface GracefulRestartOptions {
  readonly restartTimeMs: number;
  /** How long route selection waits for End-of-RIB from all peers after a restart (Selection_Deferral_Timer, §4.1). */
  readonly deferralTimeMs?: number;
  /** This process took over a forwarding state that is still in place. */
  readonly restarting?: boolean;
}

export interface LongLivedGracefulRestartOptions {
  /** How long the peer may keep our routes. */
  readonly staleTimeMs: number;
  /** The longest that the peer's routes are kept here; what the peer says when left out. */
  readonly maximumPeerStaleTimeMs?: number;
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
  /** RFC 5925, in place of `password`. */
  readonly tcpAo?: TcpAoKey;
  /** VRF or interface that connections to the peer go through (SO_BINDTODEVICE); Linux, with koffi. */
  readonly device?: string;
  /** RFC 5082: the peer is at most that many hops away (1: directly connected); packets from further away are dropped. */
  readonly ttlSecurity?: number;
  /** TTL of an eBGP session; 1 when left out. */
  readonly multihopTtl?: number;
  /**
   * BFD watches the path (RFC 5882); when it fails, the session ends at once with CEASE 6/10 (RFC 9384). Linux, with koffi;
   * where BFD cannot run, a `warning` says so and the session goes on without.
   */
  readonly bfd?: true | BfdPeerOptions;
  readonly gracefulRestart?: boolean;
  /** RFC 9494, beside graceful restart: routes of a session that is gone stay as a last resort when that is over. */
  readonly longLivedGracefulRestart?: LongLivedGracefulRestartOptions;
  /** RFC 8326: routes to the peer carry GRACEFUL_SHUTDOWN, those from it get LOCAL_PREF 0, so that traffic leaves. */
  readonly gracefulShutdown?: boolean;
  /** RFC 7911, for all families of the session. */
  readonly addPath?: AddPathOptions;
  /** RFC 8950: IPv4 routes may have an IPv6 next hop. */
  readonly extendedNextHop?: boolean;
  /**
   * Our addresses given as next hop where the session's own is none of the family: an IPv4, an IPv6 and a link-local IPv6
   * address, or some of them. What is left out is taken from the interface that has the session's address.
   */
  readonly nextHopAddresses?: readonly string[];
  readonly routeReflectorClient?: boolean;
  /** Set NEXT_HOP to the session's local address on every route sent to this peer. */
  readonly nextHopSelf?: boolean;
  /** Name of a peer group whose options hold where this peer says nothing. */
  readonly group?: string;
  /**
   * RFC 7947: the peer is a client of this route server; it gets routes as if they came from their own speakers. `own-view`
   * (§2.3.2.1): of each prefix the best path that is not its own and that its export policy accepts, which costs a table a
   * client; without it a path that is not for the client hides the others.
   */
  readonly routeServerClient?: boolean | 'own-view';
  /** RFC 9234: what this speaker is to the peer. `roleStrict`: the peer must name the counterpart. */
  readonly role?: Role;
  readonly roleStrict?: boolean;
  /** RFC 7705. */
  readonly localAs?: LocalAsOptions;
  /** How often our own AS number may stand in a path of this peer; 0 when left out. */
  readonly allowOwnAs?: number;
  /** AS numbers for private use (RFC 6996) in paths sent to an eBGP peer: `all` leaves them out, `replace` writes ours. */
  readonly removePrivateAs?: 'all' | 'replace';
  /** RFC 9774 §3 wants routes with an AS_SET or AS_CONFED_SET neither taken nor sent; true takes and sends them. */
  readonly allowAsSets?: boolean;
  /** RFC 4271 §6.3: the first AS number of a path must be the peer's. */
  readonly enforceFirstAs?: boolean;
  readonly prefixLimits?: { readonly [F in FamilyName]?: PrefixLimit };
  readonly importPolicy?: PolicyChain;
  readonly exportPolicy?: PolicyChain;
}

/** What is left out: packets each 300 ms both ways, three missed ones in a row are a failure. */
export interface BfdPeerOptions
  extends Partial<
    Pick<BfdSessionOptions, 'desiredMinTxMs' | 'requiredMinRxMs' | 'detectMultiplier' | 'multihop' | 'port'>
  > {
  /** No BGP session unless BFD is Up: it waits for that, also when BFD cannot run. Not for peers of a range. */
  readonly strict?: boolean;
}

/** RFC 7705: another AS number of ours towards this peer, as after a merger; of an iBGP peer only with `dual`. */
export interface LocalAsOptions {
  readonly asn: number;
  /** False: received paths do not get `asn` in front ("no prepend", §3.2). */
  readonly prepend?: boolean;
  /** True: sent paths get `asn` alone, not `asn` in front of our own number ("replace old AS", §3.3). */
  readonly replace?: boolean;
  /**
   * True: the peer may know us by either number, for the time that routers are changed one by one. Where it refuses one as
   * Bad Peer AS the next OPEN has the other; with our own number the session is as without `localAs`. An iBGP peer may
   * itself have either number (§4.2), and paths get neither; `prepend` and `replace` mean nothing there.
   */
  readonly dual?: boolean;
}

/** How many prefixes a peer may send (RFC 4486 §4). */
export interface PrefixLimit {
  readonly maximum: number;
  /** Share of `maximum` that a `warning` tells of; 75 when left out. */
  readonly warnPercent?: number;
  /**
   * Over `maximum`: `stop` ends the session with CEASE 6/1 until the peer is set up anew, `restart` for `restartAfterMs`,
   * `warn` only tells. `stop` when left out.
   */
  readonly action?: 'warn' | 'stop' | 'restart';
  /** One minute when left out. */
  readonly restartAfterMs?: number;
}

/** RFC 7911 §4. */
export interface AddPathOptions {
  /** All usable paths of a prefix, or that many of the best. */
  readonly send?: boolean | number;
  readonly receive?: boolean;
}

export type PeerGroups = Readonly<Record<string, Omit<Partial<PeerOptions>, 'address' | 'group'>>>;

/** What is for connecting; the device is the listener's. */
type ConnectingOption = 'port' | 'passive' | 'device' | 'localAddress' | 'connectRetryMs';

/**
 * Peers that are not known by address: who connects from inside `prefix` with one of `asns` is one, until it goes. They have
 * all other options of a peer, `group` included.
 */
export interface PeerRange extends Omit<PeerOptions, 'address' | 'asn' | ConnectingOption> {
  readonly prefix: string;
  readonly asns: readonly number[];
  /** Most peers of the range at one time. */
  readonly limit: number;
}

export interface WarmUpOptions {
  /** How many made-up routes, half of each family; 100,000 when left out. */
  readonly routes?: number;
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
  readonly fromType: 'local' | PeerType;
  readonly stale: boolean;
  /** Path Identifier that the peer gave the path (RFC 7911), where the session has them. */
  readonly pathId?: number;
  /** RFC 2545 §3: the link-local address beside a global next hop. */
  readonly linkLocalNextHop?: string;
  /** The path is the best one, or one of those used beside it (`maximumPaths`). */
  readonly multipath: boolean;
  /** Its Link Bandwidth in bytes a second (RFC 10005), the weight of its share of the traffic. */
  readonly bandwidth?: number;
}

export type BestPathChange =
  | { readonly kind: 'best'; readonly prefix: string; readonly path: Path }
  | { readonly kind: 'withdrawn'; readonly prefix: string };

export interface PeerStatus {
  readonly address: string;
  readonly asn: number;
  readonly type: PeerType;
  /** Our number in the session, of a peer with `localAs`. */
  readonly localAsn?: number;
  readonly state: FsmStateName;
  readonly identifier?: string;
  readonly families: readonly FamilyName[];
  /** Clock time of the last change of `state`. */
  readonly since: number;
  readonly lastDown?: DownReason;
  /** Absent without a BFD session. */
  readonly bfd?: Pick<BfdSession, 'state'>;
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
  /** Selection was deferred after a restart and is done now. */
  'selection-complete': [];
  /**
   * After such a restart: every peer with graceful restart has sent End-of-RIB, also those that restart themselves, for which
   * selection does not wait; or the deferral time is over. What an earlier life left and is not in Loc-RIB may be flushed.
   */
  'peers-complete': [];
  /** An UPDATE was not taken as it was sent (RFC 7606), a connection was refused and the like; `text` names it all. */
  warning: [event: { address?: string; text: string }];
}

export interface Speaker {
  /** Binds the listeners and starts all peers. Rejects when an address cannot be bound; nothing is started then. */
  start(): Promise<void>;
  /**
   * Closes all and forgets what peers have sent. With `graceful` sessions end without a NOTIFICATION, so that helpers keep
   * the routes (RFC 4724); else with a CEASE that carries `text` (RFC 9003, at most 255 bytes of UTF-8).
   */
  stop(options?: { readonly graceful?: boolean; readonly text?: string }): Promise<void>;
  /**
   * Makes the set of peers equal to `peers`: adds, removes, and changes in place what can be changed without a reset
   * (policies, description); only a change that the session needs resets it. Returns what it did, one entry a changed
   * peer. A peer that cannot be set up does not stop the others: its entry is `failed` and a `warning` says why.
   */
  setPeers(peers: readonly PeerOptions[]): readonly PeerChange[];
  /** Throws when the peer is there already or cannot be set up; it is not there then. */
  addPeer(peer: PeerOptions): void;
  /** `text`: for the peer's operator (RFC 9003); the peer is told of a shutdown then, else that it was removed. */
  removePeer(address: string, options?: { readonly text?: string }): void;
  /**
   * Asks the peer to send its routes again (RFC 2918), of one family or of all. False when the session is not Established
   * or the peer cannot. Throws `RangeError` for an address that is no peer's.
   */
  refresh(address: string, family?: FamilyName): boolean;
  /** Asks `nextHopCost` again about all next hops and selects again where an answer is another one. */
  reevaluateNextHops(): void;
  /** Takes peers from a range from now on. Throws when the prefix is one already, or the options cannot hold. */
  addPeerRange(range: PeerRange): void;
  /** Ends the range and the sessions of its peers. */
  removePeerRange(prefix: string): void;
  /** Replaces all peer groups; their peers, those of ranges too, change as by `setPeers`. */
  setPeerGroups(groups: PeerGroups): readonly PeerChange[];
  /** Makes the set of originated routes equal to `routes`. */
  setAnnouncements(routes: readonly Announcement[]): void;
  announce(route: Announcement): void;
  withdraw(prefix: string): void;
  /** Replaces the default chains and evaluates again what they touch, without a reset. */
  setPolicy(policy: { readonly importPolicy?: PolicyChain; readonly exportPolicy?: PolicyChain }): void;
  peers(): readonly PeerStatus[];
  /** For people and tools that ask why; see `SpeakerInspection`. */
  inspect(): SpeakerInspection;
  bestPath(prefix: string): Path | undefined;
  /** All paths known for a prefix, the best first. */
  paths(prefix: string): readonly Path[];
  routes(family?: FamilyName): Iterable<Path>;
  /** Present best paths first, then changes, each array one turn of the decision process. Ends when the speaker stops. */
  bestPathChanges(options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly BestPathChange[]>;
  on<K extends keyof SpeakerEvents>(event: K, listener: (...args: SpeakerEvents[K]) => void): this;
  off<K extends keyof SpeakerEvents>(event: K, listener: (...args: SpeakerEvents[K]) => void): this;
}

// What can be asked of a running speaker beside its tables: why a path stands where it stands, what a change would send.

/** What import made of a path, in the order of its questions. */
export type ImportVerdict =
  /** Own announcements come by no import. */
  | { readonly kind: 'local' }
  /** BGP itself: a loop, a next hop that cannot be used. */
  | { readonly kind: 'ineligible'; readonly reason: string }
  | { readonly kind: 'rejected' | 'accepted'; readonly policy: string; readonly steps: readonly PolicyTraceStep[] }
  /** There is no policy. */
  | { readonly kind: 'unfiltered' };

/** The place of a path in the decision process. */
export type DecisionVerdict =
  | { readonly kind: 'best' }
  /** `step` of the decision process put it aside; `source` is the paragraph that says so. */
  | { readonly kind: 'lost'; readonly step: string; readonly source: string }
  /** Import did not take it. */
  | { readonly kind: 'no-candidate' }
  /** Nothing is selected yet after a restart (RFC 4724 §4.1). */
  | { readonly kind: 'deferred' };

/** A path of Adj-RIB-In. Its `attributes` are those after import policy, where that took it. */
export interface InspectedPath extends Path {
  readonly received: PathAttributes;
  readonly import: ImportVerdict;
  readonly decision: DecisionVerdict;
}

/** A route as a peer is told of it, with the attributes that stand on the wire. */
export interface AdvertisedRoute {
  readonly prefix: string;
  readonly family: FamilyName;
  readonly nextHop: string;
  readonly attributes: PathAttributes;
}

/** A best path on its way to a peer. */
export interface ExportedPath {
  readonly prefix: string;
  readonly family: FamilyName;
  /** Address of the peer it came from, or 'local'. */
  readonly from: string;
  /** Absent when the peer is not told. */
  readonly advertised?: AdvertisedRoute;
  /** Why the peer is not told, where it is not policy that says so. */
  readonly withheld?: string;
  /** Absent when policy was not asked. */
  readonly policy?: { readonly name: string; readonly steps: readonly PolicyTraceStep[] };
}

export interface PeerInspection {
  readonly status: PeerStatus;
  /** Without keys. */
  readonly options: Omit<PeerOptions, 'password' | 'tcpAo'>;
  readonly authentication: 'md5' | 'tcp-ao' | undefined;
  /** Names of the chains in force; undefined: there is none, everything passes. */
  readonly importPolicy: string | undefined;
  readonly exportPolicy: string | undefined;
  /** While Established. */
  readonly session?: { readonly localAddress: string; readonly negotiated: Negotiated };
}

/** Another state of the speaker, as `setPeers` and `setAnnouncements` would bring it about. */
export interface ProposedChange {
  readonly peers: readonly PeerOptions[];
  readonly announcements: readonly Announcement[];
}

export interface PeerPreview {
  readonly address: string;
  /** `kept`: nothing differs; `updated`: it changes without a reset; `failed`: it could not be set up, `problem` says why. */
  readonly change: 'added' | 'removed' | 'reset' | 'updated' | 'kept' | 'failed';
  readonly problem?: string;
  /** Options that differ. */
  readonly options: readonly string[];
  /** What the UPDATEs to the peer say; all of its routes for a session that starts. */
  readonly announce: readonly AdvertisedRoute[];
  readonly withdraw: readonly { readonly prefix: string; readonly family: FamilyName }[];
}

/** Looking changes nothing. Iterables look while they are read; what changes meanwhile may be in them or not. */
export interface SpeakerInspection {
  /** Undefined for an address that is no peer's. */
  peer(address: string): PeerInspection | undefined;
  /** All paths known for a prefix, the best first. Throws `AddressError` for a text that is no prefix. */
  explain(prefix: string): readonly InspectedPath[];
  /** Adj-RIB-In of a peer. */
  received(address: string): Iterable<InspectedPath>;
  /** Every best path with what becomes of it on the way to the peer; nothing without a session. With add-path the best path alone. */
  exported(address: string): Iterable<ExportedPath>;
  /**
   * What the change would do to each peer, whether of before or after. A session that is not there is taken to agree to all
   * that is offered.
   */
  preview(change: ProposedChange): Iterable<PeerPreview>;
}
