import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../log.ts';
import type { ClusterSource, Kind } from '../model.ts';
import type { ClusterStore } from '../store.ts';
import { Catalogue } from './catalogue.ts';

/** Quiet time after the last change of the folder before it is read: an editor or a copy is done by then. */
const QUIET_MS = 100;
/** A folder that is never quiet is read this long after its first change. */
const LONGEST_QUIET_MS = 500;
/** Changes that the folder's watch does not see (files behind symbolic links) are found this late. */
const POLL_MS = 5000;

/** The folder cannot be read at start. */
export class ManifestsFolderError extends Error {
  readonly code = 'manifests-folder';

  constructor(folder: string, cause: unknown) {
    super(`--manifests: "${folder}" is no readable folder: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
    this.name = 'ManifestsFolderError';
  }
}

/**
 * Fills a store from the YAML and JSON files of a folder and follows their changes. Renames and the symbolic links of a
 * mounted ConfigMap are followed. A folder that goes away changes nothing.
 */
export class ManifestsSource implements ClusterSource {
  readonly name = 'manifests';
  readonly #folder: string;
  readonly #kinds: readonly Kind[];
  readonly #store: ClusterStore;
  readonly #log: Log;
  readonly #catalogue: Catalogue;
  #watcher: FSWatcher | undefined;
  #watched = '';
  #quiet: NodeJS.Timeout | undefined;
  /** Of the first change since the folder was read. */
  #changedMs: number | undefined;
  #poll: NodeJS.Timeout | undefined;
  #scan: Promise<void> = Promise.resolve();

  /** Objects of other kinds than `kinds` are passed over. */
  constructor(folder: string, kinds: readonly Kind[], store: ClusterStore, log: Log) {
    this.#folder = folder;
    this.#kinds = kinds;
    this.#catalogue = new Catalogue(kinds);
    this.#store = store;
    this.#log = log;
  }

  /** Resolves when the folder was read once; rejects with `ManifestsFolderError` when it cannot be. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      throw new ManifestsFolderError(this.#folder, error);
    }
    if (signal.aborted) return;
    this.#poll = setInterval(() => this.#rescan(), POLL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    await this.#scan;
    this.#watcher?.close();
    clearTimeout(this.#quiet);
  }

  #rescan(): void {
    this.#scan = this.#scan.then(() =>
      this.#read().catch((error: unknown) => {
        // Faults of our own are not the folder's.
        if (!(error instanceof Error && 'syscall' in error)) throw error;
        this.#log.error('folder of manifests cannot be read; its objects stay as they are', {
          folder: this.#folder,
          error,
        });
      }),
    );
  }

  async #read(): Promise<void> {
    await this.#watch();
    const listed = (await readdir(this.#folder)).filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name));
    // A listing beside a rename may have neither the old nor the new entry (readdir(3p)): only opening tells that a file is gone.
    const names = [...new Set([...listed, ...this.#catalogue.files()])].sort();
    const texts = new Map<string, string>();
    const unreadable = new Set<string>();
    for (const name of names) {
      try {
        texts.set(name, await readFile(join(this.#folder, name), 'utf8'));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue;
        unreadable.add(name);
        this.#log.error('manifest cannot be read; its objects stay as they are', { file: name, error });
      }
    }
    const { problems, changed } = this.#catalogue.update(texts, unreadable);
    for (const { file, line, text } of problems) this.#log.error(`${file} line ${line}: ${text}`, { file, line });
    if (!changed) return;
    const objects = this.#catalogue.objects();
    for (const kind of this.#kinds) {
      this.#store.replaceAll(
        kind,
        objects.filter((object) => object.kind === kind),
      );
    }
  }

  /** Watches the folder that bears the name now; another one may have been renamed into its place. */
  async #watch(): Promise<void> {
    const { dev, ino } = await stat(this.#folder);
    const identity = `${dev}:${ino}`;
    if (this.#watcher !== undefined && this.#watched === identity) return;
    this.#watcher?.close();
    this.#watched = identity;
    this.#watcher = watch(this.#folder, () => {
      const nowMs = performance.now();
      this.#changedMs ??= nowMs;
      clearTimeout(this.#quiet);
      this.#quiet = setTimeout(
        () => {
          this.#changedMs = undefined;
          this.#rescan();
        },
        Math.max(0, Math.min(QUIET_MS, this.#changedMs + LONGEST_QUIET_MS - nowMs)),
      );
    });
    this.#watcher.on('error', (error) => {
      this.#log.warn('watch of the manifests folder failed; looking every few seconds', { error });
      this.#watcher?.close();
      this.#watcher = undefined;
    });
  }
}
