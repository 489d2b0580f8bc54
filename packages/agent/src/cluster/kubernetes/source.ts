import type { ClusterSource, Kind } from '../model.ts';
import { Reflector, type ReflectorPorts } from './reflector.ts';

/** Fills a store from an API server, one list and watch a kind: the ones asked for, so that no right is needed for others. */
export class KubernetesSource implements ClusterSource {
  readonly name = 'kubernetes';
  readonly #kinds: readonly Kind[];
  readonly #ports: ReflectorPorts;
  readonly #ended = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(kinds: readonly Kind[], ports: ReflectorPorts) {
    this.#kinds = kinds;
    this.#ports = ports;
  }

  /**
   * Resolves when every kind was listed once, or `signal` aborts. An API server that does not answer is asked for ever;
   * it never rejects.
   */
  async start(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#ended.signal]);
    const synced: Promise<void>[] = [];
    const runs = this.#kinds.map((kind) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      synced.push(promise);
      return new Reflector(kind, this.#ports).run(ended, resolve).then(resolve);
    });
    // Nobody catches this one: a fault in a reflector must end the process, not leave it with a cache that stands still.
    this.#running = Promise.all(runs);
    await Promise.all(synced);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }
}
