import * as z from 'zod';
import { isAddress } from '../options/value.ts';
import type { Node } from './model.ts';
import { cidr, optional, readWith, texts } from './object.ts';

/** Reads a Node of the core/v1 API. Fields that routelet does not read are dropped. */

const address = z
  .object({ type: z.string(), address: z.string() })
  .refine(({ type, address }) => !['InternalIP', 'ExternalIP'].includes(type) || isAddress(address), {
    path: ['address'],
    error: ({ input }) => `${JSON.stringify((input as { address?: unknown }).address)} is no IP address`,
  });

const schema = z.object({
  metadata: z.object({
    name: z.string().min(1),
    uid: optional(z.string()),
    resourceVersion: optional(z.string()),
    labels: texts,
    annotations: texts,
  }),
  spec: optional(
    z.object({
      podCIDR: optional(cidr.or(z.literal(''))),
      podCIDRs: optional(z.array(cidr)),
      providerID: optional(z.string()),
      unschedulable: optional(z.boolean()),
    }),
  ),
  status: optional(z.object({ addresses: optional(z.array(address)) })),
});

/** A Node, or the first thing that is wrong with it with its path. */
export function readNode(raw: unknown): Node | { readonly problem: string } {
  const result = readWith(schema, raw);
  if ('problem' in result) return result;
  const { metadata, spec, status } = result.data;
  return {
    kind: 'Node',
    metadata: {
      name: metadata.name,
      ...(metadata.uid !== undefined && { uid: metadata.uid }),
      ...(metadata.resourceVersion !== undefined && { resourceVersion: metadata.resourceVersion }),
      labels: metadata.labels,
      annotations: metadata.annotations,
    },
    spec: {
      ...(spec?.podCIDR && { podCIDR: spec.podCIDR }),
      podCIDRs: spec?.podCIDRs ?? [],
      ...(spec?.providerID !== undefined && { providerID: spec.providerID }),
      ...(spec?.unschedulable !== undefined && { unschedulable: spec.unschedulable }),
    },
    status: { addresses: status?.addresses ?? [] },
  };
}
