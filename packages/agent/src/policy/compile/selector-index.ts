/**
 * Which pods each selector selects, kept up with every change. A changed pod is held against the selectors that could
 * select it, found by its namespace and labels, never against all; equal selectors are kept once.
 */
import type { PodKey } from './model.ts';
import { type PodFacts, samePodFacts } from './pod-facts.ts';
import { labelText, type Selector } from './selector.ts';

/** Pods of one namespace, or of those that a selector selects. */
export type Scope = { readonly namespace: string } | { readonly namespaces: Selector };

/** Is told of each pod that comes under a selector or leaves it, with what was said of it when it came. */
export interface Follower {
  joined(pod: PodFacts): void;
  left(pod: PodFacts): void;
}

interface Entry {
  readonly scope: Scope;
  readonly selector: Selector;
  readonly members: Map<PodKey, PodFacts>;
  readonly followers: Set<Follower>;
}

type Labels = Readonly<Record<string, string>>;

/** Of selectors that ask for no single label. */
const ANY_LABEL = '';
/** For those that are not bound to one namespace. */
const ANY_NAMESPACE = '';

export class SelectorIndex {
  readonly #pods = new Map<PodKey, PodFacts>();
  readonly #namespaces = new Map<string, Labels>();
  readonly #podsOf = new Map<string, Map<PodKey, PodFacts>>();
  readonly #entries = new Map<string, Entry>();
  /** By namespace, then by the label they need. */
  readonly #index = new Map<string, Map<string, Set<Entry>>>();

  pod(key: PodKey): PodFacts | undefined {
    return this.#pods.get(key);
  }

  /** Tells the follower of all that is selected, at once and from now on. Returns the way to stop, which tells it of nothing. */
  follow(scope: Scope, selector: Selector, follower: Follower): () => void {
    const text = textOf(scope, selector);
    const entry =
      this.#entries.get(text) ?? this.#add(text, { scope, selector, members: new Map(), followers: new Set() });
    entry.followers.add(follower);
    for (const pod of entry.members.values()) follower.joined(pod);
    return () => {
      entry.followers.delete(follower);
      if (entry.followers.size === 0) this.#drop(text, entry);
    };
  }

  setPod(pod: PodFacts): void {
    const old = this.#pods.get(pod.key);
    if (old !== undefined && samePodFacts(old, pod)) return;
    const touched = new Set([...this.#candidates(pod), ...(old === undefined ? [] : this.#candidates(old))]);
    this.#pods.set(pod.key, pod);
    const siblings = this.#podsOf.get(pod.namespace) ?? new Map<PodKey, PodFacts>();
    this.#podsOf.set(pod.namespace, siblings.set(pod.key, pod));
    for (const entry of touched) this.#place(entry, pod.key, this.#selects(entry, pod) ? pod : undefined);
  }

  deletePod(key: PodKey): void {
    const old = this.#pods.get(key);
    if (old === undefined) return;
    this.#pods.delete(key);
    const siblings = this.#podsOf.get(old.namespace);
    siblings?.delete(key);
    if (siblings?.size === 0) this.#podsOf.delete(old.namespace);
    for (const entry of this.#candidates(old)) this.#place(entry, key, undefined);
  }

  /** `labels` undefined: the namespace is not known, which is as if it had none but its name. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    const pods = [...(this.#podsOf.get(name)?.values() ?? [])];
    for (const entries of this.#index.get(ANY_NAMESPACE)?.values() ?? []) {
      for (const entry of entries) {
        for (const pod of pods) this.#place(entry, pod.key, this.#selects(entry, pod) ? pod : undefined);
      }
    }
  }

  #add(text: string, entry: Entry): Entry {
    this.#entries.set(text, entry);
    const namespace = 'namespace' in entry.scope ? entry.scope.namespace : ANY_NAMESPACE;
    const byLabel = this.#index.get(namespace) ?? new Map<string, Set<Entry>>();
    this.#index.set(namespace, byLabel);
    const label = entry.selector.required ?? ANY_LABEL;
    byLabel.set(label, (byLabel.get(label) ?? new Set()).add(entry));
    const pods =
      namespace === ANY_NAMESPACE ? this.#pods : (this.#podsOf.get(namespace) ?? new Map<PodKey, PodFacts>());
    for (const pod of pods.values()) if (this.#selects(entry, pod)) entry.members.set(pod.key, pod);
    return entry;
  }

  #drop(text: string, entry: Entry): void {
    this.#entries.delete(text);
    const namespace = 'namespace' in entry.scope ? entry.scope.namespace : ANY_NAMESPACE;
    const byLabel = this.#index.get(namespace);
    const label = entry.selector.required ?? ANY_LABEL;
    const entries = byLabel?.get(label);
    entries?.delete(entry);
    if (entries?.size === 0) byLabel?.delete(label);
    if (byLabel?.size === 0) this.#index.delete(namespace);
  }

  /** Selectors that could select the pod, by its namespace and labels. */
  *#candidates({ namespace, labels }: PodFacts): Generator<Entry> {
    for (const byLabel of [this.#index.get(namespace), this.#index.get(ANY_NAMESPACE)]) {
      if (byLabel === undefined) continue;
      yield* byLabel.get(ANY_LABEL) ?? [];
      for (const [key, value] of Object.entries(labels)) yield* byLabel.get(labelText(key, value)) ?? [];
    }
  }

  #selects({ scope, selector }: Entry, { namespace, labels }: PodFacts): boolean {
    const inScope =
      'namespace' in scope ? scope.namespace === namespace : scope.namespaces.matches(this.#labelsOf(namespace));
    return inScope && selector.matches(labels);
  }

  /** The API puts its name on each namespace as a label. */
  #labelsOf(namespace: string): Labels {
    return { 'kubernetes.io/metadata.name': namespace, ...this.#namespaces.get(namespace) };
  }

  /** Makes `pod` the member under `key`, or none. */
  #place({ members, followers }: Entry, key: PodKey, pod: PodFacts | undefined): void {
    const old = members.get(key);
    if (old === pod) return;
    if (pod === undefined) members.delete(key);
    else members.set(key, pod);
    for (const follower of followers) {
      if (old !== undefined) follower.left(old);
      if (pod !== undefined) follower.joined(pod);
    }
  }
}

function textOf(scope: Scope, selector: Selector): string {
  const where = 'namespace' in scope ? `namespace ${scope.namespace}` : `namespaces ${scope.namespaces.text}`;
  return `${where}; pods ${selector.text}`;
}
