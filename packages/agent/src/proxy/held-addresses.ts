/**
 * The addresses of Services on kube-dummy-if and their routes (V-1, V-2): what there is to do so that the kernel takes them
 * for its own and the node speaks to them from its own address. The interface is the proxy's, with all that is on it.
 */
import {
  type Address,
  type AddressOperation,
  AF_INET,
  AF_INET6,
  IFF_UP,
  type Link,
  type LinkOperation,
  type Route,
  type RouteOperation,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RTN_LOCAL,
  RTPROT_KERNEL,
} from '@routelet/netlink-wire';
import { addressBytes, addressFromBytes, type IpAddress, type IpFamily } from '../annotations/prefix.ts';

export const DUMMY = 'kube-dummy-if';

/** Operations in order; none when the interface is as wanted. */
export function planDummy(links: readonly Link[]): LinkOperation[] {
  const link = links.find(({ name }) => name === DUMMY);
  if (!link) return [{ kind: 'link', action: 'create', object: { name: DUMMY, kind: 'dummy', up: true } }];
  return (link.flags & IFF_UP) === 0 ? [{ kind: 'link', action: 'set', object: { name: DUMMY, up: true } }] : [];
}

export interface HeldInput {
  readonly wanted: Iterable<IpAddress>;
  /** Index of kube-dummy-if. */
  readonly index: number;
  /** All addresses, and all routes of the table local. */
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  /** This node's own address of each family, the source of what it sends to Services itself. */
  readonly source: Readonly<Record<IpFamily, IpAddress | undefined>>;
}

/** Metric of an IPv6 route that names none (include/net/ipv6.h IP6_RT_PRIO_USER). */
const METRIC = 1024;

/** What is new comes first. */
export function planHeld({
  wanted,
  index,
  addresses,
  routes,
  source,
}: HeldInput): (AddressOperation | RouteOperation)[] {
  const held = new Map<string, Address>();
  for (const address of addresses) {
    const text = address.index === index ? textOf(address.local) : undefined;
    if (text !== undefined) held.set(text, address);
  }
  const routed = new Map<string, Route[]>();
  for (const route of routes) {
    const text = isHostRoute(route, index) ? textOf(route.destination) : undefined;
    if (text !== undefined) routed.set(text, [...(routed.get(text) ?? []), route]);
  }

  const operations: (AddressOperation | RouteOperation)[] = [];
  const kept = new Set<string>();
  for (const address of wanted) {
    kept.add(address.text);
    if (!held.has(address.text))
      operations.push({ kind: 'address', action: 'add', object: addressObject(address, index) });
    const from = source[address.family];
    if (from) operations.push(...planRoute(address, from, routed.get(address.text) ?? [], index));
  }
  for (const [text, object] of held)
    if (!kept.has(text)) operations.push({ kind: 'address', action: 'delete', object });
  for (const [text, found] of routed) {
    if (kept.has(text)) continue;
    // Routes that came with the address go with it; net/ipv4/fib_frontend.c fib_del_ifaddr knows them by their source.
    const withAddress = (route: Route) =>
      held.has(text) && (textOf(route.preferredSource) === text || address6OfKernel(route));
    for (const object of found) if (!withAddress(object)) operations.push({ kind: 'route', action: 'delete', object });
  }
  return operations;
}

function planRoute(address: IpAddress, source: IpAddress, found: readonly Route[], index: number): RouteOperation[] {
  const isWanted = (route: Route) => textOf(route.preferredSource) === source.text && !address6OfKernel(route);
  const operations: RouteOperation[] = [];
  if (!found.some(isWanted))
    operations.push({ kind: 'route', action: 'replace', object: routeObject(address, source, index) });
  if (address.family === 4) return operations;
  // The kernel's own route has the better metric, and another source.
  for (const object of found) {
    if (!isWanted(object) && object.priority !== METRIC) operations.push({ kind: 'route', action: 'delete', object });
  }
  return operations;
}

/** A route that came with an IPv6 address: without a metric, which no request can make. */
function address6OfKernel({ family, priority = 0 }: Route): boolean {
  return family === AF_INET6 && priority === 0;
}

function addressObject(address: IpAddress, index: number): Address {
  const ipv4 = address.family === 4;
  return {
    family: ipv4 ? AF_INET : AF_INET6,
    index,
    prefixLength: ipv4 ? 32 : 128,
    scope: RT_SCOPE_LINK,
    flags: 0,
    local: addressBytes(address),
  };
}

function routeObject(address: IpAddress, source: IpAddress, index: number): Route {
  const ipv4 = address.family === 4;
  return {
    family: ipv4 ? AF_INET : AF_INET6,
    destination: addressBytes(address),
    destinationLength: ipv4 ? 32 : 128,
    tos: 0,
    table: RT_TABLE_LOCAL,
    protocol: RTPROT_KERNEL,
    scope: ipv4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
    type: RTN_LOCAL,
    flags: 0,
    preferredSource: addressBytes(source),
    nextHops: [{ index }],
  };
}

function isHostRoute({ type, destination, destinationLength, nextHops }: Route, index: number): boolean {
  return (
    type === RTN_LOCAL &&
    destination !== undefined &&
    destinationLength === destination.length * 8 &&
    nextHops[0]?.index === index
  );
}

/** Undefined also for link-local addresses: the interface has one by itself. */
function textOf(bytes: Uint8Array | undefined): string | undefined {
  const address = bytes && addressFromBytes(bytes);
  return address === undefined || (address.family === 6 && address.value >> 118n === 0x3fan) ? undefined : address.text;
}
