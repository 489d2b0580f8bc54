import * as z from 'zod';
import type { Namespace } from './model.ts';
import { readWith, texts } from './object.ts';

/** Reads a Namespace of the core/v1 API. Fields that routelet does not read are dropped. */

const schema = z.object({ metadata: z.object({ name: z.string().min(1), labels: texts }) });

/** A Namespace, or the first thing that is wrong with it with its path. */
export function readNamespace(raw: unknown): Namespace | { readonly problem: string } {
  const result = readWith(schema, raw);
  if ('problem' in result) return result;
  const { name, labels } = result.data.metadata;
  return { kind: 'Namespace', metadata: { name, labels, annotations: {} } };
}
