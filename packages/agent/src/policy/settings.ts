/** What the rules of a node are made of beside pods and policies: the options, and the node's own pod CIDRs. */
import { parsePodCidrs } from '../annotations/node.ts';
import { type IpFamily, type Prefix, parsePrefix } from '../annotations/prefix.ts';
import type { Node } from '../cluster/model.ts';
import type { AgentOptions } from '../options/options.ts';

export interface FirewallSettings {
  readonly families: readonly IpFamily[];
  readonly clusterIpRanges: readonly Prefix[];
  readonly externalIpRanges: readonly Prefix[];
  readonly loadBalancerIpRanges: readonly Prefix[];
  /** `30000:32767`. */
  readonly nodePortRange: string;
  /** A pod of these that has no rules yet is closed; none: such a pod is open. */
  readonly closedCidrs: readonly Prefix[];
}

export type FirewallOptions = Pick<
  AgentOptions,
  | 'enableIpv4'
  | 'enableIpv6'
  | 'serviceClusterIpRange'
  | 'serviceExternalIpRange'
  | 'loadBalancerIpRange'
  | 'serviceNodePortRange'
  | 'netpolDefaultDeny'
>;

export function planSettings(options: FirewallOptions, node: Node | undefined): FirewallSettings {
  const prefixes = (texts: readonly string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
  return {
    families: [...(options.enableIpv4 ? [4 as const] : []), ...(options.enableIpv6 ? [6 as const] : [])],
    clusterIpRanges: prefixes(options.serviceClusterIpRange),
    externalIpRanges: prefixes(options.serviceExternalIpRange),
    loadBalancerIpRanges: prefixes(options.loadBalancerIpRange),
    nodePortRange: options.serviceNodePortRange,
    closedCidrs: options.netpolDefaultDeny && node ? podCidrs(node) : [],
  };
}

/** P-10: the annotations win over the spec. */
function podCidrs({ metadata, spec }: Node): readonly Prefix[] {
  const annotated = parsePodCidrs(metadata.annotations).value;
  if (annotated !== undefined) return annotated;
  const texts = spec.podCIDRs.length > 0 ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : [];
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}
