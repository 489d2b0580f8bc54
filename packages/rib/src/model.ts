/**
 * What a daemon says to the routing table and what it hears from it: plain values and interfaces. Nothing here knows
 * netlink; `shell/rib.ts` makes the thing itself.
 */

/** A route of this node as the daemon thinks of it: text addresses, interface names, no protocol. */
export interface NodeRoute {
  /** Prefix in text, host bits zero. IPv6 may be written in any way; events carry the canonical text (RFC 5952). */
  readonly destination: string;
  readonly nextHops: readonly NextHop[];
  /** RT_TABLE_MAIN (254) when left out. */
  readonly table?: number;
  /** RTA_PRIORITY; the kernel's default (0 for IPv4, 1024 for IPv6) when left out. */
  readonly metric?: number;
  /** RTA_PREFSRC. */
  readonly source?: string;
  /** RTAX_MTU. */
  readonly mtu?: number;
}

/** At least one of the two is given. `weight` is 1 when left out (rtnh_hops + 1). */
export interface NextHop {
  readonly gateway?: string;
  readonly interface?: string;
  readonly weight?: number;
}

/** Why a wanted route is not (or not alone) in the kernel. */
export interface RouteProblem {
  readonly route: NodeRoute;
  /**
   * `foreign`: somebody else's route stands at the same (table, destination, metric) and stays; tried again when it goes.
   * `kernel`: the kernel refused; tried again with backoff and when links or addresses change.
   * `unresolved`: an interface is not there or is down; tried again when it comes.
   * `invalid`: the route itself is wrong; only a new route for the destination helps.
   */
  readonly kind: 'foreign' | 'kernel' | 'unresolved' | 'invalid';
  /** errno name where the kernel refused. */
  readonly code?: string;
  readonly text: string;
}

/** One protocol's routes, one for each (table, destination). Calls only mark; one plan runs later in the same turn of the event loop. */
export interface RouteSource {
  /** Makes the source's routes equal to `routes`. */
  replaceAll(routes: Iterable<NodeRoute>): void;
  set(route: NodeRoute): void;
  delete(destination: string, table?: number): void;
}

/** Something that an operator should know of and that is no matter of one wanted route. */
export interface RibWarning {
  /**
   * `unclaimed-route`: a route with our protocol number that nothing accounts for; it is left alone. Told once a route.
   * `state-file`: the state file could not be read or written; the rib goes on without it.
   * `delete-refused`: the kernel would not remove a route of ours; tried again with backoff.
   * `kernel-read`: a table could not be read; tried again with backoff.
   */
  readonly code: 'unclaimed-route' | 'state-file' | 'delete-refused' | 'kernel-read';
  readonly text: string;
  readonly cause?: unknown;
}

export interface RibEvents {
  /** The kernel's view of one route changed by our hand. `latencyMs` from the mark to the kernel's answer. */
  programmed: [event: { added: number; replaced: number; removed: number; latencyMs: number }];
  problem: [problem: RouteProblem];
  /** A route that had a problem stands in the kernel now, or is no longer wanted. */
  resolved: [route: NodeRoute];
  /** A full resync, or a notification, found a difference that nobody of ours made. */
  drift: [event: { destination: string; found: 'missing' | 'changed' | 'stray'; repairedMs?: number }];
  warning: [warning: RibWarning];
}

export interface RibCounts {
  readonly wanted: number;
  /** Routes of ours that stand in the kernel, held stale ones included. */
  readonly programmed: number;
  readonly added: number;
  readonly replaced: number;
  readonly removed: number;
  readonly problems: readonly RouteProblem[];
}

/** One place in a table: what sources want there, what was chosen, and what stands in the kernel. */
export interface RouteState {
  readonly destination: string;
  readonly table: number;
  /** Routes of sources for the destination, the chosen one first. Empty: nobody wants it (any more). */
  readonly candidates: readonly {
    readonly source: string;
    readonly distance: number;
    readonly route: NodeRoute;
  }[];
  /** Our route as the kernel shows it. */
  readonly programmed?: NodeRoute;
  /** Routes of others in the same place, in the words of `ip route`. */
  readonly foreign: readonly string[];
  readonly problem?: Omit<RouteProblem, 'route'>;
  /** Of an earlier life, and kept although nobody wants it so far. */
  readonly held: boolean;
}

export interface Rib {
  /** Reads the kernel, adopts what `adopt` claims, then plans. Nothing is deleted before `release` when `holdStale` is set. */
  start(): Promise<void>;
  /** Stops watching; leaves the kernel as it is. */
  stop(): Promise<void>;
  /** The source of that name; made when it is new. Of two sources the smaller distance wins, then the smaller metric. */
  source(name: string, options: { readonly distance: number }): RouteSource;
  /** Ends the time of `holdStale`: routes of an earlier life that no source wants are removed now. */
  release(): void;
  /** Compares everything; resolves with the number of differences found and repaired (0 expected). */
  resync(): Promise<number>;
  /** Resolves when all marks made so far have been answered by the kernel. */
  settled(): Promise<void>;
  counts(): RibCounts;
  /** Every place that a source wants or where a route of ours stands. Looking changes nothing. */
  states(): Iterable<RouteState>;
  /** The place of one destination; undefined when nobody wants it and nothing of ours stands there. */
  state(destination: string, table?: number): RouteState | undefined;
  on<K extends keyof RibEvents>(event: K, listener: (...args: RibEvents[K]) => void): this;
  off<K extends keyof RibEvents>(event: K, listener: (...args: RibEvents[K]) => void): this;
}

/** A running timer. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds of a monotonic clock; only differences mean something. */
  now(): number;
  /** Calls `run` once after `delayMs` milliseconds. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once at the end of this turn of the event loop. */
  soon(run: () => void): void;
}
