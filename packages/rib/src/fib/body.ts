/**
 * What a kernel route says beside its FIB key: who made it and where it leads. Bodies are shared between routes, so that
 * 100,000 routes over ten next hops hold ten bodies.
 */
import {
  AF_INET,
  AF_INET6,
  type Route,
  type RouteMetrics,
  type RouteNextHop,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from '@routelet/netlink-wire';
import { type FibKey, parseFibKey } from '../table/key.ts';

export interface RouteBody {
  readonly family: number;
  /** RTN_* */
  readonly type: number;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** RTPROT_* */
  readonly protocol: number;
  readonly nextHops: readonly RouteNextHop[];
  readonly preferredSource?: Uint8Array;
  readonly metrics?: RouteMetrics;
  /** RTA_NH_ID: never set by us. */
  readonly nexthopId?: number;
}

/** The state of a next hop (RTNH_F_DEAD, RTNH_F_LINKDOWN …) is left out: the kernel keeps it, and refuses it in a request. */
export function bodyOf(route: Route): RouteBody {
  return {
    family: route.family,
    type: route.type,
    scope: route.scope,
    protocol: route.protocol,
    nextHops: route.nextHops.map(({ flags: _, ...hop }) => hop),
    ...(route.preferredSource && { preferredSource: route.preferredSource }),
    ...(route.metrics && { metrics: route.metrics }),
    ...(route.nexthopId !== undefined && { nexthopId: route.nexthopId }),
  };
}

/** The netlink object of a body at a key, for a request. */
export function routeOf(key: FibKey, body: RouteBody): Route {
  const { destination, destinationLength, table, metric, tos } = parseFibKey(key);
  return {
    family: body.family,
    destination,
    destinationLength,
    tos,
    table,
    protocol: body.protocol,
    scope: body.scope,
    type: body.type,
    flags: 0,
    nextHops: body.nextHops,
    ...(metric !== 0 && { priority: metric }),
    ...(body.preferredSource && { preferredSource: body.preferredSource }),
    ...(body.metrics && { metrics: body.metrics }),
  };
}

/**
 * The scope of a route of ours. As `ip route` does: an IPv4 route without gateway is of scope link, for fib_check_nh
 * (net/ipv4/fib_semantics.c) lets a gateway be reached only over a route of a narrower scope. IPv6 knows one scope.
 */
export function scopeOf(family: number, nextHops: readonly RouteNextHop[]): number {
  return family === AF_INET && nextHops.every((hop) => hop.gateway === undefined) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** The kernel shows what was asked for. A next hop that was asked for without interface fits any. */
export function satisfies(shown: RouteBody, wanted: RouteBody): boolean {
  return (
    shown === wanted ||
    (shown.type === wanted.type &&
      shown.scope === wanted.scope &&
      shown.protocol === wanted.protocol &&
      shown.nexthopId === undefined &&
      sameBytes(shown.preferredSource, wanted.preferredSource) &&
      sameMetrics(shown.metrics, wanted.metrics) &&
      shown.nextHops.length === wanted.nextHops.length &&
      splitHops(shown.nextHops, wanted.nextHops).rest.length === 0)
  );
}

/** The shown next hops that were asked for (each at most once), and the others. */
export function splitHops(
  shown: readonly RouteNextHop[],
  wanted: readonly RouteNextHop[],
): { common: RouteNextHop[]; rest: RouteNextHop[] } {
  const open = [...wanted];
  const common: RouteNextHop[] = [];
  const rest: RouteNextHop[] = [];
  for (const hop of shown) {
    const at = open.findIndex((candidate) => sameHop(hop, candidate));
    if (at < 0) {
      rest.push(hop);
    } else {
      open.splice(at, 1);
      common.push(hop);
    }
  }
  return { common, rest };
}

function sameHop(shown: RouteNextHop, wanted: RouteNextHop): boolean {
  return (
    sameBytes(shown.gateway, wanted.gateway) &&
    (wanted.index === undefined || shown.index === wanted.index) &&
    (shown.weight ?? 1) === (wanted.weight ?? 1)
  );
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function sameMetrics(a: RouteMetrics = {}, b: RouteMetrics = {}): boolean {
  return METRICS.every((name) => (a[name] ?? 0) === (b[name] ?? 0));
}

/** The members of RouteMetrics; the type makes the list complete. */
const METRICS = Object.keys({
  lock: 0,
  mtu: 0,
  window: 0,
  advmss: 0,
  hoplimit: 0,
  initcwnd: 0,
  initrwnd: 0,
} satisfies Record<keyof RouteMetrics, 0>) as (keyof RouteMetrics)[];

/** Gives equal bodies the same object. */
export class BodyPool {
  readonly #bodies = new Map<string, RouteBody>();

  intern(body: RouteBody): RouteBody {
    const { family, type, scope, protocol, nextHops, preferredSource, metrics, nexthopId } = body;
    let text = `${family} ${type} ${scope} ${protocol} ${nexthopId ?? ''} ${preferredSource ?? ''}`;
    for (const hop of nextHops) text += `|${hop.gateway ?? ''} ${hop.index ?? ''} ${hop.weight ?? ''}`;
    if (metrics !== undefined) text += JSON.stringify(metrics);
    const known = this.#bodies.get(text);
    if (known !== undefined) return known;
    this.#bodies.set(text, body);
    return body;
  }
}

/** In IPv6 each next hop is an object of its own in the kernel (struct fib6_info, include/net/ip6_fib.h). */
export function hasSeveralObjects(body: RouteBody): boolean {
  return body.family === AF_INET6 && body.nextHops.length > 1;
}
