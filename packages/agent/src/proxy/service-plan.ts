/**
 * Plans one Service: where clients come in, which endpoints are behind each place, and what cannot be served and why. A pure
 * function of the Service, its slices and this node; what other Services say is the table's matter.
 */
import {
  IP_VS_SVC_F_PERSISTENT,
  IP_VS_SVC_F_SCHED1,
  IP_VS_SVC_F_SCHED2,
  IP_VS_SVC_F_SCHED3,
} from '@routelet/netlink-wire';
import { type IpAddress, type IpFamily, parseAddress } from '../annotations/prefix.ts';
import type { SchedulerFlag } from '../annotations/service.ts';
import type { EndpointSlice, Service, ServicePort } from '../cluster/model.ts';
import type { Problem } from '../problem.ts';
import type { AddressCheck } from '../service/address-ranges.ts';
import { describeAnnotations, readServiceFacts, type ServiceFacts } from '../service/service-facts.ts';
import {
  type Candidate,
  chooseEndpoints,
  collectEndpoints,
  type EndpointChoice,
  type EndpointNode,
  type Unusable,
} from './endpoints.ts';
import { type EntryKind, entryKey, type HealthCheck, type ServicePlan, type VirtualService } from './model.ts';

/** This node to the planner. */
export interface ProxyNode extends EndpointNode {
  readonly families: readonly IpFamily[];
  /** Where node ports are served. */
  readonly nodePortAddresses: readonly IpAddress[];
}

export interface PlanSettings {
  readonly check: AddressCheck;
  readonly hairpinMode: boolean;
  /** Bad annotations are named here; another module that reads the same ones does it otherwise. */
  readonly namesAnnotations: boolean;
}

/** The API's default of sessionAffinityConfig.clientIP.timeoutSeconds. */
const AFFINITY_SECONDS = 10_800;

const schedulerFlagBits: Readonly<Record<SchedulerFlag, number>> = {
  'flag-1': IP_VS_SVC_F_SCHED1,
  'flag-2': IP_VS_SVC_F_SCHED2,
  'flag-3': IP_VS_SVC_F_SCHED3,
};

export function planService(
  service: Service,
  slices: readonly EndpointSlice[],
  node: ProxyNode,
  settings: PlanSettings,
): ServicePlan {
  const facts = readServiceFacts(service, settings.check);
  const created = service.metadata.creationTimestamp ?? '';
  if (facts.passedOver !== undefined) return { service: facts.key, created, virtualServices: [], problems: [] };
  const unusable: Unusable = new Set();
  const virtualServices = new Map<string, VirtualService>();
  const affinity = service.spec.sessionAffinity === 'ClientIP';
  const flags = facts.settings.schedulerFlags.reduce((bits, flag) => bits | schedulerFlagBits[flag], 0);
  const shared = {
    service: facts.key,
    scheduler: facts.settings.scheduler,
    flags: flags | (affinity ? IP_VS_SVC_F_PERSISTENT : 0),
    timeoutSeconds: affinity ? (service.spec.sessionAffinityTimeoutSeconds ?? AFFINITY_SECONDS) : 0,
  };
  const readyHere = new Set<string>();
  for (const port of service.spec.ports) {
    const candidates = collectEndpoints(slices, port, node, unusable);
    for (const one of [...candidates[4], ...candidates[6]])
      if (one.ready && one.local) readyHere.add(endpointName(one));
    const choices = { 4: chooseEndpoints(candidates[4], node), 6: chooseEndpoints(candidates[6], node) };
    for (const entry of entriesOf(service, facts, port, node)) {
      const backends = backendsOf(entry.kind, facts, choices[entry.address.family]);
      if (backends === undefined) continue;
      const ranges = entry.kind === 'load-balancer-ip' ? service.spec.loadBalancerSourceRanges : [];
      const virtual: VirtualService = {
        ...shared,
        ...entry,
        protocol: port.protocol,
        backends,
        hairpin: isHairpin(entry.kind, facts, settings),
        ...(ranges.length > 0 && { sourceRanges: ranges }),
      };
      // An address that is given in two ways is one.
      const key = entryKey(virtual);
      if (!virtualServices.has(key)) virtualServices.set(key, virtual);
    }
  }
  const healthCheck = healthCheckOf(service, facts, readyHere.size);
  return {
    service: facts.key,
    created,
    virtualServices: [...virtualServices.values()],
    ...(healthCheck && { healthCheck }),
    problems: problemsOf(facts, unusable, node, settings),
  };
}

type Entry = Pick<VirtualService, 'kind' | 'address' | 'port'>;

function entriesOf({ spec }: Service, facts: ServiceFacts, port: ServicePort, node: ProxyNode): Entry[] {
  const own = facts.addresses
    .filter(({ refused, address }) => refused === undefined && node.families.includes(address.family))
    .map(({ kind, address }): Entry => ({ kind, address, port: port.port }));
  const { nodePort } = port;
  if (nodePort === undefined || spec.type === 'ClusterIP') return own;
  const families = new Set(spec.clusterIPs.map((text) => parseAddress(text)?.family));
  const onNode = node.nodePortAddresses.filter(({ family }) => families.has(family) && node.families.includes(family));
  return [...own, ...onNode.map((address): Entry => ({ kind: 'node-port', address, port: nodePort }))];
}

/** Undefined: the place is not served by this node. */
function backendsOf(kind: EntryKind, facts: ServiceFacts, choice: EndpointChoice) {
  // A cluster IP without an endpoint refuses clients, also when that is so on this node alone ("as if it had none").
  if (kind === 'cluster-ip') return facts.internalLocal ? choice.local : choice.cluster;
  if (!facts.externalLocal) return choice.cluster;
  // V-13: what comes from outside is left to the nodes that have an endpoint.
  return choice.local.length > 0 ? choice.local : undefined;
}

function isHairpin(kind: EntryKind, { settings }: ServiceFacts, { hairpinMode }: PlanSettings): boolean {
  const hairpin = hairpinMode || settings.hairpin;
  return kind === 'external-ip' || kind === 'load-balancer-ip' ? hairpin && settings.hairpinExternalIps : hairpin;
}

/** One endpoint, whatever its ports: by its pod, where it has one. */
function endpointName({ pod, address }: Candidate): string {
  return pod ?? address.text;
}

function healthCheckOf({ spec }: Service, facts: ServiceFacts, localEndpoints: number): HealthCheck | undefined {
  const { healthCheckNodePort: port } = spec;
  if (port === undefined || spec.type !== 'LoadBalancer' || !facts.externalLocal) return undefined;
  return { service: facts.key, port, localEndpoints };
}

function problemsOf(facts: ServiceFacts, unusable: Unusable, node: ProxyNode, settings: PlanSettings): Problem[] {
  const { key } = facts;
  const refused = facts.addresses.flatMap(({ kind, address, refused }): Problem[] => {
    if (refused === undefined || !node.families.includes(address.family)) return [];
    const name = `${describeKind(kind)} ${address.text}`;
    const text = `service ${key}: ${name} is not served: expected ${refused}`;
    return [{ code: 'vip-refused', subject: `${key} ${name}`, text }];
  });
  const endpoints = [...unusable].map(
    (text): Problem => ({
      code: 'endpoint',
      subject: `${key} ${text}`,
      text: `service ${key}: ${text}: it is left out`,
    }),
  );
  const annotations = (settings.namesAnnotations ? describeAnnotations(facts) : []).map(
    (text): Problem => ({ code: 'annotation', subject: text, text }),
  );
  const dsr: Problem[] = facts.settings.dsr
    ? [
        {
          code: 'annotation',
          subject: `${key} dsr`,
          text: `service ${key}: direct server return is not built yet: its addresses are served by masquerading`,
          level: 'warn',
        },
      ]
    : [];
  return [...annotations, ...dsr, ...refused, ...endpoints];
}

export function describeKind(kind: EntryKind): string {
  return {
    'cluster-ip': 'cluster IP',
    'external-ip': 'external IP',
    'load-balancer-ip': 'load balancer IP',
    'node-port': 'node port on',
  }[kind];
}
