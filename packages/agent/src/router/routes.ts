/**
 * From a learned path to a route of this node. A path is refused when following it would harm: towards this node itself,
 * into pods of this node, or into pods of one node by way of another; and when its next hop is not directly connected,
 * because nothing carries packets there until overlays are built.
 */
import type { Path } from '@routelet/bgp';
import type { NodeRoute } from '@routelet/rib';
import { contains, type Prefix, parseAddress, parsePrefix } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Identity } from './identity.ts';
import type { NodeFacts } from './node-facts.ts';
import { type PodCidrOwners, planPodCidrOwners } from './pod-cidr-owners.ts';
import type { Problem } from './problem.ts';

export interface RouteContext {
  readonly ownAddresses: ReadonlySet<string>;
  readonly ownPodCidrs: readonly Prefix[];
  /** Subnets of the interfaces that hold the node's addresses. */
  readonly subnets: readonly Prefix[];
  /** Node names by address, the own one included. */
  readonly nodeByAddress: ReadonlyMap<string, string>;
  readonly owners: PodCidrOwners;
  readonly enableOverlay: boolean;
}

export type RouteRefusal = 'own-next-hop' | 'own-pod-cidr' | 'pod-cidr-of-other-node' | 'family' | 'off-subnet';

export type RoutePlan =
  | { readonly kind: 'route'; readonly route: NodeRoute }
  | { readonly kind: 'refused'; readonly reason: RouteRefusal; readonly problem: Problem };

export function planRoute(
  { prefix, nextHop, from }: Pick<Path, 'prefix' | 'nextHop' | 'from'>,
  context: RouteContext,
): RoutePlan {
  const destination = parsePrefix(prefix);
  const gateway = parseAddress(nextHop);
  const refuse = (reason: RouteRefusal, subject: string, text: string): RoutePlan => ({
    kind: 'refused',
    reason,
    problem: { code: 'route-refused', subject, text },
  });
  const route = `route ${prefix} via ${nextHop} from ${from} is not installed`;
  if (!destination || !gateway || destination.family !== gateway.family) {
    return refuse('family', prefix, `${route}: expected a prefix and a next hop of the same family`);
  }
  if (context.ownAddresses.has(gateway.text)) {
    return refuse('own-next-hop', prefix, `${route}: the next hop is this node`);
  }
  const own = context.ownPodCidrs.find((cidr) => contains(cidr, destination));
  if (own) return refuse('own-pod-cidr', prefix, `${route}: it lies in ${own.text}, the pod CIDR of this node`);

  // A router that is no node may carry the pod CIDRs of nodes (a mesh by way of it); a node only its own.
  const node = context.nodeByAddress.get(gateway.text);
  const other =
    node === undefined ? undefined : context.owners.overlapping(destination).find((owned) => owned.node !== node);
  if (other) {
    const text = `${route}: the next hop is node ${node}, and ${other.prefix.text} is the pod CIDR of node ${other.node}`;
    return refuse('pod-cidr-of-other-node', prefix, text);
  }
  if (!context.subnets.some((subnet) => contains(subnet, gateway))) {
    const subnets = context.subnets.map(({ text }) => text).join(', ') || 'none';
    const overlay = context.enableOverlay ? '; overlays are not built yet' : '';
    const text = `routes via ${nextHop} are not installed: the next hop is in no subnet of this node (${subnets})${overlay}`;
    return refuse('off-subnet', nextHop, text);
  }
  return { kind: 'route', route: { destination: destination.text, nextHops: [{ gateway: gateway.text }] } };
}

/**
 * Whether a route that stood in the kernel at start with our protocol number is from an earlier life of this agent: its
 * destination is a known node's pod CIDR, or its gateway is a known node or a configured peer.
 */
export function ownsRoute(route: NodeRoute, context: RouteContext, externalPeers: ReadonlySet<string>): boolean {
  const destination = parsePrefix(route.destination);
  if (!destination) return false;
  const exact = context.owners.overlapping(destination).some(({ prefix }) => prefix.text === destination.text);
  return (
    exact ||
    (route.nextHops.length > 0 &&
      route.nextHops.every(
        ({ gateway }) => gateway !== undefined && (context.nodeByAddress.has(gateway) || externalPeers.has(gateway)),
      ))
  );
}

/** What plans of routes depend on, made of the state of cluster and host. */
export function routeContext(
  identity: Identity,
  nodes: Iterable<NodeFacts>,
  subnets: readonly Prefix[],
  { enableOverlay }: Pick<AgentOptions, 'enableOverlay'>,
): RouteContext {
  const facts = [...nodes];
  return {
    ownAddresses: new Set(identity.addresses),
    ownPodCidrs: identity.podCidrs,
    subnets,
    nodeByAddress: new Map(facts.flatMap(({ name, addresses }) => addresses.map((address) => [address, name]))),
    owners: planPodCidrOwners(facts, identity.name),
    enableOverlay,
  };
}
