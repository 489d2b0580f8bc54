/**
 * From learned paths to a route of this node (B-61): directly by way of the next hop, or through a tunnel to the node that
 * the next hop is. A path is refused when following it would harm: towards this node itself, into pods of this node, or
 * into pods of one node by way of another; and when nothing carries packets to its next hop.
 */
import type { Path } from '@routelet/bgp';
import type { NextHop, NodeRoute } from '@routelet/rib';
import { contains, type IpAddress, parseAddress, parsePrefix } from '../annotations/prefix.ts';
import type { Problem } from '../problem.ts';
import { tunnelNames } from './overlay/tunnel-name.ts';
import type { RouteContext } from './route-context.ts';
import { bandwidthWeights } from './weights.ts';

/** The part of a path that plans look at. */
export type PlannedPath = Pick<Path, 'prefix' | 'nextHop' | 'from' | 'bandwidth'>;

/** `tunnel`: by way of the tunnel to `address`, which is a node's. Addresses and prefixes in canonical text. */
export interface Way {
  readonly address: string;
  readonly tunnel: boolean;
}

/** What becomes a route of the kernel once its tunnels have devices. */
export interface LearnedRoute {
  readonly destination: string;
  readonly ways: readonly (Way & { readonly weight?: number })[];
  /** Where packets that this node itself sends through tunnels come from (B-63). */
  readonly source?: string;
}

export type RouteRefusal = 'own-next-hop' | 'own-pod-cidr' | 'pod-cidr-of-other-node' | 'family' | 'off-subnet';

export interface RefusedRoute {
  readonly kind: 'refused';
  readonly reason: RouteRefusal;
  readonly problem: Problem;
}

export type RoutePlan = { readonly kind: 'route'; readonly route: LearnedRoute } | RefusedRoute;

export function planRoute(path: PlannedPath, context: RouteContext): RoutePlan {
  const { prefix, nextHop, from } = path;
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

  const near = context.subnets.some((subnet) => contains(subnet, gateway));
  const source = context.bestAddress[gateway.family];
  if (wantsTunnel(context, near) && node !== undefined && source !== undefined) {
    const ways = [{ address: gateway.text, tunnel: true }];
    return { kind: 'route', route: { destination: destination.text, ways, source } };
  }
  if (near) {
    const ways = [{ address: gateway.text, tunnel: false }];
    return { kind: 'route', route: { destination: destination.text, ways } };
  }
  return refuse('off-subnet', nextHop, offSubnetText(gateway, context));
}

function wantsTunnel({ overlay }: RouteContext, near: boolean): boolean {
  return overlay === 'full' || (overlay === 'subnet' && !near);
}

/** T-28: what is no node has no other end of a tunnel. */
function offSubnetText({ text, family }: IpAddress, { subnets, overlay, bestAddress, nodeByAddress }: RouteContext) {
  const list = subnets.map((subnet) => subnet.text).join(', ') || 'none';
  const why =
    overlay === undefined
      ? 'the overlay is off'
      : nodeByAddress.has(text)
        ? `a tunnel needs an IPv${family} address of this node, and it has ${bestAddress[family] ?? 'none'}`
        : 'no node has that address, so there is no tunnel to it';
  return `routes via ${text} are not installed: the next hop is in no subnet of this node (${list}), and ${why}`;
}

/**
 * One route of several ways, the best path first, weighted by Link Bandwidth (RFC 10005). The kernel takes several IPv6
 * next hops only where each has a gateway: there a tunnel stands alone.
 */
export function joinRoutes(parts: readonly { readonly route: LearnedRoute; readonly bandwidth: number | undefined }[]) {
  const [best] = parts;
  if (!best) return undefined;
  const isTunnel = ({ route }: { readonly route: LearnedRoute }) => route.ways.some(({ tunnel }) => tunnel);
  const together = !best.route.destination.includes(':')
    ? parts
    : isTunnel(best)
      ? [best]
      : parts.filter((part) => !isTunnel(part));
  if (together.length === 1) return best.route;
  const weights = bandwidthWeights(together.map(({ bandwidth }) => bandwidth));
  const source = together.find(isTunnel)?.route.source;
  return {
    destination: best.route.destination,
    ways: together.flatMap(({ route }, index) => route.ways.map((way) => ({ ...way, weight: weights[index] ?? 1 }))),
    ...(source !== undefined && { source }),
  } satisfies LearnedRoute;
}

/** The route for the rib; undefined when none of its ways can be. `deviceOf` gives the device of the tunnel to an address. */
export function nodeRoute(
  { destination, ways, source }: LearnedRoute,
  deviceOf: (address: string) => string | undefined,
): NodeRoute | undefined {
  const nextHops = ways.flatMap(({ address, tunnel, weight }): NextHop[] => {
    const device = tunnel ? deviceOf(address) : undefined;
    if (tunnel && device === undefined) return [];
    const hop = device === undefined ? { gateway: address } : { interface: device };
    return [{ ...hop, ...(weight !== undefined && { weight }) }];
  });
  return nextHops.length === 0 ? undefined : { destination, nextHops, ...(source !== undefined && { source }) };
}

/**
 * Whether a route that stood in the kernel at start with our protocol number is from an earlier life of this agent: its
 * destination is a known node's pod CIDR, or each next hop is a known node, the tunnel to one, or a configured peer.
 */
export function ownsRoute(route: NodeRoute, context: RouteContext, externalPeers: ReadonlySet<string>): boolean {
  const destination = parsePrefix(route.destination);
  if (!destination) return false;
  const exact = context.owners.overlapping(destination).some(({ prefix }) => prefix.text === destination.text);
  const leadsToKnown = ({ gateway, interface: device }: NextHop) =>
    gateway !== undefined
      ? context.nodeByAddress.has(gateway) || externalPeers.has(gateway)
      : device !== undefined && leadsToNode(device, context);
  return exact || (route.nextHops.length > 0 && route.nextHops.every(leadsToKnown));
}

function leadsToNode(device: string, { nodeByAddress }: RouteContext): boolean {
  return (
    device.startsWith('tun-') && [...nodeByAddress.keys()].some((address) => tunnelNames(address).includes(device))
  );
}
