/**
 * The planner of the kernel's FIB: what is wanted at some keys and what stands there → operations. Pure; asks nothing
 * and remembers nothing. Its one promise beside convergence: no operation can touch a route that is not proven ours.
 *
 * What the kernel does with the flags decides the rules:
 * - IPv4 (net/ipv4/fib_trie.c fib_table_insert): NLM_F_REPLACE takes the place of the *first* route with the same
 *   (table, destination, tos, priority), whoever made it; others may stand behind it (NLM_F_APPEND). NLM_F_EXCL refuses
 *   with EEXIST when any stands there.
 * - IPv6 (net/ipv6/ip6_fib.c fib6_add_rt2node): the same of (table, destination, metric), and where the first that it
 *   finds is one of several next hops NLM_F_REPLACE removes all of them, those a foreign hand appended too. For more next
 *   hops in one request the flags count for the first, the others are appended (net/ipv6/route.c ip6_route_multipath_add).
 * - Deletes: the kernel compares what the request names. Ours name protocol, metric and next hops, so that a foreign
 *   route is never hit (fib_table_delete, ip6_route_del; with a gateway IPv6 removes just that next hop).
 *   A metric of 0 names none for IPv4: then the route with the smallest metric that matches all else goes, which is ours.
 */
import type { Operation, Route } from '@routelet/netlink-wire';
import type { RouteProblem } from '../model.ts';
import { destinationOf, type FibKey } from '../table/key.ts';
import { type RouteBody, routeOf, satisfies } from './body.ts';
import { describeRoute } from './describe.ts';
import type { Wanted } from './resolve.ts';
import type { FibActual } from './view.ts';

export interface FibOperation {
  /** `add` is NLM_F_CREATE | NLM_F_EXCL, `change` is NLM_F_REPLACE alone. */
  readonly action: 'add' | 'change' | 'delete';
  readonly key: FibKey;
  readonly body: RouteBody;
}

export interface FibPlan {
  /** In the order in which they must be done. */
  readonly operations: FibOperation[];
  /** Why a wanted route is not, or not alone, in the kernel after these operations. */
  readonly problems: Map<FibKey, Omit<RouteProblem, 'route'>>;
  /** Claimed keys where nothing stands and nothing is wanted any more. */
  readonly forgotten: FibKey[];
}

export interface FibDesire {
  /** What is wanted at a key; undefined when nothing is. */
  wanted(key: FibKey): Wanted | undefined;
  /** A route that nobody wants stays for now (graceful restart). */
  held(key: FibKey): boolean;
}

export function planFib(keys: Iterable<FibKey>, desired: FibDesire, actual: FibActual): FibPlan {
  const plan: FibPlan = { operations: [], problems: new Map(), forgotten: [] };
  const clearing: FibOperation[] = [];
  const direct: FibOperation[] = [];
  const viaGateway: FibOperation[] = [];
  const removing: FibOperation[] = [];

  for (const key of keys) {
    const wanted = desired.wanted(key);
    const ours = actual.ours(key);
    const foreign = actual.foreign(key);
    if (wanted?.problem !== undefined) plan.problems.set(key, wanted.problem);
    const body = wanted?.body;
    if (body === undefined) {
      if (ours !== undefined) {
        if (wanted !== undefined || !desired.held(key)) removing.push({ action: 'delete', key, body: ours });
      } else if (wanted === undefined && actual.claimed(key)) {
        plan.forgotten.push(key);
      }
      continue;
    }
    const blocked = foreign[0];
    if (blocked !== undefined) plan.problems.set(key, foreignProblem(blocked, ours !== undefined));
    const suspect = actual.suspect(key);
    if (ours !== undefined && satisfies(ours, body) && !suspect) continue;
    if (ours === undefined) {
      if (blocked === undefined) addTo(direct, viaGateway, { action: 'add', key, body });
    } else if (blocked === undefined && actual.proven(key) && !suspect) {
      addTo(direct, viaGateway, { action: 'change', key, body });
    } else {
      // NLM_F_REPLACE could remove a foreign next hop or route; a delete that names ours cannot.
      clearing.push({ action: 'delete', key, body: ours });
      if (blocked === undefined) addTo(direct, viaGateway, { action: 'add', key, body });
    }
  }
  // A gateway may be reachable only over another route of the same plan, so routes without one come first and go last;
  // new routes stand before old ones of the same destination (another metric) go, so that nothing is lost between.
  removing.sort((a, b) => Number(!hasGateway(a.body)) - Number(!hasGateway(b.body)));
  for (const part of [clearing, direct, viaGateway, removing])
    for (const operation of part) plan.operations.push(operation);
  return plan;
}

/** The request of an operation. */
export function requestOf({ action, key, body }: FibOperation): Operation {
  return { kind: 'route', action, object: routeOf(key, body) };
}

export function foreignProblem(route: Route, beside: boolean): Omit<RouteProblem, 'route'> {
  const where = beside ? 'stands beside ours' : 'stands there';
  return { kind: 'foreign', code: 'EEXIST', text: `a foreign route ${where}: ${describeRoute(route)}` };
}

/** Of a foreign route that the kernel tells of and the view cannot see. */
export function unseenForeignProblem(key: FibKey): Omit<RouteProblem, 'route'> {
  return {
    kind: 'foreign',
    code: 'EEXIST',
    text: `the kernel says that another route to ${destinationOf(key)} stands there`,
  };
}

function addTo(direct: FibOperation[], viaGateway: FibOperation[], operation: FibOperation): void {
  (hasGateway(operation.body) ? viaGateway : direct).push(operation);
}

function hasGateway(body: RouteBody): boolean {
  return body.nextHops.some((hop) => hop.gateway !== undefined);
}
