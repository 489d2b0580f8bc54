import * as z from 'zod';
import type { Pod } from './model.ts';
import {
  address,
  addressOrNothing,
  given,
  list,
  namespacedMetadata,
  optional,
  port,
  protocol,
  readWith,
} from './object.ts';

/** Reads a Pod of the core/v1 API. Fields that routelet does not read are dropped. */

const schema = z.object({
  metadata: namespacedMetadata,
  spec: optional(
    z.object({
      nodeName: optional(z.string()),
      hostNetwork: optional(z.boolean()),
      terminationGracePeriodSeconds: optional(z.int().min(0)),
      containers: list(
        z.object({ ports: list(z.object({ name: optional(z.string()), protocol, containerPort: port })) }),
      ),
    }),
  ),
  status: optional(
    z.object({
      phase: optional(z.string()),
      hostIP: optional(addressOrNothing),
      podIP: optional(addressOrNothing),
      podIPs: list(z.object({ ip: address })),
    }),
  ),
});

/** A Pod, or the first thing that is wrong with it with its path. */
export function readPod(raw: unknown): Pod | { readonly problem: string } {
  const result = readWith(schema, raw);
  if ('problem' in result) return result;
  const { metadata, spec, status } = result.data;
  const podIps = (status?.podIPs ?? []).map(({ ip }) => ip);
  return {
    kind: 'Pod',
    metadata: { name: metadata.name, namespace: metadata.namespace, labels: metadata.labels, annotations: {} },
    spec: {
      hostNetwork: spec?.hostNetwork ?? false,
      containers: (spec?.containers ?? [])
        .filter(({ ports }) => ports.length > 0)
        .map(({ ports }) => ({ ports: ports.map(({ name = '', ...rest }) => ({ ...rest, name })) })),
      ...given({
        nodeName: spec?.nodeName || undefined,
        terminationGracePeriodSeconds: spec?.terminationGracePeriodSeconds,
      }),
    },
    status: {
      phase: status?.phase ?? 'Pending',
      podIPs: podIps.length === 0 && status?.podIP ? [status.podIP] : podIps,
      ...given({ hostIP: status?.hostIP || undefined }),
    },
  };
}
