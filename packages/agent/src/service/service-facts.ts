/**
 * What a Service object says to those who announce and serve its addresses, read once for each version of it: the
 * addresses by kind, checked, its policies and its annotations, and why it is passed over when it is.
 */
import { type IpAddress, parseAddress } from '../annotations/prefix.ts';
import { type AnnotationProblem, formatProblem } from '../annotations/problem.ts';
import { parseServiceSettings, type ServiceSettings } from '../annotations/service.ts';
import { serviceOf } from '../cluster/endpoint-slice.ts';
import type { ClusterChange, Service } from '../cluster/model.ts';
import type { AddressCheck } from './address-ranges.ts';

export const vipKinds = ['cluster-ip', 'external-ip', 'load-balancer-ip'] as const;
export type VipKind = (typeof vipKinds)[number];

/** A Service that is none of ours, and why; completes "it …". */
export type PassedOver = 'is of type ExternalName' | 'is headless' | 'is served by another proxy' | 'has no cluster IP';

export interface ServiceAddress {
  readonly kind: VipKind;
  readonly address: IpAddress;
  /** Why it must not be announced or served; completes "expected …". */
  readonly refused?: string;
}

export interface ServiceFacts {
  /** `namespace/name`. */
  readonly key: string;
  readonly passedOver: PassedOver | undefined;
  /** In the order of the object, each kind and address once. */
  readonly addresses: readonly ServiceAddress[];
  /** Cluster IPs lead to endpoints of the own node alone. */
  readonly internalLocal: boolean;
  /** The same of external and load balancer addresses. */
  readonly externalLocal: boolean;
  readonly settings: ServiceSettings;
  readonly annotationProblems: readonly AnnotationProblem[];
}

/** Label of a Service that another proxy serves, with the proxy's name (S-8). */
const PROXY_NAME = 'service.kubernetes.io/service-proxy-name';
/** Label of headless Services and of their slices (S-9). */
export const HEADLESS = 'service.kubernetes.io/headless';
/** The name that the original goes by. */
const OWN_PROXY_NAME = 'kube-router';

export function serviceKey({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Keys of the Services that changes are about: their own, and those of their slices, from before as well as now. */
export function changedServices(changes: readonly ClusterChange[]): Set<string> {
  const services = new Set<string>();
  for (const change of changes) {
    if (change.kind === 'Service') services.add(serviceKey(change.object));
    if (change.kind !== 'EndpointSlice') continue;
    const slices = change.type === 'modified' ? [change.object, change.old] : [change.object];
    for (const key of slices.map(serviceOf)) if (key !== undefined) services.add(key);
  }
  return services;
}

export function readServiceFacts(service: Service, check: AddressCheck): ServiceFacts {
  const { spec, metadata } = service;
  const settings = parseServiceSettings(metadata.annotations);
  return {
    key: serviceKey(service),
    passedOver: passedOver(service),
    addresses: addressesOf(service, settings.value, check),
    // S-3: the annotation asks for local endpoints from outside, and for all of them from inside.
    internalLocal: spec.internalTrafficPolicy === 'Local' && !settings.value.local,
    externalLocal: spec.externalTrafficPolicy === 'Local' || settings.value.local,
    settings: settings.value,
    annotationProblems: settings.problems,
  };
}

/** Sentences for the log. */
export function describeAnnotations({ key, annotationProblems }: ServiceFacts): string[] {
  return annotationProblems.map((problem) => formatProblem(`service ${key}`, problem));
}

function passedOver({ metadata: { labels }, spec }: Service): PassedOver | undefined {
  if (spec.type === 'ExternalName') return 'is of type ExternalName';
  if (labels[HEADLESS] !== undefined) return 'is headless';
  const proxy = labels[PROXY_NAME];
  if (proxy !== undefined && proxy !== OWN_PROXY_NAME) return 'is served by another proxy';
  return spec.clusterIPs.length === 0 ? 'has no cluster IP' : undefined;
}

function addressesOf({ spec, status }: Service, settings: ServiceSettings, check: AddressCheck): ServiceAddress[] {
  const ingress = status.loadBalancer.ingress.flatMap(({ ip, ipMode }) =>
    ip === undefined || ipMode === 'Proxy' ? [] : [ip],
  );
  const texts = {
    'cluster-ip': spec.clusterIPs,
    'external-ip': spec.externalIPs,
    'load-balancer-ip': spec.type === 'LoadBalancer' && !settings.skipLoadBalancerIps ? ingress : [],
  };
  return vipKinds.flatMap((kind) => {
    const addresses = new Map<string, IpAddress>();
    for (const text of texts[kind]) {
      const address = parseAddress(text);
      if (address) addresses.set(address.text, address);
    }
    return [...addresses.values()].map((address) => {
      const refused = kind === 'cluster-ip' ? undefined : check(kind, address);
      return { kind, address, ...(refused !== undefined && { refused }) };
    });
  });
}
