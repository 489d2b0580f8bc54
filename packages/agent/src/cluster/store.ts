import { isDeepStrictEqual } from 'node:util';
import type { ClusterChange, ClusterView, Kind, KindMap } from './model.ts';

type KindObject = KindMap[Kind];

const keyOf = (name: string, namespace = '') => `${namespace}/${name}`;
const keyOfObject = (object: KindObject) => keyOf(object.metadata.name, object.metadata.namespace);

/**
 * The objects of the cluster by kind and name. Sources write, everybody else reads and is told of what changed, once a
 * turn of the event loop. Writing what is already there changes nothing and tells nobody.
 */
export class ClusterStore implements ClusterView {
  readonly #objects: { readonly [K in Kind]: Map<string, KindMap[K]> } = { Node: new Map() };
  readonly #listeners = new Set<(changes: readonly ClusterChange[]) => void>();
  #pending: ClusterChange[] = [];

  get<K extends Kind>(kind: K, name: string, namespace?: string): KindMap[K] | undefined {
    return this.#objects[kind].get(keyOf(name, namespace));
  }

  list<K extends Kind>(kind: K): readonly KindMap[K][] {
    return [...this.#objects[kind].values()];
  }

  subscribe(listener: (changes: readonly ClusterChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds an object or puts it in the place of the one with its name. Frozen from here on. */
  set(object: KindObject): void {
    const { kind } = object;
    const old = this.#objects[kind].get(keyOfObject(object));
    if (old !== undefined && sameContent(old, object)) return;
    this.#objects[kind].set(keyOfObject(object), freeze(object));
    this.#changed(old === undefined ? { type: 'added', kind, object } : { type: 'modified', kind, object, old });
  }

  delete(kind: Kind, name: string, namespace?: string): void {
    const object = this.#objects[kind].get(keyOf(name, namespace));
    if (object === undefined) return;
    this.#objects[kind].delete(keyOf(name, namespace));
    this.#changed({ type: 'deleted', kind, object });
  }

  /**
   * Makes the objects of a kind equal to `objects`, by their differences: never a clear. Names in `keep` stay as they are
   * (objects that are there and could not be read).
   */
  replaceAll(kind: Kind, objects: readonly KindObject[], keep: ReadonlySet<string> = new Set()): void {
    const wanted = new Set([...objects.map(keyOfObject), ...keep]);
    for (const { metadata } of this.list(kind)) {
      if (!wanted.has(keyOf(metadata.name, metadata.namespace))) this.delete(kind, metadata.name, metadata.namespace);
    }
    for (const object of objects) this.set(object);
  }

  #changed(change: ClusterChange): void {
    this.#pending.push(change);
    if (this.#pending.length > 1) return;
    queueMicrotask(() => {
      const changes = this.#pending;
      this.#pending = [];
      for (const listener of [...this.#listeners]) listener(changes);
    });
  }
}

/** Key of an object for `keep`. */
export const storeKey = keyOf;

/** A kubelet's heartbeat raises resourceVersion and nothing that is read here: no change to anybody. */
function sameContent(a: KindObject, b: KindObject): boolean {
  const { resourceVersion: _a, ...metadataOfA } = a.metadata;
  const { resourceVersion: _b, ...metadataOfB } = b.metadata;
  return isDeepStrictEqual({ ...a, metadata: metadataOfA }, { ...b, metadata: metadataOfB });
}

function freeze<T extends object>(value: T): T {
  for (const one of Object.values(value)) if (typeof one === 'object' && one !== null) freeze(one);
  return Object.freeze(value);
}
