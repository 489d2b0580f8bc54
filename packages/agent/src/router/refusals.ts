/** Keeps count of the paths that are not installed, by prefix and by problem: many prefixes share one unusable next hop. */
import type { Problem } from '../problem.ts';
import type { RefusedRoute } from './routes.ts';

export class Refusals {
  readonly #byPrefix = new Map<string, RefusedRoute>();
  readonly #problems = new Map<string, { readonly problem: Problem; prefixes: number }>();
  #offSubnet = 0;

  /** Prefixes whose next hop is not directly connected. */
  get offSubnet(): number {
    return this.#offSubnet;
  }

  /** Each problem once. */
  get problems(): readonly Problem[] {
    return [...this.#problems.values()].map(({ problem }) => problem);
  }

  /** Each prefix with why its path is not installed. */
  entries(): Iterable<readonly [prefix: string, refused: RefusedRoute]> {
    return this.#byPrefix;
  }

  set(prefix: string, refused: RefusedRoute): void {
    this.delete(prefix);
    this.#byPrefix.set(prefix, refused);
    if (refused.reason === 'off-subnet') this.#offSubnet++;
    const key = keyOf(refused);
    const entry = this.#problems.get(key);
    if (entry) entry.prefixes++;
    else this.#problems.set(key, { problem: refused.problem, prefixes: 1 });
  }

  delete(prefix: string): void {
    const refused = this.#byPrefix.get(prefix);
    if (!refused) return;
    this.#byPrefix.delete(prefix);
    if (refused.reason === 'off-subnet') this.#offSubnet--;
    const key = keyOf(refused);
    const entry = this.#problems.get(key);
    if (entry && --entry.prefixes === 0) this.#problems.delete(key);
  }

  clear(): void {
    this.#byPrefix.clear();
    this.#problems.clear();
    this.#offSubnet = 0;
  }
}

function keyOf({ problem: { code, subject } }: RefusedRoute): string {
  return `${code} ${subject}`;
}
