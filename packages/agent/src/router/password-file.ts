/**
 * A password in a file that may change while the agent runs, as a mounted Secret does: read anew when its folder says that
 * something changed. While the file cannot be read, the last password that could stays.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Secret } from '../options/secret.ts';
import type { Problem } from '../problem.ts';

/** TCP_MD5SIG_MAXKEYLEN, include/uapi/linux/tcp.h. */
const MAX_BYTES = 80;

export class PasswordFile {
  readonly #path: string;
  readonly #flag: string;
  #watcher: FSWatcher | undefined;
  #last: Secret | undefined;

  /** `flag` that named the file, for what is said of it. */
  constructor(path: string, flag: string) {
    this.#path = path;
    this.#flag = flag;
  }

  /** The text of the file without line ends around it; the same object while it is the same text. */
  async read(): Promise<{ readonly password: Secret | undefined; readonly problems: readonly Problem[] }> {
    const problem = (what: string): Problem => {
      const kept = this.#last === undefined ? 'sessions wait for it' : 'the password read before stays';
      return { code: 'password-file', subject: this.#path, text: `--${this.#flag} ${this.#path}: ${what}; ${kept}` };
    };
    try {
      const text = (await readFile(this.#path, 'utf8')).trim();
      const length = Buffer.byteLength(text);
      if (length === 0 || length > MAX_BYTES) {
        return { password: this.#last, problems: [problem(`${length} bytes, expected 1 to ${MAX_BYTES}`)] };
      }
      if (this.#last?.reveal() !== text) this.#last = new Secret(text);
      return { password: this.#last, problems: [] };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return { password: this.#last, problems: [problem(`cannot be read (${cause})`)] };
    }
  }

  /** `changed` is called for whatever happens in the folder: a Secret is changed by a link beside the file. */
  watch(changed: () => void): void {
    try {
      this.#watcher = watch(dirname(this.#path), () => changed());
      // A folder that goes away ends the watch; each full pass reads the file all the same.
      this.#watcher.on('error', () => this.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
