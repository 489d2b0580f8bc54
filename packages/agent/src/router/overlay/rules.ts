/**
 * Policy routing of the overlay (B-74): packets from pods of this node look up table 77 first, which leads to the addresses
 * of nodes by way of their tunnels. The table is the router's alone, and a rule that says nothing but "from PREFIX lookup
 * 77" is taken for its own.
 */
import {
  AF_INET,
  AF_INET6,
  FR_ACT_TO_TBL,
  type Route,
  type RouteOperation,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
  RTPROT_BOOT,
  type Rule,
  type RuleOperation,
} from '@routelet/netlink-wire';
import {
  addressBytes,
  addressFromBytes,
  hostPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../annotations/prefix.ts';
import { routeTables } from '../../kernel/route-tables.ts';

const { id: TABLE } = routeTables.kubeRouter;

/** `podCidrs`: of this node; none when the overlay is off. */
export function planRules(podCidrs: readonly Prefix[], actual: readonly Rule[]): RuleOperation[] {
  const wanted = new Map(podCidrs.map((prefix) => [prefix.text, prefix]));
  const operations: RuleOperation[] = [];
  for (const rule of actual) {
    const source = sourceOf(rule);
    // The second of two equal rules goes too.
    if (source !== undefined && !wanted.delete(source))
      operations.push({ kind: 'rule', action: 'delete', object: rule });
  }
  for (const prefix of wanted.values()) operations.push({ kind: 'rule', action: 'add', object: ruleOf(prefix) });
  return operations;
}

function ruleOf(prefix: Prefix): Rule {
  return {
    family: prefix.family === 4 ? AF_INET : AF_INET6,
    source: addressBytes(prefix),
    sourceLength: prefix.length,
    destinationLength: 0,
    tos: 0,
    table: TABLE,
    action: FR_ACT_TO_TBL,
    // Without a priority the kernel puts it before all others but the first.
    flags: 0,
  };
}

/** The source of a rule of ours in text; undefined for another rule. */
function sourceOf({
  source,
  sourceLength,
  table,
  action,
  flags,
  family,
  tos,
  priority,
  protocol,
  ...rest
}: Rule): string | undefined {
  if (
    table !== TABLE ||
    action !== FR_ACT_TO_TBL ||
    flags !== 0 ||
    tos !== 0 ||
    !source ||
    rest.destinationLength !== 0
  )
    return undefined;
  const { destinationLength, ...selectors } = rest;
  if (Object.values(selectors).some((value) => value !== undefined)) return undefined;
  const address = addressFromBytes(source);
  return address && parsePrefix(`${address.text}/${sourceLength}`)?.text;
}

/** A tunnel device that stands. */
export interface TableEntry {
  readonly remote: string;
  readonly index: number;
}

/** The routes of table 77: each remote address by way of its tunnel. `actual`: the routes of that table. */
export function planTableRoutes(tunnels: readonly TableEntry[], actual: readonly Route[]): RouteOperation[] {
  const operations: RouteOperation[] = [];
  const indexes = new Set(tunnels.map(({ index }) => index));
  const wanted = new Map(tunnels.map((tunnel) => [hostText(tunnel.remote), tunnel]));
  const replaced = new Set<string>();
  for (const route of actual) {
    const device = route.nextHops.length === 1 ? route.nextHops[0]?.index : undefined;
    const destination = route.destination && addressFromBytes(route.destination);
    const text = destination && `${destination.text}/${route.destinationLength}`;
    if (route.table !== TABLE || device === undefined || text === undefined) continue;
    if (wanted.get(text)?.index === device) wanted.delete(text);
    else if (!indexes.has(device)) continue;
    else if (wanted.has(text)) replaced.add(text);
    else operations.push({ kind: 'route', action: 'delete', object: route });
  }
  for (const [text, tunnel] of wanted) {
    operations.push({ kind: 'route', action: replaced.has(text) ? 'replace' : 'add', object: routeOf(tunnel) });
  }
  return operations;
}

function routeOf({ remote, index }: TableEntry): Route {
  const address = parseAddress(remote);
  if (!address) throw new RangeError(`${remote} is no address`);
  return {
    family: address.family === 4 ? AF_INET : AF_INET6,
    destination: addressBytes(address),
    destinationLength: hostPrefix(address).length,
    tos: 0,
    table: TABLE,
    // As `ip route add ADDRESS dev TUNNEL table 77`, which the original runs.
    protocol: RTPROT_BOOT,
    scope: address.family === 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
    flags: 0,
    nextHops: [{ index }],
  };
}

function hostText(remote: string): string {
  const address = parseAddress(remote);
  return address ? hostPrefix(address).text : remote;
}
