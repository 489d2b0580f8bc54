/**
 * What plans of routes depend on, made of the state of cluster and host, and what a change of it touches: most changes are
 * of one node and concern the routes by way of it alone.
 */
import type { IpFamily, Prefix } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Identity } from './identity.ts';
import type { NodeFacts } from './node-facts.ts';
import { type PodCidrOwners, planPodCidrOwners } from './pod-cidr-owners.ts';

export type OverlayType = AgentOptions['overlayType'];
export type RouteOptions = Pick<AgentOptions, 'enableOverlay' | 'overlayType'>;

export interface RouteContext {
  readonly ownAddresses: ReadonlySet<string>;
  readonly ownPodCidrs: readonly Prefix[];
  /** The node's best address of each family: where tunnels start. */
  readonly bestAddress: Readonly<Record<IpFamily, string | undefined>>;
  /** Subnets of the interfaces that hold the node's addresses. */
  readonly subnets: readonly Prefix[];
  /** Node names by address, the own one included. */
  readonly nodeByAddress: ReadonlyMap<string, string>;
  readonly owners: PodCidrOwners;
  /** Undefined when the overlay is off. */
  readonly overlay: OverlayType | undefined;
}

export function routeContext(
  identity: Identity,
  nodes: Iterable<NodeFacts>,
  subnets: readonly Prefix[],
  { enableOverlay, overlayType }: RouteOptions,
): RouteContext {
  const facts = [...nodes];
  return {
    ownAddresses: new Set(identity.addresses),
    ownPodCidrs: identity.podCidrs,
    bestAddress: { 4: identity.ipv4, 6: identity.ipv6 },
    subnets,
    nodeByAddress: new Map(facts.flatMap(({ name, addresses }) => addresses.map((address) => [address, name]))),
    owners: planPodCidrOwners(facts, identity.name),
    overlay: enableOverlay ? overlayType : undefined,
  };
}

export type ContextChange =
  | { readonly kind: 'none' | 'all' }
  | {
      readonly kind: 'nodes';
      /** Addresses that are no more, or are now, those of a node, or of another one. */
      readonly addresses: ReadonlySet<string>;
      /** Pod CIDRs that came, went or have another owner. */
      readonly podCidrs: readonly Prefix[];
    };

/** Looking at each learned prefix for each of more CIDRs than this costs more than planning all again. */
const MANY = 64;

export function contextChange(before: RouteContext, after: RouteContext): ContextChange {
  if (ownText(before) !== ownText(after)) return { kind: 'all' };
  const addresses = new Set<string>();
  for (const [one, other] of [
    [before, after],
    [after, before],
  ] as const) {
    for (const [address, name] of one.nodeByAddress)
      if (other.nodeByAddress.get(address) !== name) addresses.add(address);
  }
  const podCidrs = new Map<string, Prefix>();
  const owned = new Map(before.owners.all.map(({ prefix, node }) => [prefix.text, { prefix, node }]));
  for (const { prefix, node } of after.owners.all) {
    if (owned.get(prefix.text)?.node !== node) podCidrs.set(prefix.text, prefix);
    else owned.delete(prefix.text);
  }
  for (const [text, { prefix }] of owned) podCidrs.set(text, prefix);
  if (podCidrs.size > MANY) return { kind: 'all' };
  if (addresses.size + podCidrs.size === 0) return { kind: 'none' };
  return { kind: 'nodes', addresses, podCidrs: [...podCidrs.values()] };
}

function ownText({ ownAddresses, ownPodCidrs, bestAddress, subnets, overlay }: RouteContext): string {
  const texts = (prefixes: readonly Prefix[]) => prefixes.map(({ text }) => text);
  return JSON.stringify([[...ownAddresses], texts(ownPodCidrs), bestAddress, texts(subnets), overlay]);
}
