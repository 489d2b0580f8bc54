/** The open problems by FIB key. Tells what is new, so that each is said once. */
import type { NodeRoute, RouteProblem } from '../model.ts';
import type { FibKey } from '../table/key.ts';

export class Problems {
  readonly #open = new Map<FibKey, RouteProblem>();

  values(): RouteProblem[] {
    return [...this.#open.values()];
  }

  at(key: FibKey): RouteProblem | undefined {
    return this.#open.get(key);
  }

  has(key: FibKey): boolean {
    return this.#open.has(key);
  }

  /** Keys whose problem may be gone when links or addresses change. */
  *refused(): Generator<FibKey> {
    for (const [key, problem] of this.#open) if (problem.kind === 'kernel') yield key;
  }

  /** The problem, if it was not known in the same words. */
  open(key: FibKey, route: NodeRoute, found: Omit<RouteProblem, 'route'>): RouteProblem | undefined {
    const before = this.#open.get(key);
    const problem: RouteProblem = { route, ...found };
    this.#open.set(key, problem);
    const known = before?.kind === problem.kind && before.code === problem.code && before.text === problem.text;
    return known ? undefined : problem;
  }

  /** The route whose problem ended, if it had one. */
  close(key: FibKey): NodeRoute | undefined {
    const route = this.#open.get(key)?.route;
    this.#open.delete(key);
    return route;
  }
}
