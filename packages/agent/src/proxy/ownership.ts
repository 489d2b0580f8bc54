/**
 * Which IPVS services of the kernel are the proxy's: those on addresses that only Services have, and on node ports. All
 * others are somebody else's and stay, as do those of --excluded-cidrs.
 */
import { contains, type Prefix, parsePrefix } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';
import type { EntryPoint } from './model.ts';

export type OwnershipOptions = Pick<
  AgentOptions,
  'serviceClusterIpRange' | 'serviceExternalIpRange' | 'loadBalancerIpRange' | 'serviceNodePortRange' | 'excludedCidrs'
>;

export interface HostAddresses {
  /** Addresses on kube-dummy-if. */
  readonly held: ReadonlySet<string>;
  /** Those of the node. */
  readonly node: ReadonlySet<string>;
}

export type Ownership = (point: EntryPoint, host: HostAddresses) => boolean;

export function ownership(options: OwnershipOptions): Ownership {
  const parsed = (texts: readonly string[]): readonly Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);
  const excluded = parsed(options.excludedCidrs);
  const { serviceClusterIpRange, serviceExternalIpRange, loadBalancerIpRange } = options;
  const own = parsed([...serviceClusterIpRange, ...serviceExternalIpRange, ...loadBalancerIpRange]);
  const [first = 0, last = 0] = options.serviceNodePortRange.split(':').map(Number);
  return ({ address, port }, { held, node }) => {
    if (excluded.some((range) => contains(range, address))) return false;
    if (held.has(address.text) || own.some((range) => contains(range, address))) return true;
    return node.has(address.text) && port >= first && port <= last;
  };
}
