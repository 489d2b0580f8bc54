import type { Log } from '../../log.ts';
import { kinds } from '../kinds.ts';
import type { Kind } from '../model.ts';
import { type ClusterStore, storeKey } from '../store.ts';
import { type ApiClient, errorOfEvent, type Query, type WatchEvent } from './api.ts';
import { ApiError } from './api-error.ts';
import { backoffMs } from './backoff.ts';

/** Objects a page, as client-go. */
const PAGE_SIZE = '500';
/** A watch that lasted this long ends in no hurry. */
const QUIET_WATCH_MS = 10_000;

/** What a reflector needs from its surroundings. */
export interface ReflectorPorts {
  readonly api: Pick<ApiClient, 'list' | 'watch'>;
  readonly store: ClusterStore;
  readonly log: Log;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Resolves after `ms` milliseconds, or early when `signal` aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called after each full list. */
  readonly listed: (kind: Kind) => void;
}

/**
 * Keeps one kind of the store equal to the API server: lists once, then follows the watch, resuming where it broke off.
 * A server that is gone changes nothing in the store; a list after a gap is applied by its differences.
 */
export class Reflector {
  readonly #kind: Kind;
  readonly #path: string;
  readonly #ports: ReflectorPorts;
  /** Where to resume; undefined: list first. */
  #resourceVersion: string | undefined;
  #lists = 0;
  /** The present try brought something new. */
  #progressed = false;
  #lost = false;

  constructor(kind: Kind, ports: ReflectorPorts) {
    this.#kind = kind;
    this.#path = kinds[kind].path;
    this.#ports = ports;
  }

  /** Works until `signal` aborts. Calls `synced` once, after the first full list. */
  async run(signal: AbortSignal, synced: () => void): Promise<void> {
    const { now, random, pause } = this.#ports;
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = now();
      this.#progressed = false;
      try {
        if (this.#resourceVersion === undefined) {
          await this.#list(signal);
          if (this.#lists === 1) synced();
        }
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        // Our own faults are not the server's: they must not be retried for ever.
        if (!(error instanceof ApiError)) throw error;
        this.#failed(error);
      }
      // A watch that brought something, or just came to its regular end in a quiet cluster, is resumed at once.
      if (this.#progressed || now() - startedMs >= QUIET_WATCH_MS) {
        failures = 0;
        continue;
      }
      await pause(backoffMs(failures, random()), signal);
      failures += 1;
    }
  }

  #failed(error: ApiError): void {
    const { log } = this.#ports;
    if (error.isGone) {
      log.info('resource version is too old, listing again', { kind: this.#kind });
      this.#resourceVersion = undefined;
      return;
    }
    if (error.code === 'garbage') {
      // What an unreadable line said is unknown, so the next event alone does not tell the state.
      this.#resourceVersion = undefined;
      this.#progressed = false;
    }
    this.#lost = true;
    log.warn('cluster is not readable; what is known of it stays in force', { kind: this.#kind, error });
  }

  #answered(): void {
    if (this.#lost) this.#ports.log.info('cluster is readable again', { kind: this.#kind });
    this.#lost = false;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, store, log } = this.#ports;
    const items: unknown[] = [];
    // The first list may come from the server's cache (resourceVersion 0). After a gap it must not: an older cache would
    // take back what was already seen.
    let query: Query = this.#lists === 0 ? { resourceVersion: '0' } : { limit: PAGE_SIZE };
    let page = await api.list(this.#path, query, signal);
    items.push(...page.items);
    while (page.continue !== undefined) {
      query = { limit: PAGE_SIZE, continue: page.continue };
      page = await api.list(this.#path, query, signal);
      items.push(...page.items);
    }
    const objects = [];
    const keep = new Set<string>();
    for (const raw of items) {
      const object = kinds[this.#kind].read(raw);
      if ('problem' in object) {
        const { name, namespace } = identity(raw);
        if (name !== undefined) keep.add(storeKey(name, namespace));
        log.error(`${this.#kind} ${name ?? '(without a name)'}: ${object.problem}; it stays as it was`);
      } else objects.push(object);
    }
    store.replaceAll(this.#kind, objects, keep);
    this.#resourceVersion = page.resourceVersion;
    this.#lists += 1;
    this.#ports.listed(this.#kind);
    this.#answered();
    log.debug('listed', { kind: this.#kind, objects: objects.length, resourceVersion: page.resourceVersion });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { api, random } = this.#ports;
    const query = { resourceVersion: this.#resourceVersion ?? '', allowWatchBookmarks: 'true' };
    // Spread over five minutes as client-go, so that the agents do not come back at once.
    const timeoutSeconds = Math.round(300 + 300 * random());
    for await (const events of api.watch(this.#path, query, timeoutSeconds, signal)) {
      for (const event of events) this.#apply(event);
      this.#progressed ||= events.length > 0;
      this.#answered();
    }
  }

  #apply(event: WatchEvent): void {
    const { store, log } = this.#ports;
    if (event.type === 'ERROR') throw errorOfEvent(this.#path, event);
    const { name, namespace, resourceVersion } = identity(event.object);
    if (event.type === 'DELETED' && name !== undefined) store.delete(this.#kind, name, namespace);
    if (event.type === 'ADDED' || event.type === 'MODIFIED') {
      const object = kinds[this.#kind].read(event.object);
      if ('problem' in object)
        log.error(`${this.#kind} ${name ?? '(without a name)'}: ${object.problem}; it stays as it was`);
      else store.set(object);
    }
    if (resourceVersion !== undefined) this.#resourceVersion = resourceVersion;
  }
}

/** Name and version of an object that may be of any shape. */
function identity(raw: unknown): { name?: string; namespace?: string; resourceVersion?: string } {
  if (typeof raw !== 'object' || raw === null || !('metadata' in raw)) return {};
  const { metadata } = raw;
  if (typeof metadata !== 'object' || metadata === null) return {};
  const texts = Object.entries(metadata).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts) as { name?: string; namespace?: string; resourceVersion?: string };
}
