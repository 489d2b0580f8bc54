/**
 * Decides for each address of one Service whether this node announces it to external peers. Every address gets a decision
 * with its reason, so that the question why one is not announced has an answer.
 */
import type { IpAddress, IpFamily } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';
import type { EndpointSummary, FamilyEndpoints } from '../service/endpoint-summary.ts';
import type { PassedOver, ServiceAddress, ServiceFacts, VipKind } from '../service/service-facts.ts';

export type VipOptions = Pick<
  AgentOptions,
  | 'advertiseClusterIp'
  | 'advertiseExternalIp'
  | 'advertiseLoadBalancerIp'
  | 'advertiseVipsWithoutEndpoints'
  | 'enableIpv4'
  | 'enableIpv6'
>;

/** `announced` is the only good one; the others in the order in which they are looked at. */
export type VipVerdict =
  | 'announced'
  /** The Service is none of ours. */
  | 'passed-over'
  /** Neither flag nor annotation asks for it. */
  | 'not-asked-for'
  | 'family-off'
  /** The address is in no range that may be announced. */
  | 'refused'
  | 'no-endpoint'
  /** The traffic policy is Local, and no endpoint of this node serves. */
  | 'no-local-endpoint';

export interface VipDecision {
  readonly service: string;
  readonly kind: VipKind;
  readonly address: IpAddress;
  readonly verdict: VipVerdict;
  /** Completes the sentence of the verdict: why passed over, or what was expected. */
  readonly detail?: PassedOver | string;
}

/** Whether flags and annotations want an address announced, by some node at least: then no peer may announce it to us. */
export function isWanted({ verdict }: VipDecision): boolean {
  return verdict === 'announced' || verdict === 'no-endpoint' || verdict === 'no-local-endpoint';
}

export function planVips(facts: ServiceFacts, endpoints: EndpointSummary, options: VipOptions): VipDecision[] {
  return facts.addresses.map(({ kind, address, refused }) => ({
    service: facts.key,
    kind,
    address,
    ...decide(facts, { kind, address, ...(refused !== undefined && { refused }) }, endpoints, options),
  }));
}

function decide(
  facts: ServiceFacts,
  { kind, address: { family }, refused }: ServiceAddress,
  endpoints: EndpointSummary,
  options: VipOptions,
): Pick<VipDecision, 'verdict' | 'detail'> {
  if (facts.passedOver !== undefined) return { verdict: 'passed-over', detail: facts.passedOver };
  if (!isAskedFor(kind, facts, options)) return { verdict: 'not-asked-for' };
  if (!isOn(family, options)) return { verdict: 'family-off' };
  if (refused !== undefined) return { verdict: 'refused', detail: refused };
  const local = kind === 'cluster-ip' ? facts.internalLocal : facts.externalLocal;
  return { verdict: byEndpoints(endpoints[family], local, options) };
}

function byEndpoints(
  { serving, servingHere, here }: FamilyEndpoints,
  local: boolean,
  { advertiseVipsWithoutEndpoints: asOriginal }: VipOptions,
): VipVerdict {
  // B-50, B-51: the original looks at no condition of endpoints, and with the policy Cluster at no endpoint at all.
  if (asOriginal) return local && !here ? 'no-local-endpoint' : 'announced';
  if (!serving) return 'no-endpoint';
  return local && !servingHere ? 'no-local-endpoint' : 'announced';
}

function isAskedFor(kind: VipKind, { settings: { advertise } }: ServiceFacts, options: VipOptions): boolean {
  const asked = {
    'cluster-ip': advertise.clusterIp ?? options.advertiseClusterIp,
    'external-ip': advertise.externalIp ?? options.advertiseExternalIp,
    'load-balancer-ip': advertise.loadBalancerIp ?? options.advertiseLoadBalancerIp,
  };
  return asked[kind];
}

function isOn(family: IpFamily, { enableIpv4, enableIpv6 }: VipOptions): boolean {
  return family === 4 ? enableIpv4 : enableIpv6;
}

/** The decision as a sentence. */
export function describeVip({ service, kind, address, verdict, detail }: VipDecision): string {
  const name = `${kind.replaceAll('-', ' ').replace(' ip', ' IP')} ${address.text} of service ${service}`;
  switch (verdict) {
    case 'announced':
      return `${name} is announced`;
    case 'passed-over':
      return `${name} is not announced: the service ${detail}`;
    case 'not-asked-for':
      return `${name} is not announced: neither flag nor annotation asks for it`;
    case 'family-off':
      return `${name} is not announced: IPv${address.family} is off`;
    case 'refused':
      return `${name} is not announced: expected ${detail}`;
    case 'no-endpoint':
      return `${name} is not announced: no endpoint of its family serves`;
    case 'no-local-endpoint':
      return `${name} is not announced: its traffic policy is Local, and no endpoint of this node serves`;
  }
}
