import type { Kind, KindMap } from '../model.ts';
import { type ManifestObject, type ManifestProblem, parseManifest } from './document.ts';

/** A thing to tell the user about one file. */
export interface FileProblem extends ManifestProblem {
  readonly file: string;
}

/**
 * What is known of each file of a folder. Objects that were once read well from a file outlast a fault in it: a broken
 * file keeps all of its objects, a bad object keeps the one that was there before.
 */
export class Catalogue {
  readonly #kinds: ReadonlySet<Kind>;
  readonly #files = new Map<string, { readonly text: string; readonly objects: readonly ManifestObject[] }>();

  constructor(kinds: Iterable<Kind>) {
    this.#kinds = new Set(kinds);
  }

  /** Names of the files that were there the last time. */
  files(): IterableIterator<string> {
    return this.#files.keys();
  }

  /**
   * Takes the texts of all files that are there (by name), `unreadable` those that are there and cannot be read. Returns
   * what is newly wrong, and whether any file differs from the last time.
   */
  update(
    texts: ReadonlyMap<string, string>,
    unreadable: ReadonlySet<string> = new Set(),
  ): { readonly problems: readonly FileProblem[]; readonly changed: boolean } {
    const problems: FileProblem[] = [];
    let changed = false;
    for (const file of [...this.#files.keys()]) {
      if (texts.has(file) || unreadable.has(file)) continue;
      this.#files.delete(file);
      changed = true;
    }
    for (const [file, text] of texts) {
      const before = this.#files.get(file);
      if (before?.text === text) continue;
      changed = true;
      const manifest = parseManifest(text, this.#kinds);
      if (manifest.kind === 'broken') {
        problems.push({ file, line: manifest.line, text: `expected YAML: ${manifest.text}` });
        this.#files.set(file, { text, objects: before?.objects ?? [] });
        continue;
      }
      const bad = new Set(manifest.problems.map(({ key }) => key));
      const kept = before?.objects.filter(({ key }) => bad.has(key)) ?? [];
      problems.push(...manifest.problems.map((problem) => ({ file, ...problem })));
      this.#files.set(file, { text, objects: [...manifest.objects, ...kept] });
    }
    if (!changed) return { problems, changed };
    return { problems: [...problems, ...this.#merge().problems], changed };
  }

  /** The objects of all files, one a name: of duplicates the first one, in the order of file names and lines, is taken. */
  objects(): readonly KindMap[Kind][] {
    return this.#merge().objects;
  }

  #merge(): { readonly objects: readonly KindMap[Kind][]; readonly problems: readonly FileProblem[] } {
    const taken = new Map<string, { readonly file: string; readonly found: ManifestObject }>();
    const problems: FileProblem[] = [];
    for (const file of [...this.#files.keys()].sort()) {
      for (const found of this.#files.get(file)?.objects ?? []) {
        const first = taken.get(found.key);
        if (first === undefined) {
          taken.set(found.key, { file, found });
          continue;
        }
        const text = `${found.key.replace(/ \/?/, ' ')} is already given in ${first.file} line ${first.found.line}, which stays`;
        problems.push({ file, line: found.line, text, key: found.key });
      }
    }
    return { objects: [...taken.values()].map(({ found }) => found.object), problems };
  }
}
