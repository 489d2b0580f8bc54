import * as z from 'zod';
import type { EndpointConditions, EndpointSlice } from './model.ts';
import { address, given, list, namespacedMetadata, only, optional, port, protocol, readWith } from './object.ts';

/** Reads an EndpointSlice of the discovery.k8s.io/v1 API. Fields that routelet does not read are dropped. */

/** Label of the Service that a slice belongs to. */
const SERVICE_NAME = 'kubernetes.io/service-name';

const endpoint = z.object({
  addresses: list(z.string()),
  conditions: optional(
    z.object({ ready: optional(z.boolean()), serving: optional(z.boolean()), terminating: optional(z.boolean()) }),
  ),
  nodeName: optional(z.string()),
  zone: optional(z.string()),
  hints: optional(
    z.object({ forZones: list(z.object({ name: z.string() })), forNodes: list(z.object({ name: z.string() })) }),
  ),
  targetRef: optional(
    z.object({ kind: optional(z.string()), namespace: optional(z.string()), name: optional(z.string()) }),
  ),
});

const ports = list(z.object({ name: optional(z.string()), protocol, port: optional(port) }));

const shared = { metadata: namespacedMetadata, ports };
const schema = z.discriminatedUnion('addressType', [
  z.object({
    ...shared,
    addressType: z.enum(['IPv4', 'IPv6']),
    endpoints: list(endpoint.extend({ addresses: list(address) })),
  }),
  z.object({ ...shared, addressType: z.literal('FQDN') }),
]);

/** Every endpoint has one of these eight, thousands of times. */
const conditions: readonly EndpointConditions[] = Array.from({ length: 8 }, (_, bits) =>
  Object.freeze({ ready: (bits & 1) !== 0, serving: (bits & 2) !== 0, terminating: (bits & 4) !== 0 }),
);

/** An EndpointSlice, or the first thing that is wrong with it with its path. */
export function readEndpointSlice(raw: unknown): EndpointSlice | { readonly problem: string } {
  const result = readWith(schema, raw);
  if ('problem' in result) return result;
  const { data } = result;
  const { name, namespace, labels } = data.metadata;
  return {
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      labels: only(labels, SERVICE_NAME, 'service.kubernetes.io/'),
      annotations: {},
    },
    addressType: data.addressType,
    endpoints: data.addressType === 'FQDN' ? [] : data.endpoints.map(readEndpoint),
    ports: data.ports.map((one) => ({
      name: one.name ?? '',
      protocol: one.protocol,
      ...given({ port: one.port }),
    })),
  };
}

function readEndpoint(raw: z.output<typeof endpoint>): EndpointSlice['endpoints'][number] {
  // discovery/v1 EndpointConditions: nil `ready` is true, nil `serving` defers to `ready`.
  const ready = raw.conditions?.ready ?? true;
  const serving = raw.conditions?.serving ?? ready;
  const terminating = raw.conditions?.terminating ?? false;
  const shared = conditions[(ready ? 1 : 0) | (serving ? 2 : 0) | (terminating ? 4 : 0)];
  const { hints, targetRef } = raw;
  return {
    addresses: raw.addresses,
    conditions: shared ?? { ready, serving, terminating },
    ...given({
      nodeName: raw.nodeName,
      zone: raw.zone,
      hints: hints && {
        forZones: hints.forZones.map(({ name }) => name),
        forNodes: hints.forNodes.map(({ name }) => name),
      },
      targetRef:
        targetRef?.name === undefined
          ? undefined
          : {
              kind: targetRef.kind ?? '',
              name: targetRef.name,
              ...given({ namespace: targetRef.namespace }),
            },
    }),
  };
}

/** `namespace/name` of the Service that a slice belongs to. */
export function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels[SERVICE_NAME];
  return name === undefined ? undefined : `${metadata.namespace}/${name}`;
}
