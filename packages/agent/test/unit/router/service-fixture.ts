/** Services and slices as the readers make them, with what a test does not care about filled in. */
import { readEndpointSlice } from '../../../src/cluster/endpoint-slice.ts';
import type { EndpointSlice, Service } from '../../../src/cluster/model.ts';
import { readService } from '../../../src/cluster/service.ts';
import type { VipOptions } from '../../../src/router/vip-plan.ts';
import type { RangeOptions } from '../../../src/service/address-ranges.ts';

export const vipOptions: VipOptions & RangeOptions = {
  advertiseClusterIp: true,
  advertiseExternalIp: true,
  advertiseLoadBalancerIp: true,
  advertiseVipsWithoutEndpoints: false,
  enableIpv4: true,
  enableIpv6: true,
  serviceClusterIpRange: ['10.96.0.0/12', 'fd00:96::/112'],
  serviceExternalIpRange: ['198.51.100.0/24'],
  loadBalancerIpRange: ['203.0.113.0/24'],
  strictExternalIpValidation: true,
};

interface ServiceParts {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly ingress?: readonly object[];
}

/** `spec` over that of a LoadBalancer Service with one cluster IP. */
export function service(name: string, { annotations, labels, spec, ingress = [] }: ServiceParts = {}): Service {
  const read = readService({
    metadata: { name, namespace: 'shop', annotations: named(annotations), labels },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.10'], ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress } },
  });
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

const named = (annotations: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`kube-router.io/service.${key}`, value]));

/** Endpoints as `node condition…`, such as `n1`, `n2 unready` or `n1 unready serving terminating`. */
export function slice(name: string, of: string, family: 4 | 6, ...endpoints: readonly string[]): EndpointSlice {
  const read = readEndpointSlice({
    metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': of } },
    addressType: family === 4 ? 'IPv4' : 'IPv6',
    endpoints: endpoints.map((text, index) => {
      const [nodeName, ...words] = text.split(' ');
      const conditions = {
        ready: !words.includes('unready'),
        ...(words.includes('serving') && { serving: true }),
        ...(words.includes('terminating') && { terminating: true }),
      };
      const address = family === 4 ? `10.244.0.${index + 1}` : `fd00:244::${index + 1}`;
      return { addresses: [address], conditions, ...(nodeName === '-' ? {} : { nodeName }) };
    }),
  });
  if ('problem' in read) throw new Error(read.problem);
  return read;
}
