/**
 * What the readers of all kinds share: metadata, and how the API's optional fields and defaults are taken. A reader keeps
 * what some module reads and drops the rest, as a cluster has thousands of these objects; defaults are those that the API
 * server writes, so that hand-made manifests mean the same.
 */
import * as z from 'zod';
import { isAddress, isCidr } from '../options/value.ts';

/** Null and absent are the same thing to the API. */
export const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

export const list = <T extends z.ZodType>(type: T) =>
  z
    .array(type)
    .nullish()
    .transform((value) => value ?? []);

export const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

export const address = z.string().refine((text) => isAddress(text), {
  error: ({ input }) => `"${input}" is no IP address`,
});

/** Go clients of the API write an empty text for what is not there. */
export const addressOrNothing = z.string().refine((text) => text === '' || isAddress(text), {
  error: ({ input }) => `"${input}" is no IP address`,
});

export const cidr = z.string().refine(isCidr, {
  error: ({ input }) => `"${input}" is no prefix, expected one such as 10.244.1.0/24`,
});

export const port = z.int().min(1).max(65535);

export const protocol = z
  .enum(['TCP', 'UDP', 'SCTP'])
  .nullish()
  .transform((value) => value ?? 'TCP');

/** A port by number or by name. */
export const portOrName = z.union([port, z.string().min(1)]);

/** Where kubectl puts a namespaced object of a manifest that names no namespace. */
export const DEFAULT_NAMESPACE = 'default';

export const namespacedMetadata = z.object({
  name: z.string().min(1),
  namespace: z
    .string()
    .min(1)
    .nullish()
    .transform((value) => value ?? DEFAULT_NAMESPACE),
  labels: texts,
  annotations: texts,
});

/** The entries whose key starts with one of `prefixes`. */
export function only(
  entries: Readonly<Record<string, string>>,
  ...prefixes: readonly string[]
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix))),
  );
}

type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The value without the fields that are undefined. */
export function given<T extends object>(value: T): Given<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Given<T>;
}

/** The result of a schema, or the first thing that is wrong with its path. */
export function readWith<T extends z.ZodType>(
  schema: T,
  raw: unknown,
): { readonly data: z.output<T> } | { readonly problem: string } {
  const result = schema.safeParse(raw);
  if (result.success) return { data: result.data };
  const issue = result.error.issues[0];
  return { problem: `${z.core.toDotPath(issue?.path ?? [])}: ${issue?.message}` };
}
