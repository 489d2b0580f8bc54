/** The state file on disk. A reader never sees half a file: it is written beside and renamed. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { decodeState, encodeState, type FibState } from '../fib/state.ts';

export class StateFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is no file; throws when it cannot be read or is broken. */
  async read(): Promise<FibState | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    return decodeState(text);
  }

  /** Not synced to the disk: what a power cut takes from the file it takes from the kernel too. */
  async write(state: FibState): Promise<void> {
    const beside = `${this.#path}.new`;
    await writeFile(beside, encodeState(state), { mode: 0o644 });
    await rename(beside, this.#path);
  }
}
