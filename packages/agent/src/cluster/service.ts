import * as z from 'zod';
import { isAddress } from '../options/value.ts';
import type { Service } from './model.ts';
import {
  address,
  addressOrNothing,
  cidr,
  given,
  list,
  namespacedMetadata,
  only,
  optional,
  port,
  portOrName,
  protocol,
  readWith,
} from './object.ts';

/** Reads a Service of the core/v1 API. Fields that routelet does not read are dropped. */

/** A headless Service says so in the place of an address; one that is being made has none yet. */
const clusterIp = z.string().refine((text) => text === '' || text === 'None' || isAddress(text), {
  error: ({ input }) => `"${input}" is no IP address, expected one, "None" or nothing`,
});

const trafficPolicy = z
  .enum(['Cluster', 'Local'])
  .nullish()
  .transform((value) => value ?? 'Cluster');

const servicePort = z.object({
  name: optional(z.string()),
  protocol,
  port,
  targetPort: optional(portOrName.or(z.literal(0)).or(z.literal(''))),
  nodePort: optional(port.or(z.literal(0))),
});

const schema = z.object({
  metadata: namespacedMetadata.extend({ creationTimestamp: optional(z.string()) }),
  spec: z.object({
    type: z
      .enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'])
      .nullish()
      .transform((value) => value ?? 'ClusterIP'),
    clusterIP: optional(clusterIp),
    clusterIPs: list(clusterIp),
    ipFamilies: list(z.enum(['IPv4', 'IPv6'])),
    ipFamilyPolicy: optional(z.enum(['SingleStack', 'PreferDualStack', 'RequireDualStack'])),
    ports: list(servicePort),
    externalIPs: list(address),
    externalTrafficPolicy: trafficPolicy.or(z.literal('').transform(() => 'Cluster' as const)),
    internalTrafficPolicy: trafficPolicy,
    trafficDistribution: optional(z.string()),
    sessionAffinity: z
      .enum(['None', 'ClientIP'])
      .nullish()
      .transform((value) => value ?? 'None'),
    sessionAffinityConfig: optional(
      z.object({ clientIP: optional(z.object({ timeoutSeconds: optional(z.int().min(1)) })) }),
    ),
    healthCheckNodePort: optional(port.or(z.literal(0))),
    loadBalancerClass: optional(z.string()),
    loadBalancerIP: optional(z.string()),
    loadBalancerSourceRanges: list(z.string().trim().pipe(cidr)),
    allocateLoadBalancerNodePorts: optional(z.boolean()),
  }),
  status: optional(
    z.object({
      loadBalancer: optional(
        z.object({
          ingress: list(
            z.object({
              ip: optional(addressOrNothing),
              hostname: optional(z.string()),
              ipMode: z
                .enum(['VIP', 'Proxy'])
                .nullish()
                .transform((value) => value ?? 'VIP'),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** A Service, or the first thing that is wrong with it with its path. */
export function readService(raw: unknown): Service | { readonly problem: string } {
  const result = readWith(schema, raw);
  if ('problem' in result) return result;
  const { metadata, spec, status } = result.data;
  const clusterIps = spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP ?? ''];
  return {
    kind: 'Service',
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      labels: only(metadata.labels, 'service.kubernetes.io/'),
      annotations: only(metadata.annotations, 'kube-router.io/'),
      ...given({ creationTimestamp: metadata.creationTimestamp }),
    },
    spec: {
      type: spec.type,
      clusterIPs: clusterIps.filter((text) => text !== '' && text !== 'None'),
      ipFamilies: spec.ipFamilies,
      ports: spec.ports.map(({ name = '', nodePort, targetPort, ...rest }) => ({
        ...rest,
        name,
        targetPort: targetPort || rest.port,
        ...(nodePort ? { nodePort } : {}),
      })),
      externalIPs: spec.externalIPs,
      externalTrafficPolicy: spec.externalTrafficPolicy,
      internalTrafficPolicy: spec.internalTrafficPolicy,
      sessionAffinity: spec.sessionAffinity,
      loadBalancerSourceRanges: spec.loadBalancerSourceRanges,
      allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? true,
      ...given({
        ipFamilyPolicy: spec.ipFamilyPolicy,
        trafficDistribution: spec.trafficDistribution,
        sessionAffinityTimeoutSeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds,
        healthCheckNodePort: spec.healthCheckNodePort || undefined,
        loadBalancerClass: spec.loadBalancerClass,
        loadBalancerIP: spec.loadBalancerIP || undefined,
      }),
    },
    status: {
      loadBalancer: {
        ingress: (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname, ipMode }) => ({
          ipMode,
          ...given({ ip: ip || undefined, hostname: hostname || undefined }),
        })),
      },
    },
  };
}
