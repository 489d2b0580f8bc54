/**
 * The addresses of Services that this node serves now, told by who serves them to who announces them. While nobody has
 * said anything every address counts as served: another program does it, or the kernel goes on from an earlier life.
 */
export type ServedListener = (changed: readonly string[]) => void;

export class ServedAddresses {
  #served: ReadonlySet<string> | undefined;
  readonly #listeners = new Set<ServedListener>();

  has(address: string): boolean {
    return this.#served?.has(address) ?? true;
  }

  /** All that is served from now on, as canonical texts. */
  set(served: ReadonlySet<string>): void {
    const before = this.#served;
    this.#served = served;
    // Before the first word all counted as served, whatever there was: each listener looks at what it has.
    const changed = before === undefined ? undefined : [...served.symmetricDifference(before)];
    if (changed?.length === 0) return;
    for (const listener of this.#listeners) listener(changed ?? []);
  }

  /** `changed` empty: all may have. Returns the way to stop. */
  subscribe(listener: ServedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
