/**
 * Carries the speaker's best paths into the rib. Each change is planned at once; when what plans depend on changes (nodes,
 * subnets), all are planned again. A best path that is refused makes room for the next path of its prefix.
 */
import type { BestPathChange, Path, Speaker } from '@routelet/bgp';
import type { NodeRoute, RouteSource } from '@routelet/rib';
import { Refusals } from './refusals.ts';
import { planRoute, type RouteContext } from './routes.ts';

export class LearnedRoutes {
  readonly #source: RouteSource;
  readonly #changed: (received: number) => void;
  #context: RouteContext;
  #speaker: Speaker | undefined;
  /** Routes of a speaker before this one stand until the present one has learned its own. */
  #holding = false;
  readonly refusals = new Refusals();

  /** `changed` is called after each turn that planned something, with the number of changes that came from peers. */
  constructor(source: RouteSource, context: RouteContext, changed: (received: number) => void) {
    this.#source = source;
    this.#context = context;
    this.#changed = changed;
  }

  /** Takes the best paths of `speaker` until it stops. Routes learned from a speaker before it stay until `settle`. */
  async follow(speaker: Speaker): Promise<void> {
    this.#holding = this.#speaker !== undefined;
    this.#speaker = speaker;
    for await (const changes of speaker.bestPathChanges()) {
      let received = 0;
      for (const change of changes) received += this.#take(speaker, change);
      this.#changed(received);
    }
  }

  setContext(context: RouteContext): void {
    this.#context = context;
    this.#planAll();
  }

  /** The speaker has learned what there is: routes that none of its paths makes are dropped. */
  settle(): void {
    this.#holding = false;
    this.#planAll();
  }

  #planAll(): void {
    const speaker = this.#speaker;
    if (!speaker) return;
    this.refusals.clear();
    const routes: NodeRoute[] = [];
    for (const path of speaker.routes()) {
      const route = this.#plan(speaker, path);
      if (route) routes.push(route);
      else if (this.#holding) this.#source.delete(path.prefix);
    }
    if (this.#holding) for (const route of routes) this.#source.set(route);
    else this.#source.replaceAll(routes);
    this.#changed(0);
  }

  #take(speaker: Speaker, change: BestPathChange): number {
    this.refusals.delete(change.prefix);
    const route = change.kind === 'best' ? this.#plan(speaker, change.path) : undefined;
    if (route) this.#source.set(route);
    else this.#source.delete(change.prefix);
    return change.kind === 'best' && change.path.fromType === 'local' ? 0 : 1;
  }

  #plan(speaker: Speaker, best: Path): NodeRoute | undefined {
    if (best.fromType === 'local') return undefined;
    const plan = planRoute(best, this.#context);
    if (plan.kind === 'route') return plan.route;
    this.refusals.set(best.prefix, plan);
    for (const path of speaker.paths(best.prefix)) {
      if (path.fromType === 'local') continue;
      const other = planRoute(path, this.#context);
      if (other.kind === 'route') return other.route;
    }
    return undefined;
  }
}
