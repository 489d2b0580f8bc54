import { isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { isKind, kinds } from '../kinds.ts';
import type { Kind, KindMap } from '../model.ts';
import { DEFAULT_NAMESPACE } from '../object.ts';
import { storeKey } from '../store.ts';

/**
 * Reads the text of one manifest: YAML or JSON, several documents, lists. Kinds that nobody asked for are
 * passed over. Pure; what to do about a problem is the source's affair.
 */

export interface ManifestObject {
  readonly key: string;
  readonly object: KindMap[Kind];
  readonly line: number;
}

/** One object that is not taken. `key` names the object where it can be named. */
export interface ManifestProblem {
  readonly line: number;
  readonly text: string;
  readonly key?: string;
}

export type Manifest =
  | { readonly kind: 'broken'; readonly line: number; readonly text: string }
  | {
      readonly kind: 'read';
      readonly objects: readonly ManifestObject[];
      readonly problems: readonly ManifestProblem[];
    };

export function parseManifest(text: string, wanted: ReadonlySet<Kind>): Manifest {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const document of documents) {
    const fault = document.errors[0];
    if (fault !== undefined) return { kind: 'broken', line: lines.linePos(fault.pos[0]).line, text: fault.message };
    const lineOf = (path: readonly (string | number)[]) => {
      const node = path.length === 0 ? document.contents : document.getIn(path, true);
      const at =
        typeof node === 'object' && node !== null && 'range' in node ? (node.range as number[] | null)?.[0] : undefined;
      return at === undefined ? 1 : lines.linePos(at).line;
    };
    const empty = document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    if (empty) continue;
    let root: unknown;
    try {
      root = document.toJS();
    } catch (error) {
      return { kind: 'broken', line: lineOf([]), text: error instanceof Error ? error.message : String(error) };
    }
    const found = isList(root)
      ? root.items.map((raw, index) => ({ raw, line: lineOf(['items', index]) }))
      : [{ raw: root, line: lineOf([]) }];
    for (const { raw, line } of found) {
      const read = readObject(raw, wanted);
      if (read === undefined) continue;
      if ('problem' in read)
        problems.push({ line, text: read.problem, ...(read.key !== undefined && { key: read.key }) });
      else objects.push({ ...read, line });
    }
  }
  return { kind: 'read', objects, problems };
}

/** `kind: List`, or `NodeList` and the like as `kubectl get --raw` prints them. */
function isList(raw: unknown): raw is { readonly items: readonly unknown[] } {
  if (typeof raw !== 'object' || raw === null || !('kind' in raw) || !('items' in raw)) return false;
  return typeof raw.kind === 'string' && raw.kind.endsWith('List') && Array.isArray(raw.items);
}

type ReadObject =
  | { readonly key: string; readonly object: KindMap[Kind] }
  | { readonly problem: string; readonly key?: string };

function readObject(raw: unknown, wanted: ReadonlySet<Kind>): ReadObject | undefined {
  if (typeof raw !== 'object' || raw === null || !('kind' in raw) || typeof raw.kind !== 'string') {
    return { problem: 'expected a Kubernetes object with apiVersion, kind and metadata' };
  }
  const { kind } = raw;
  if (!isKind(kind) || !wanted.has(kind)) return undefined;
  const row = kinds[kind];
  const apiVersion = 'apiVersion' in raw ? raw.apiVersion : undefined;
  if (apiVersion !== row.apiVersion) {
    return { problem: `${kind}: apiVersion ${JSON.stringify(apiVersion)}, expected "${row.apiVersion}"` };
  }
  const object = row.read(raw);
  const key = keyOf(kind, raw);
  if ('problem' in object)
    return { problem: `${kind} ${nameOf(raw) ?? ''}: ${object.problem}`, ...(key !== undefined && { key }) };
  return { object, key: `${kind} ${storeKey(object.metadata.name, object.metadata.namespace)}` };
}

function metadataOf(raw: object): Readonly<Record<string, unknown>> {
  return 'metadata' in raw && typeof raw.metadata === 'object' && raw.metadata !== null ? { ...raw.metadata } : {};
}

function nameOf(raw: object): string | undefined {
  const { name } = metadataOf(raw) as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}

function keyOf(kind: Kind, raw: object): string | undefined {
  const name = nameOf(raw);
  const { namespace } = metadataOf(raw) as { namespace?: unknown };
  if (name === undefined) return undefined;
  if (!kinds[kind].namespaced) return `${kind} ${storeKey(name)}`;
  return `${kind} ${storeKey(name, typeof namespace === 'string' ? namespace : DEFAULT_NAMESPACE)}`;
}
