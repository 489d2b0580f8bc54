/**
 * The policy chains of the sessions. A peer carries the chains of its class (other node, external) from the moment it
 * exists, so that no UPDATE leaves or comes in without them and no set of neighbours has to follow the peers: the classes
 * cannot leak into each other as sets by address family can.
 */
import type { PolicyAction, PolicyChain, PolicyStatement, PrefixRange } from '@routelet/bgp';
import type { PathPrepend } from '../annotations/node.ts';
import type { Prefix } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';

export interface Policies {
  /** For every peer: what is not taken. */
  readonly import: PolicyChain;
  readonly exportToNodes: PolicyChain;
  readonly exportToExternal: PolicyChain;
}

export interface PolicyInput {
  readonly podCidrs: readonly Prefix[];
  /** Addresses of Services that some node may announce. */
  readonly vips: readonly string[];
  /** kube-router.io/node.bgp.customimportreject: each with everything inside it. */
  readonly importReject: readonly Prefix[];
  /** kube-router.io/node.bgp.communities: added to what external peers get. */
  readonly communities: readonly number[];
  /** kube-router.io/path-prepend.*: put before the path that external peers get. */
  readonly prepend: PathPrepend | undefined;
  /** This node is a route reflector: what it learns from nodes it passes on to nodes. */
  readonly reflects: boolean;
}

export type PolicyOptions = Pick<AgentOptions, 'enableIbgp' | 'advertisePodCidr' | 'overrideNextHop'>;

/** RFC 4456 decides to whom, and the speaker keeps to it. */
const REFLECTED: PolicyStatement = { name: 'reflected', match: { source: 'ibgp' }, verdict: 'accept' };
/** B-40: what this node originates for Services, as host routes; pod CIDRs are looked at before. */
const HOST_ROUTES = [
  { prefix: '0.0.0.0/0', ge: 32, le: 32 },
  { prefix: '::/0', ge: 128, le: 128 },
];
const DEFAULT_ROUTES = [{ prefix: '0.0.0.0/0' }, { prefix: '::/0' }];

export function planPolicies(
  { podCidrs, vips, importReject, communities, prepend, reflects }: PolicyInput,
  options: PolicyOptions,
): Policies {
  const own = podCidrs.map(({ text }) => ({ prefix: text }));
  // Only what this node originates is exported: a prefix equal to it that was learned is not.
  const local = (
    name: string,
    prefixes: readonly PrefixRange[],
    actions: readonly PolicyAction[],
  ): PolicyStatement => ({
    name,
    match: { prefixes, source: 'local' },
    ...(actions.length > 0 && { actions }),
    verdict: 'accept',
  });
  const podCidr = (actions: readonly PolicyAction[]) => (own.length > 0 ? [local('pod-cidr', own, actions)] : []);
  const noPodCidr: PolicyStatement = { name: 'no-pod-cidr', match: { prefixes: own }, verdict: 'reject' };
  const customReject: PolicyStatement = {
    name: 'custom-reject',
    match: {
      prefixes: importReject.map(({ text, length, family }) => ({
        prefix: text,
        ge: length,
        le: family === 4 ? 32 : 128,
      })),
    },
    verdict: 'reject',
  };
  const toExternal: readonly PolicyAction[] = [
    ...(prepend === undefined ? [] : [{ kind: 'prepend', ...prepend } as const]),
    ...(communities.length === 0 ? [] : [{ kind: 'add-communities', communities } as const]),
    ...(options.overrideNextHop ? [{ kind: 'next-hop-self' } as const] : []),
  ];
  return {
    import: {
      name: 'kube_router_import',
      statements: [
        { name: 'default-routes', match: { prefixes: DEFAULT_ROUTES }, verdict: 'reject' },
        // B-44, B-48: every node serves them itself, a reflector too.
        ...(vips.length > 0
          ? [{ name: 'service-vips', match: { prefixSet: 'vips' }, verdict: 'reject' } as const]
          : []),
        ...(importReject.length > 0 ? [customReject] : []),
      ],
      defaultVerdict: 'accept',
      ...(vips.length > 0 && { prefixSets: { vips: vips.map(hostRange) } }),
    },
    exportToNodes: {
      name: 'kube_router_export_nodes',
      statements: options.enableIbgp ? [...podCidr([]), ...(reflects ? [REFLECTED] : [])] : [],
      defaultVerdict: 'reject',
    },
    exportToExternal: {
      name: 'kube_router_export_external',
      statements: [
        ...(options.advertisePodCidr ? podCidr(toExternal) : own.length > 0 ? [noPodCidr] : []),
        local('service-vips', HOST_ROUTES, toExternal),
      ],
      defaultVerdict: 'reject',
    },
  };
}

function hostRange(address: string): PrefixRange {
  return { prefix: `${address}/${address.includes(':') ? 128 : 32}` };
}
