import { isDeepStrictEqual } from 'node:util';
import { type KindRow, kindNames, kinds } from './kinds.ts';
import type { ClusterChange, ClusterView, Kind, KindMap } from './model.ts';

type KindObject = KindMap[Kind];

/** Objects of one kind by name, and those of each key of its index by name. */
interface Table<T> {
  readonly objects: Map<string, T>;
  readonly index: Map<string, Map<string, T>>;
}

const keyOf = (name: string, namespace = '') => `${namespace}/${name}`;
const keyOfObject = (object: KindObject) => keyOf(object.metadata.name, object.metadata.namespace);

/**
 * The objects of the cluster by kind and name. Sources write, everybody else reads and is told of what changed, once a
 * turn of the event loop. Writing what is already there changes nothing and tells nobody.
 */
export class ClusterStore implements ClusterView {
  readonly #tables = Object.fromEntries(
    kindNames.map((kind) => [kind, { objects: new Map(), index: new Map() }]),
  ) as unknown as { readonly [K in Kind]: Table<KindMap[K]> };
  readonly #listeners = new Set<(changes: readonly ClusterChange[]) => void>();
  #pending: ClusterChange[] = [];

  get<K extends Kind>(kind: K, name: string, namespace?: string): KindMap[K] | undefined {
    return this.#tables[kind].objects.get(keyOf(name, namespace));
  }

  list<K extends Kind>(kind: K): readonly KindMap[K][] {
    return [...this.#tables[kind].objects.values()];
  }

  listBy<K extends Kind>(kind: K, key: string): readonly KindMap[K][] {
    return [...(this.#tables[kind].index.get(key)?.values() ?? [])];
  }

  subscribe(listener: (changes: readonly ClusterChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds an object or puts it in the place of the one with its name. Frozen from here on. */
  set(object: KindObject): void {
    const { kind } = object;
    const old = this.#put(kind, keyOfObject(object), object);
    if (old === object) return;
    this.#changed(
      (old === undefined ? { type: 'added', kind, object } : { type: 'modified', kind, object, old }) as ClusterChange,
    );
  }

  delete(kind: Kind, name: string, namespace?: string): void {
    const object = this.#take(kind, keyOf(name, namespace));
    if (object !== undefined) this.#changed({ type: 'deleted', kind, object } as ClusterChange);
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

  /** Returns what stood there; the object itself when that says the same. */
  #put<K extends Kind>(kind: K, key: string, object: KindMap[K]): KindMap[K] | undefined {
    const { objects } = this.#tables[kind];
    const old = objects.get(key);
    if (old !== undefined && sameContent(old, object)) return object;
    objects.set(key, freeze(object));
    this.#reindex(kind, key, old, object);
    return old;
  }

  #take<K extends Kind>(kind: K, key: string): KindMap[K] | undefined {
    const { objects } = this.#tables[kind];
    const object = objects.get(key);
    objects.delete(key);
    this.#reindex(kind, key, object, undefined);
    return object;
  }

  #reindex<K extends Kind>(kind: K, key: string, old: KindMap[K] | undefined, object: KindMap[K] | undefined): void {
    const row: KindRow<K> = kinds[kind];
    const { index } = this.#tables[kind];
    const [from, to] = [old && row.index?.(old), object && row.index?.(object)];
    if (from !== undefined && from !== to) {
      const left = index.get(from);
      left?.delete(key);
      if (left?.size === 0) index.delete(from);
    }
    if (object === undefined || to === undefined) return;
    const under = index.get(to) ?? new Map<string, KindMap[K]>();
    index.set(to, under.set(key, object));
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
