/**
 * Which external and load balancer addresses of Services are taken: a Service's author must not be able to draw the
 * traffic of any address he likes (GHSA-phqm-jgc3-qf8g). Announcements and proxy ask the same check.
 */
import { contains, type IpAddress, type Prefix, parsePrefix } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';

export type RangeOptions = Pick<
  AgentOptions,
  'serviceClusterIpRange' | 'serviceExternalIpRange' | 'loadBalancerIpRange' | 'strictExternalIpValidation'
>;

/** Why an address is not taken; completes "expected …". Undefined when it is. */
export type AddressCheck = (kind: 'external-ip' | 'load-balancer-ip', address: IpAddress) => string | undefined;

const flagOf = { 'external-ip': '--service-external-ip-range', 'load-balancer-ip': '--loadbalancer-ip-range' } as const;

export function addressCheck(options: RangeOptions): AddressCheck {
  if (!options.strictExternalIpValidation) return () => undefined;
  const parsed = (texts: readonly string[]): readonly Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);
  const cluster = parsed(options.serviceClusterIpRange);
  const ranges = {
    'external-ip': parsed(options.serviceExternalIpRange),
    'load-balancer-ip': parsed(options.loadBalancerIpRange),
  };
  return (kind, address) => {
    const inCluster = cluster.find((range) => contains(range, address));
    if (inCluster) return `an address outside of ${inCluster.text}, the cluster IPs (--service-cluster-ip-range)`;
    if (ranges[kind].some((range) => contains(range, address))) return undefined;
    const allowed = ranges[kind].map(({ text }) => text).join(', ') || 'nothing';
    return `an address of ${flagOf[kind]}, which has ${allowed} (--strict-external-ip-validation)`;
  };
}
