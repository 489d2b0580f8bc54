/**
 * Which learned prefixes hang on which next hops: what a change of a node has to look at again. Prefixes that go the same
 * way share one entry, so that 100,000 of them by ten next hops are ten.
 */

interface Entry {
  readonly key: string;
  /** Next hops of all paths that were looked at, used or refused. */
  readonly nextHops: readonly string[];
  /** Addresses of the tunnels that are used. */
  readonly tunnels: readonly string[];
  readonly prefixes: Set<string>;
}

export class Ways {
  readonly #entries = new Map<string, Entry>();
  readonly #byPrefix = new Map<string, Entry>();
  /** Prefixes that use each tunnel. */
  readonly #users = new Map<string, number>();
  #tunnelChanges = 0;

  /** Grows whenever a tunnel got its first user or lost its last. */
  get tunnelChanges(): number {
    return this.#tunnelChanges;
  }

  /** Addresses of the tunnels that some prefix uses. */
  get tunnels(): IterableIterator<string> {
    return this.#users.keys();
  }

  set(prefix: string, nextHops: readonly string[], tunnels: readonly string[]): void {
    const key = `${nextHops.join(' ')}|${tunnels.join(' ')}`;
    if (this.#byPrefix.get(prefix)?.key === key) return;
    this.delete(prefix);
    const entry = this.#entries.get(key) ?? { key, nextHops, tunnels, prefixes: new Set<string>() };
    this.#entries.set(key, entry);
    entry.prefixes.add(prefix);
    this.#byPrefix.set(prefix, entry);
    for (const tunnel of entry.tunnels) {
      const users = this.#users.get(tunnel) ?? 0;
      if (users === 0) this.#tunnelChanges++;
      this.#users.set(tunnel, users + 1);
    }
  }

  delete(prefix: string): void {
    const entry = this.#byPrefix.get(prefix);
    if (!entry) return;
    this.#byPrefix.delete(prefix);
    entry.prefixes.delete(prefix);
    if (entry.prefixes.size === 0) this.#entries.delete(entry.key);
    for (const tunnel of entry.tunnels) {
      const users = (this.#users.get(tunnel) ?? 0) - 1;
      if (users > 0) {
        this.#users.set(tunnel, users);
        continue;
      }
      this.#users.delete(tunnel);
      this.#tunnelChanges++;
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#byPrefix.clear();
    this.#users.clear();
    this.#tunnelChanges++;
  }

  /** The prefixes of which a path that was looked at has one of the next hops that `touched` names. */
  through(touched: (nextHop: string) => boolean): string[] {
    const found: string[] = [];
    for (const { nextHops, prefixes } of this.#entries.values()) if (nextHops.some(touched)) found.push(...prefixes);
    return found;
  }

  /** The prefixes that use the tunnel to an address that `touched` names. */
  overTunnel(touched: (address: string) => boolean): string[] {
    const found: string[] = [];
    for (const { tunnels, prefixes } of this.#entries.values()) if (tunnels.some(touched)) found.push(...prefixes);
    return found;
  }
}
