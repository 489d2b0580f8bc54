/**
 * The elements of all sets, each counted as often as something puts it there: two peers of a rule may select one pod. Keeps
 * what came and went since it was last asked.
 */
import { type SetChange, type SetId, setKey } from './model.ts';

interface Change extends SetChange {
  readonly added: Set<string>;
  readonly removed: Set<string>;
}

export class AddressSets {
  readonly #sets = new Map<string, Map<string, number>>();
  #changes = new Map<string, Change>();

  add(id: SetId, element: string): void {
    const key = setKey(id);
    const elements = this.#sets.get(key) ?? new Map<string, number>();
    this.#sets.set(key, elements);
    const count = elements.get(element) ?? 0;
    elements.set(element, count + 1);
    if (count === 0) this.#note(key, id, element, 'added', 'removed');
  }

  remove(id: SetId, element: string): void {
    const key = setKey(id);
    const elements = this.#sets.get(key);
    const count = elements?.get(element);
    if (elements === undefined || count === undefined) return;
    if (count > 1) {
      elements.set(element, count - 1);
      return;
    }
    elements.delete(element);
    if (elements.size === 0) this.#sets.delete(key);
    this.#note(key, id, element, 'removed', 'added');
  }

  elements(id: SetId): readonly string[] {
    return [...(this.#sets.get(setKey(id))?.keys() ?? [])];
  }

  takeChanges(): ReadonlyMap<string, SetChange> {
    const changes = this.#changes;
    this.#changes = new Map();
    for (const [key, { added, removed }] of changes) if (added.size + removed.size === 0) changes.delete(key);
    return changes;
  }

  #note(key: string, id: SetId, element: string, now: 'added' | 'removed', before: 'added' | 'removed'): void {
    const change = this.#changes.get(key) ?? { id, added: new Set<string>(), removed: new Set<string>() };
    this.#changes.set(key, change);
    if (!change[before].delete(element)) change[now].add(element);
  }
}
