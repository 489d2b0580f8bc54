/** Services and slices as the API server writes them, read by the agent's own readers, and the node that plans are made for. */
import { parseAddress } from '../../../src/annotations/prefix.ts';
import { readEndpointSlice } from '../../../src/cluster/endpoint-slice.ts';
import type { EndpointSlice, Service } from '../../../src/cluster/model.ts';
import { readService } from '../../../src/cluster/service.ts';
import type { VirtualService } from '../../../src/proxy/model.ts';
import { entryKey } from '../../../src/proxy/model.ts';
import type { PlanSettings, ProxyNode } from '../../../src/proxy/service-plan.ts';
import { addressCheck } from '../../../src/service/address-ranges.ts';

export function address(text: string) {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(text);
  return parsed;
}

function readOr<T extends object>(result: T | { readonly problem: string }): T {
  if ('problem' in result) throw new Error(result.problem);
  return result as T;
}

export interface ServiceInput {
  readonly spec?: object;
  readonly status?: object;
  readonly annotations?: object;
  readonly labels?: object;
  readonly created?: string;
}

/** Namespace `shop`, cluster IPs 10.96.0.10 and fd00:96::10, port 80/TCP. */
export function service(name: string, { spec, status, annotations, labels, created }: ServiceInput = {}): Service {
  return readOr(
    readService({
      metadata: { name, namespace: 'shop', annotations, labels, creationTimestamp: created },
      spec: { clusterIPs: ['10.96.0.10', 'fd00:96::10'], ports: [{ port: 80 }], ...spec },
      status,
    }),
  );
}

/**
 * Each endpoint in words: the last number of its address, its node, and what else is true of it: `5 n1`, `5 n1 unready`,
 * `5 n1 ending` (still serving), `5 n1 ended`, `5 n1 zone=a node=n1`.
 */
export function slice(
  name: string,
  of: string,
  family: 4 | 6,
  endpoints: readonly string[],
  more: object = {},
): EndpointSlice {
  return readOr(
    readEndpointSlice({
      metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': of } },
      addressType: family === 4 ? 'IPv4' : 'IPv6',
      endpoints: endpoints.map((words) => readEndpointWords(words, family)),
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      ...more,
    }),
  );
}

function readEndpointWords(text: string, family: 4 | 6): object {
  const [number = '', nodeName, ...words] = text.split(' ');
  const values = (key: string) =>
    words.flatMap((word) => (word.startsWith(`${key}=`) ? word.slice(key.length + 1).split(',') : []));
  const ending = words.includes('ending');
  const off = ending || words.includes('ended') || words.includes('unready');
  const host =
    number.includes('.') || number.includes(':') ? number : family === 4 ? `10.244.0.${number}` : `fd00:244::${number}`;
  return {
    addresses: [host],
    nodeName,
    conditions: { ready: !off, serving: !off || ending, terminating: ending || words.includes('ended') },
    hints: {
      forZones: values('zone').map((name) => ({ name })),
      forNodes: values('node').map((name) => ({ name })),
    },
    targetRef: { kind: 'Pod', namespace: 'shop', name: `pod-${number}` },
  };
}

export const node: ProxyNode = {
  name: 'n1',
  zone: 'a',
  addresses: new Set(['192.0.2.1', '2001:db8::1']),
  families: [4, 6],
  nodePortAddresses: [address('192.0.2.1'), address('2001:db8::1')],
};

export const settings: PlanSettings = {
  check: addressCheck({
    serviceClusterIpRange: ['10.96.0.0/12', 'fd00:96::/112'],
    serviceExternalIpRange: ['198.51.100.0/24', '2001:db8:e::/64'],
    loadBalancerIpRange: ['203.0.113.0/24', '2001:db8:b::/64'],
    strictExternalIpValidation: true,
  }),
  hairpinMode: false,
  namesAnnotations: true,
};

/** `tcp 10.96.0.10:80 rr > 10.244.0.5:8080`: a place, how it chooses, and its endpoints. */
export function words(virtual: VirtualService): string {
  const { scheduler, flags, timeoutSeconds, backends } = virtual;
  const how = [
    scheduler,
    ...(flags ? [`0x${flags.toString(16)}`] : []),
    ...(timeoutSeconds ? [`${timeoutSeconds}s`] : []),
  ];
  const ends = backends.map((one) => `${one.address.text.replace(/^.*[.:]/, '')}${one.local ? '*' : ''}`);
  return [entryKey(virtual), ...how, '>', ...ends].join(' ');
}
