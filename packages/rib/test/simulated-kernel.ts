/**
 * A kernel's FIB as a map, for the rib to run on: the semantics of NLM_F_EXCL, NLM_F_REPLACE and of deletes as
 * net/ipv4/fib_trie.c and net/ipv6/ip6_fib.c have them, for gatewayed unicast routes. It knows who made each route, and
 * writes down when a request of ours takes away somebody else's.
 */
import {
  AF_INET6,
  IFF_UP,
  type Link,
  NetlinkError,
  type Operation,
  type Route,
  type RouteNextHop,
  type SubscriptionEvent,
} from '@routelet/netlink-wire';
import type { Netlink } from '../src/shell/kernel.ts';
import { fibKeyOfRoute } from '../src/table/key.ts';

/** In IPv4 a route, in IPv6 one next hop of a route. */
interface Entry {
  readonly route: Route;
  readonly ours: boolean;
}

const LINK: Link = { index: 5, name: 'v0', type: 1, flags: IFF_UP, mtu: 1500 };

export class SimulatedKernel implements Netlink {
  readonly table = new Map<string, Entry[]>();
  /** Foreign routes that our requests took away: must stay empty. */
  readonly violations: string[] = [];
  /** Requests of ours that changed something. */
  changes = 0;
  #listener: (event: SubscriptionEvent) => void = () => undefined;
  #pending: SubscriptionEvent[] = [];

  async links(): Promise<Link[]> {
    return [LINK];
  }

  async addresses(): Promise<[]> {
    return [];
  }

  async routes(): Promise<Route[]> {
    return [...this.table.values()].flatMap(shown);
  }

  async subscribe(_kinds: unknown, listener: (event: SubscriptionEvent) => void): Promise<{ close(): void }> {
    this.#listener = listener;
    return { close: () => undefined };
  }

  async apply(operations: readonly Operation[]): Promise<(NetlinkError | undefined)[]> {
    return operations.map((operation) => {
      if (operation.kind !== 'route') throw new Error(`unexpected ${operation.kind}`);
      const code = this.#do(operation.action, operation.object, true);
      if (code === undefined) this.changes++;
      return code === undefined ? undefined : new NetlinkError({ code, errno: 1, request: operation.action });
    });
  }

  close(): void {}

  /** Another hand's request; what it changes is told when `tell` is called, or never. */
  foreign(action: 'add' | 'append' | 'prepend' | 'replace' | 'delete', route: Route): void {
    const key = fibKeyOfRoute(route);
    if (this.#do(action, route, false) !== undefined) return;
    const group = shown(this.table.get(key) ?? []);
    const told =
      action !== 'delete' && route.family === AF_INET6 ? { ...(group[0] ?? route), protocol: route.protocol } : route;
    this.#pending.push({
      kind: 'route',
      type: action === 'delete' ? 'del' : 'new',
      object: told,
      flags: 0,
      portId: 1,
      own: false,
    });
  }

  tell(): void {
    for (const event of this.#pending.splice(0)) this.#listener(event);
  }

  /** The notifications so far are lost. */
  overrun(): void {
    this.#pending = [];
    this.#listener({ kind: 'resync-needed', reason: 'overrun' });
  }

  #do(action: string, given: Route, ours: boolean): string | undefined {
    const key = fibKeyOfRoute(given);
    const ipv6 = given.family === AF_INET6;
    const entries = this.table.get(key) ?? [];
    const fresh = parts(given, ipv6).map((route) => ({ route, ours }));
    if (action === 'delete') return this.#delete(key, entries, fresh);
    if (action === 'add' && entries.length > 0) return 'EEXIST';
    if (
      (action === 'append' || action === 'prepend') &&
      entries.some(({ route }) => fresh.some((one) => sameHops(route, one.route)))
    )
      return 'EEXIST';
    if (action === 'change' && entries.length === 0) return 'ENOENT';
    if (action === 'change' || action === 'replace') {
      const gone = ipv6 ? entries.splice(0) : entries.splice(0, 1);
      if (ours) this.#blame(key, gone);
      entries.unshift(...fresh);
    } else if (action === 'prepend' && !ipv6) {
      entries.unshift(...fresh);
    } else {
      entries.push(...fresh);
    }
    this.table.set(key, entries);
    return undefined;
  }

  #delete(key: string, entries: Entry[], named: readonly Entry[]): string | undefined {
    let code: string | undefined;
    for (const { route, ours } of named) {
      const at = entries.findIndex((one) => one.route.protocol === route.protocol && sameHops(one.route, route));
      if (at < 0) {
        code = 'ESRCH';
        continue;
      }
      const gone = entries.splice(at, 1);
      if (ours) this.#blame(key, gone);
    }
    if (entries.length === 0) this.table.delete(key);
    return code;
  }

  #blame(key: string, gone: readonly Entry[]): void {
    for (const entry of gone) if (!entry.ours) this.violations.push(key);
  }
}

/** What a dump says of the entries of a key: IPv6 next hops as one route with the protocol of the first. */
function shown(entries: readonly Entry[]): Route[] {
  const [first] = entries;
  if (first === undefined || first.route.family !== AF_INET6) return entries.map(({ route }) => route);
  return [{ ...first.route, nextHops: entries.flatMap(({ route }) => route.nextHops) }];
}

function parts(route: Route, ipv6: boolean): Route[] {
  const nextHops = route.nextHops.map((hop): RouteNextHop => ({ ...hop, index: LINK.index }));
  return ipv6 ? nextHops.map(({ weight: _, ...hop }) => ({ ...route, nextHops: [hop] })) : [{ ...route, nextHops }];
}

function sameHops(a: Route, b: Route): boolean {
  return (
    a.nextHops.length === b.nextHops.length &&
    a.nextHops.every((hop, at) => String(hop.gateway) === String(b.nextHops[at]?.gateway))
  );
}
