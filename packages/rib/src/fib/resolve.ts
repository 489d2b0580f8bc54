/**
 * From a route in words to a body for the kernel: texts to bytes, interface names to indexes. Pure but for its memory of
 * the links, which the shell feeds. A next hop whose interface is missing or down is left out, as the kernel would refuse
 * it (ENODEV, ENETDOWN) and the other next hops with it.
 */
import { AF_INET, AF_INET6, IFF_UP, type Link, type RouteNextHop, RTN_UNICAST } from '@routelet/netlink-wire';
import { RouteError } from '../errors.ts';
import type { NextHop, NodeRoute, RouteProblem } from '../model.ts';
import { parseAddress, parsePrefix } from '../table/address.ts';
import { isIpv6, sameWay } from '../table/choice.ts';
import { type RouteBody, scopeOf } from './body.ts';

export interface Wanted {
  /** Absent when nothing can be asked of the kernel. */
  readonly body?: RouteBody;
  /** Why it is not, or not wholly, what was wanted. */
  readonly problem?: Pick<RouteProblem, 'kind' | 'text'>;
}

export class Resolver {
  readonly #protocol: number;
  readonly #links = new Map<number, Link>();
  readonly #indexes = new Map<string, number>();
  /** By everything that a route says beside its destination; valid for the links as they are. */
  readonly #known = new Map<string, Wanted>();
  #last: { readonly route: NodeRoute; readonly wanted: Wanted } | undefined;

  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  /** Names of the interfaces that came, went or changed between up and down. */
  setLinks(links: readonly Link[]): Set<string> {
    const changed = new Set<string>();
    const there = new Set(links.map((link) => link.index));
    for (const link of [...this.#links.values()]) {
      if (!there.has(link.index)) for (const name of this.removeLink(link)) changed.add(name);
    }
    for (const link of links) for (const name of this.setLink(link)) changed.add(name);
    return changed;
  }

  /** As `setLinks`, for one link; a rename changes two names. */
  setLink(link: Link): string[] {
    const before = this.#links.get(link.index);
    this.#links.set(link.index, link);
    if (before?.name === link.name && isUp(before) === isUp(link)) return [];
    this.#forget();
    if (before !== undefined && before.name !== link.name && this.#indexes.get(before.name) === link.index) {
      this.#indexes.delete(before.name);
    }
    this.#indexes.set(link.name, link.index);
    return before === undefined || before.name === link.name ? [link.name] : [before.name, link.name];
  }

  removeLink(link: Pick<Link, 'index'>): string[] {
    const before = this.#links.get(link.index);
    if (before === undefined) return [];
    this.#forget();
    this.#links.delete(link.index);
    if (this.#indexes.get(before.name) === link.index) this.#indexes.delete(before.name);
    return [before.name];
  }

  #forget(): void {
    this.#known.clear();
    this.#last = undefined;
  }

  isUp(index: number): boolean {
    const link = this.#links.get(index);
    return link !== undefined && isUp(link);
  }

  nameOf(index: number): string | undefined {
    return this.#links.get(index)?.name;
  }

  /** The destination is not looked at. */
  resolve(route: NodeRoute): Wanted {
    const { table, metric } = route;
    const last = this.#last;
    // Many routes in a row lead the same way; comparing costs less than making the name.
    if (last !== undefined && table === undefined && metric === undefined && sameWay(last.route, route)) {
      if (isIpv6(last.route) === isIpv6(route)) return last.wanted;
    }
    try {
      checkNumber('metric', metric, 0, 0xffff_ffff);
      checkNumber('table', table, 1, 0xffff_ffff);
      const wanted = this.#resolveWay(route);
      this.#last = { route, wanted };
      return wanted;
    } catch (error) {
      return { problem: { kind: 'invalid', text: reasonOf(error) } };
    }
  }

  #resolveWay(route: NodeRoute): Wanted {
    const ipv6 = isIpv6(route);
    let way = `${ipv6 ? 6 : 4} ${route.source ?? ''} ${route.mtu ?? ''}`;
    for (const hop of route.nextHops) way += `|${hop.gateway ?? ''} ${hop.interface ?? ''} ${hop.weight ?? ''}`;
    const known = this.#known.get(way);
    if (known !== undefined) return known;
    const wanted = this.#resolveBody(route, ipv6);
    this.#known.set(way, wanted);
    return wanted;
  }

  #resolveBody(route: NodeRoute, ipv6: boolean): Wanted {
    checkNumber('mtu', route.mtu, 1, 0xffff);
    if (route.nextHops.length === 0) throw new RouteError('next-hop', 'a route needs a next hop', '');
    const hops: RouteNextHop[] = [];
    const missing: string[] = [];
    for (const given of route.nextHops) {
      const hop = this.#resolveHop(given, ipv6, route.nextHops.length > 1);
      if (typeof hop === 'string') missing.push(hop);
      else hops.push(hop);
    }
    const problem = missing.length === 0 ? {} : { problem: { kind: 'unresolved' as const, text: missing.join(', ') } };
    const only = hops.length === 1 ? hops[0] : undefined;
    if (hops.length === 0) return problem;
    const family = ipv6 ? AF_INET6 : AF_INET;
    const nextHops = only === undefined ? hops : [withoutWeight(only)];
    return {
      body: {
        family,
        type: RTN_UNICAST,
        scope: scopeOf(family, nextHops),
        protocol: this.#protocol,
        nextHops,
        ...(route.source !== undefined && { preferredSource: sourceOf(route.source, ipv6) }),
        ...(route.mtu !== undefined && { metrics: { mtu: route.mtu } }),
      },
      ...problem,
    };
  }

  /** The next hop, or why it cannot be used now. */
  #resolveHop(given: NextHop, ipv6: boolean, several: boolean): RouteNextHop | string {
    checkNumber('weight', given.weight, 1, 256);
    const gateway = given.gateway === undefined ? undefined : parseAddress(given.gateway);
    if (gateway === undefined && given.interface === undefined) {
      throw new RouteError('next-hop', 'a next hop needs a gateway or an interface', '');
    }
    // IPv4 over an IPv6 gateway is RTA_VIA (RFC 8950); IPv6 over an IPv4 gateway does not exist.
    if (ipv6 && gateway?.length === 4) {
      throw new RouteError('next-hop', `an IPv6 route cannot have the gateway ${given.gateway}`, given.gateway ?? '');
    }
    // net/ipv6/ip6_route.c rt6_qualify_for_ecmp: only routes with a gateway are siblings.
    if (ipv6 && several && gateway === undefined) {
      throw new RouteError('next-hop', 'each of several IPv6 next hops needs a gateway', given.interface ?? '');
    }
    const weight = several ? { weight: given.weight ?? 1 } : {};
    if (given.interface === undefined) return { ...(gateway && { gateway }), ...weight };
    const index = this.#indexes.get(given.interface);
    if (index === undefined) return `interface ${given.interface} does not exist`;
    if (!this.isUp(index)) return `interface ${given.interface} is down`;
    return { ...(gateway && { gateway }), index, ...weight };
  }
}

/** What to say of a destination that is no prefix. */
export function invalidDestination(route: NodeRoute): Wanted {
  try {
    parsePrefix(route.destination);
    return {};
  } catch (error) {
    return { problem: { kind: 'invalid', text: reasonOf(error) } };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RouteError) return error.message;
  throw error;
}

function isUp(link: Link): boolean {
  return (link.flags & IFF_UP) !== 0;
}

function withoutWeight({ gateway, index }: RouteNextHop): RouteNextHop {
  return { ...(gateway && { gateway }), ...(index !== undefined && { index }) };
}

function sourceOf(text: string, ipv6: boolean): Uint8Array {
  const source = parseAddress(text);
  if ((source.length === 16) !== ipv6) {
    throw new RouteError('address', `source ${text} is not of the family of the destination`, text);
  }
  return source;
}

function checkNumber(name: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw new RouteError('number', `${name} ${value} is not a whole number from ${min} to ${max}`, String(value));
}
