import * as z from 'zod';
import { isAddress, isCidr } from '../options/value.ts';
import type { Node } from './model.ts';

/** Reads a Node of the core/v1 API. Fields that routelet does not read are dropped. */

const cidr = z.string().refine(isCidr, {
  error: ({ input }) => `"${input}" is no prefix, expected one such as 10.244.1.0/24`,
});

const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const address = z
  .object({ type: z.string(), address: z.string() })
  .refine(({ type, address }) => !['InternalIP', 'ExternalIP'].includes(type) || isAddress(address), {
    path: ['address'],
    error: ({ input }) => `${JSON.stringify((input as { address?: unknown }).address)} is no IP address`,
  });

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

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
  const result = schema.safeParse(raw);
  if (!result.success) {
    const issue = result.error.issues[0];
    return { problem: `${z.core.toDotPath(issue?.path ?? [])}: ${issue?.message}` };
  }
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
