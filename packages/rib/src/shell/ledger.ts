/**
 * Keeps the state file true enough: a route is written down before the kernel gets it, and struck out some time after it
 * went. So a file may name a route too much (harmless: no such route with our protocol stands there) but never one too
 * few, whenever the process is killed. A file that fails costs one warning and is then left alone until it works again.
 */
import type { FibOperation } from '../fib/plan.ts';
import type { KernelView } from '../fib/view.ts';
import type { FibKey } from '../table/key.ts';
import { StateFile } from './state-file.ts';

export class Ledger {
  readonly #file: StateFile | undefined;
  readonly #path: string;
  readonly #protocol: number;
  readonly #warn: (text: string, cause: unknown) => void;
  #recorded = new Set<FibKey>();
  #failing = false;

  constructor(path: string | undefined, protocol: number, warn: (text: string, cause: unknown) => void) {
    this.#file = path === undefined ? undefined : new StateFile(path);
    this.#path = path ?? '';
    this.#protocol = protocol;
    this.#warn = warn;
  }

  /** The routes of earlier lives; none when there is no file, or when it is broken or of another protocol number. */
  async read(): Promise<ReadonlySet<FibKey>> {
    try {
      const state = await this.#file?.read();
      if (state?.protocol === this.#protocol) this.#recorded = new Set(state.routes);
    } catch (cause) {
      this.#warn(`state file ${this.#path} cannot be used: ${reasonOf(cause)}`, cause);
    }
    return new Set(this.#recorded);
  }

  /** Writes down the routes that are about to be made; true when it had to. */
  async record(operations: readonly FibOperation[], view: KernelView): Promise<boolean> {
    if (this.#file === undefined) return false;
    const made = operations.filter(({ action }) => action === 'add').map(({ key }) => key);
    return made.some((key) => !this.#recorded.has(key)) && this.#write([...view.claims(), ...made]);
  }

  /** Writes down the routes that were adopted without standing in the file. */
  async adopt(view: KernelView): Promise<void> {
    if (this.#file === undefined) return;
    for (const key of view.claims()) {
      if (this.#recorded.has(key)) continue;
      await this.#write([...this.#recorded, ...view.claims()]);
      return;
    }
  }

  /** Strikes out the routes that are gone. All claims are recorded, so the counts tell whether there are any. */
  async tidy(view: KernelView): Promise<void> {
    if (this.#file !== undefined && this.#recorded.size > view.claimCount) await this.#write(view.claims());
  }

  async #write(routes: Iterable<FibKey>): Promise<boolean> {
    const recorded = new Set(routes);
    try {
      await this.#file?.write({ protocol: this.#protocol, routes: [...recorded] });
      this.#recorded = recorded;
      this.#failing = false;
      return true;
    } catch (cause) {
      if (!this.#failing) this.#warn(`state file ${this.#path} cannot be written: ${reasonOf(cause)}`, cause);
      this.#failing = true;
      return false;
    }
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
