/**
 * What we believe to stand in the kernel at the keys that concern us, and which of it is proven ours. Fed by dumps, by
 * notifications of other hands and by the answers to our own requests. Where a notification leaves a doubt the view says
 * so and asks for a dump, which is the judge; it never guesses in favour of touching a route.
 *
 * Proof of ownership is a claim: the kernel took the route from us (NLM_F_EXCL makes sure that nobody else's stood
 * there), or it was adopted at start. A route with our protocol number at a key without claim is foreign.
 */
import {
  type Route,
  type RouteNextHop,
  RT_TABLE_LOCAL,
  RTM_F_CLONED,
  RTN_UNICAST,
  RTPROT_UNSPEC,
} from '@routelet/netlink-wire';
import { type FibKey, fibKeyOfRoute } from '../table/key.ts';
import { BodyPool, bodyOf, hasSeveralObjects, type RouteBody, satisfies, splitHops } from './body.ts';

/** The reading side, for the planner. */
export interface FibActual {
  /** Our route as the kernel shows it. */
  ours(key: FibKey): RouteBody | undefined;
  /** We made a route there and have not removed it; the kernel may have. */
  claimed(key: FibKey): boolean;
  /** False for an adopted IPv6 multipath route: the kernel shows only its first next hop's protocol. */
  proven(key: FibKey): boolean;
  /**
   * Another hand has deleted next hops with our protocol number that the kernel still shows: it put in the same ones
   * again, or it deleted what stood there before ours and the news came late. A dump cannot tell the one from the other.
   */
  suspect(key: FibKey): boolean;
  /** Routes of others at the same key. */
  foreign(key: FibKey): readonly Route[];
}

export interface LoadReport {
  /** Claimed keys whose route is not there any more, or not as it was believed to be. */
  readonly missing: FibKey[];
  readonly changed: FibKey[];
  /** Keys where foreign routes came or went. */
  readonly contested: FibKey[];
  /** Routes with our protocol number that nothing accounts for. */
  readonly unclaimed: Map<FibKey, Route>;
}

/** What a notification did to the view. */
export type Effect =
  | { readonly kind: 'none' }
  /** Our route is gone. */
  | { readonly kind: 'lost'; readonly key: FibKey }
  /** Foreign routes at the key came or went. */
  | { readonly kind: 'contested'; readonly key: FibKey }
  /** Only a dump can tell. */
  | { readonly kind: 'doubt'; readonly key: FibKey };

const NONE: Effect = { kind: 'none' };
const NO_ROUTES: readonly Route[] = [];

export class KernelView implements FibActual {
  readonly #protocol: number;
  readonly #ours = new Map<FibKey, RouteBody>();
  /** Claimed, but not shown by the kernel: as it last was. */
  readonly #lost = new Map<FibKey, RouteBody>();
  readonly #unproven = new Set<FibKey>();
  /** Next hops of ours that another hand is said to have deleted. */
  readonly #deleted = new Map<FibKey, readonly RouteNextHop[]>();
  readonly #foreign = new Map<FibKey, Route[]>();

  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  get size(): number {
    return this.#ours.size;
  }

  /** Keys of our routes in the kernel. */
  keys(): IterableIterator<FibKey> {
    return this.#ours.keys();
  }

  /** Claimed keys, for the state file. */
  *claims(): Generator<FibKey> {
    yield* this.#ours.keys();
    yield* this.#lost.keys();
  }

  get claimCount(): number {
    return this.#ours.size + this.#lost.size;
  }

  ours(key: FibKey): RouteBody | undefined {
    return this.#ours.get(key);
  }

  claimed(key: FibKey): boolean {
    return this.#ours.has(key) || this.#lost.has(key);
  }

  proven(key: FibKey): boolean {
    return !this.#unproven.has(key);
  }

  suspect(key: FibKey): boolean {
    return this.#deleted.has(key);
  }

  foreign(key: FibKey): readonly Route[] {
    return this.#foreign.get(key) ?? NO_ROUTES;
  }

  /** The kernel took our route. */
  put(key: FibKey, body: RouteBody): void {
    this.#ours.set(key, body);
    this.#lost.delete(key);
    this.#unproven.delete(key);
    this.#deleted.delete(key);
  }

  /** Our route is believed gone; the claim stays until the next dump or `forget`. */
  lose(key: FibKey): void {
    const body = this.#ours.get(key);
    if (body === undefined) return;
    this.#ours.delete(key);
    this.#deleted.delete(key);
    this.#lost.set(key, body);
  }

  /** We removed our route, or it is known to be gone. */
  forget(key: FibKey): void {
    this.#ours.delete(key);
    this.#lost.delete(key);
    this.#unproven.delete(key);
    this.#deleted.delete(key);
  }

  /**
   * Takes a full dump. `concerns` tells of a key without claim whether foreign routes at it matter; `adopt` whether a
   * route of our protocol number without claim is ours from an earlier life.
   */
  load(
    routes: readonly Route[],
    concerns: (key: FibKey) => boolean,
    adopt: (key: FibKey, route: Route) => boolean = () => false,
  ): LoadReport {
    const pool = new BodyPool();
    const before = new Map([...this.#lost, ...this.#ours]);
    const wasShown = new Set(this.#ours.keys());
    const foreignBefore = new Map(this.#foreign);
    this.#foreign.clear();
    const report: LoadReport = { missing: [], changed: [], contested: [], unclaimed: new Map() };
    const others: [FibKey, Route][] = [];
    const shown = new Map<FibKey, RouteBody>();

    for (const route of routes) {
      if ((route.flags & RTM_F_CLONED) !== 0 || route.table === RT_TABLE_LOCAL) continue;
      const key = fibKeyOfRoute(route);
      const known = before.get(key);
      const mine =
        route.protocol === this.#protocol && (known !== undefined || (isOrdinary(route) && adopt(key, route)));
      if (!mine || shown.has(key)) {
        if (route.protocol === this.#protocol && !mine) report.unclaimed.set(key, route);
        others.push([key, route]);
        continue;
      }
      const body = bodyOf(route);
      if (known !== undefined && satisfies(body, known)) shown.set(key, keepIndex(known, body, pool));
      else this.#take(key, route, known, shown, others, pool);
    }

    for (const [key, route] of others)
      if (shown.has(key) || before.has(key) || concerns(key)) this.#addForeign(key, route);
    for (const key of before.keys()) {
      if (shown.has(key)) continue;
      if (wasShown.has(key)) report.missing.push(key);
    }
    for (const [key, body] of shown) {
      const known = before.get(key);
      if (known !== undefined && !satisfies(body, known)) report.changed.push(key);
    }
    for (const key of new Set([...foreignBefore.keys(), ...this.#foreign.keys()])) {
      if (foreignBefore.get(key)?.length !== this.#foreign.get(key)?.length) report.contested.push(key);
    }

    this.#ours.clear();
    this.#lost.clear();
    for (const [key, body] of shown) this.#ours.set(key, body);
    for (const [key, body] of before) {
      // Where a foreign route took the place of ours there is nothing left to claim.
      if (!shown.has(key) && !this.#foreign.has(key)) this.#lost.set(key, body);
    }
    for (const key of this.#unproven) if (!shown.has(key)) this.#unproven.delete(key);
    for (const [key, hops] of this.#deleted) {
      const { common } = splitHops(withoutWeights(shown.get(key)), hops);
      if (common.length === 0) this.#deleted.delete(key);
      else report.contested.push(key);
    }
    return report;
  }

  /**
   * A route of ours that the kernel shows differently from what we knew. An IPv6 multipath route is one object a next hop
   * in the kernel, each with its own protocol, but is shown as one with the protocol of the first (net/ipv6/route.c
   * rt6_fill_node): next hops beside the ones we made are somebody else's.
   */
  #take(
    key: FibKey,
    route: Route,
    known: RouteBody | undefined,
    shown: Map<FibKey, RouteBody>,
    others: [FibKey, Route][],
    pool: BodyPool,
  ): void {
    const body = bodyOf(route);
    if (!hasSeveralObjects(body)) {
      this.#unproven.delete(key);
      shown.set(key, pool.intern(body));
      return;
    }
    const { common, rest } = splitHops(withoutWeights(route), withoutWeights(known));
    if (known === undefined || common.length === 0 || rest.length === 0) {
      if (known === undefined || common.length === 0) this.#unproven.add(key);
      shown.set(key, pool.intern(body));
      return;
    }
    const ours =
      common.length === 1 ? common : route.nextHops.filter((hop) => common.some((one) => one.gateway === hop.gateway));
    shown.set(key, pool.intern({ ...body, nextHops: ours }));
    others.push([key, { ...route, protocol: RTPROT_UNSPEC, nextHops: rest }]);
  }

  /** Takes in a notification that another hand than ours caused. */
  apply(type: 'new' | 'del', route: Route, concerns: (key: FibKey) => boolean): Effect {
    if ((route.flags & RTM_F_CLONED) !== 0 || route.table === RT_TABLE_LOCAL) return NONE;
    const key = fibKeyOfRoute(route);
    const ours = this.#ours.get(key);
    if (ours !== undefined) {
      // IPv4 notifies one alias at a time; an IPv6 delete of all next hops comes as one message (__ip6_del_rt_siblings).
      if (type === 'del' && !this.#foreign.has(key) && satisfies(bodyOf(route), ours)) {
        this.lose(key);
        return { kind: 'lost', key };
      }
      if (type === 'del' && route.protocol === this.#protocol) this.#suspectHops(key, ours, route);
      return { kind: 'doubt', key };
    }
    if (this.#lost.has(key)) return { kind: 'doubt', key };
    if (!concerns(key)) return NONE;
    if (type === 'new') {
      if (this.#foreign.has(key)) return NONE;
      this.#addForeign(key, route);
    } else {
      // Others may stand there still; then NLM_F_EXCL says so.
      this.#foreign.delete(key);
    }
    return { kind: 'contested', key };
  }

  #suspectHops(key: FibKey, ours: RouteBody, gone: Route): void {
    const { common } = splitHops(withoutWeights(gone), withoutWeights(ours));
    if (common.length > 0) this.#deleted.set(key, [...(this.#deleted.get(key) ?? []), ...common]);
  }

  /**
   * Drops what cannot be there because its link is down: the kernel removes IPv4 routes over it without a word
   * (net/ipv4/fib_trie.c fib_table_flush notifies only routes whose preferred source went). The flush comes after the
   * link's notification and dumps run without the lock, so even a dump may still show them.
   */
  dropDead(isUp: (index: number) => boolean): FibKey[] {
    const dead: FibKey[] = [];
    for (const [key, body] of this.#ours) if (isDead(body, isUp)) dead.push(key);
    for (const key of dead) this.lose(key);
    for (const [key, routes] of this.#foreign)
      if (routes.every((route) => isDead(route, isUp))) this.#foreign.delete(key);
    return dead;
  }

  /**
   * Some route at our keys may lead over the link: as we made it, or as foreign hands did. Where the kernel chose the
   * interface and has not told us which, any link with an address of its own (`addressed`) may be it.
   */
  mayUse(index: number, addressed: boolean): boolean {
    const uses = (hop: RouteNextHop): boolean => (hop.index === undefined ? addressed : hop.index === index);
    for (const body of new Set(this.#ours.values())) if (body.nextHops.some(uses)) return true;
    for (const routes of this.#foreign.values()) if (routes.some((route) => route.nextHops.some(uses))) return true;
    return false;
  }

  #addForeign(key: FibKey, route: Route): void {
    const routes = this.#foreign.get(key);
    if (routes === undefined) this.#foreign.set(key, [route]);
    else routes.push(route);
  }
}

/** A route as this package makes them; no other can be from an earlier life of ours. */
function isOrdinary(route: Route): boolean {
  return route.type === RTN_UNICAST && route.tos === 0 && !route.sourceLength && route.nexthopId === undefined;
}

function isDead({ nextHops }: Pick<Route, 'nextHops'>, isUp: (index: number) => boolean): boolean {
  return nextHops.length > 0 && nextHops.every((hop) => hop.index !== undefined && !isUp(hop.index));
}

function withoutWeights(body: { readonly nextHops: Route['nextHops'] } | undefined): Route['nextHops'] {
  return (body?.nextHops ?? []).map(({ weight: _, ...hop }) => hop);
}

/** Of equal bodies the one we have, unless the dump adds the interfaces that the kernel chose. */
function keepIndex(known: RouteBody, shown: RouteBody, pool: BodyPool): RouteBody {
  return known.nextHops.every((hop) => hop.index !== undefined) ? known : pool.intern(shown);
}
