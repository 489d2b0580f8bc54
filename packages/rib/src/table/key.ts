/**
 * Names of places in the kernel's tables. A place is (table, destination): one choice is made for each. A FIB key is
 * (table, destination, tos, metric): what the kernel holds apart (net/ipv4/fib_trie.c fib_find_alias, net/ipv6/ip6_fib.c
 * fib6_add_rt2node) and what NLM_F_EXCL and NLM_F_REPLACE speak of. Both are texts; in the main table with the kernel's
 * own metric both are just the prefix, so that one string serves a route everywhere.
 */
import { AF_INET, AF_INET6, type Route, RT_TABLE_MAIN } from '@routelet/netlink-wire';
import { formatAddress, parsePrefix } from './address.ts';

export type Place = string;
export type FibKey = string;

/** IP6_RT_PRIO_USER (include/net/ip6_fib.h): what the kernel puts for an IPv6 route without RTA_PRIORITY. */
export const IPV6_DEFAULT_METRIC = 1024;

/** What a FIB key says. `metric` is as the kernel shows it: 0 or absent is 1024 for IPv6. */
export interface FibPosition {
  readonly family: number;
  readonly destination: Uint8Array;
  readonly destinationLength: number;
  readonly table: number;
  readonly metric: number;
  readonly tos: number;
}

export function defaultMetric(ipv6: boolean): number {
  return ipv6 ? IPV6_DEFAULT_METRIC : 0;
}

/** The metric that the kernel will show for a wanted one. */
export function shownMetric(metric: number | undefined, ipv6: boolean): number {
  return metric === undefined || metric === 0 ? defaultMetric(ipv6) : metric;
}

export function placeOf(destination: string, table = RT_TABLE_MAIN): Place {
  return table === RT_TABLE_MAIN ? destination : `${destination} table ${table}`;
}

/** `metric` as shown by the kernel. */
export function fibKeyOf(place: Place, metric: number, ipv6: boolean, tos = 0): FibKey {
  const key = metric === defaultMetric(ipv6) ? place : `${place} metric ${metric}`;
  return tos === 0 ? key : `${key} tos ${tos}`;
}

/** The key at which the kernel shows a route. Source-specific IPv6 routes have their own. */
export function fibKeyOfRoute(route: Route): FibKey {
  const ipv6 = route.family === AF_INET6;
  const address = route.destination ?? (ipv6 ? IPV6_ANY : IPV4_ANY);
  const text = `${formatAddress(address)}/${route.destinationLength}`;
  const key = fibKeyOf(placeOf(text, route.table), shownMetric(route.priority, ipv6), ipv6, route.tos);
  return route.sourceLength ? `${key} from ${formatAddress(route.source ?? IPV6_ANY)}/${route.sourceLength}` : key;
}

/** Reads back what `fibKeyOf` made. */
export function parseFibKey(key: FibKey): FibPosition {
  const words = key.split(' ');
  const prefix = parsePrefix(words[0] ?? '');
  const ipv6 = prefix.address.length === 16;
  const number = (name: string, otherwise: number): number => {
    const at = words.indexOf(name, 1);
    return at < 0 ? otherwise : Number(words[at + 1]);
  };
  return {
    family: ipv6 ? AF_INET6 : AF_INET,
    destination: prefix.address,
    destinationLength: prefix.length,
    table: number('table', RT_TABLE_MAIN),
    metric: number('metric', defaultMetric(ipv6)),
    tos: number('tos', 0),
  };
}

/** The destination in text. */
export function destinationOf(key: FibKey): string {
  const end = key.indexOf(' ');
  return end < 0 ? key : key.slice(0, end);
}

const IPV4_ANY = new Uint8Array(4);
const IPV6_ANY = new Uint8Array(16);
