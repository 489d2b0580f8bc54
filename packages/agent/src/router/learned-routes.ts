/**
 * Carries the speaker's best paths into the rib. Each change is planned at once; when what plans depend on changes (nodes,
 * subnets), what it touches is planned again. A best path that is refused makes room for the next path of its prefix. A
 * route through a tunnel waits for the tunnel's device; what stood before it stands until then.
 */
import type { BestPathChange, Path, Speaker } from '@routelet/bgp';
import type { NodeRoute, RouteSource } from '@routelet/rib';
import { overlaps, parsePrefix } from '../annotations/prefix.ts';
import { Refusals } from './refusals.ts';
import { contextChange, type RouteContext } from './route-context.ts';
import { joinRoutes, type LearnedRoute, nodeRoute, planRoute, type RefusedRoute } from './routes.ts';
import { Ways } from './ways.ts';

/** Device names by the address that the tunnel leads to. */
export type Devices = ReadonlyMap<string, string | undefined>;

export interface LearnedRoutesEvents {
  /** After each turn that planned something, with the number of changes that came from peers. */
  changed(received: number): void;
  /** The addresses of nodes to which routes want tunnels; the routes without them are out of the source already. */
  tunnelsWanted(addresses: ReadonlySet<string>): void;
}

export class LearnedRoutes {
  readonly #source: RouteSource;
  readonly #events: LearnedRoutesEvents;
  /** More than one: paths as good as the best are used beside it. */
  readonly #maximumPaths: number;
  #context: RouteContext;
  #speaker: Speaker | undefined;
  /** Routes of a speaker before this one stand until the present one has learned its own. */
  #holding = false;
  /** The tunnels of those routes. */
  #heldTunnels: ReadonlySet<string> = new Set();
  readonly #ways = new Ways();
  /** Routes that wait for the device of a tunnel. */
  readonly #waiting = new Map<string, LearnedRoute>();
  #devices: Devices = new Map();
  /** All was planned while some routes waited: those that nothing makes any more are still to be dropped. */
  #unswept = false;
  #tunnelChanges = 0;
  readonly refusals = new Refusals();

  constructor(source: RouteSource, context: RouteContext, maximumPaths: number, events: LearnedRoutesEvents) {
    this.#source = source;
    this.#context = context;
    this.#maximumPaths = maximumPaths;
    this.#events = events;
  }

  /** Takes the best paths of `speaker` until it stops. Routes learned from a speaker before it stay until `settle`. */
  async follow(speaker: Speaker): Promise<void> {
    this.#holding = this.#speaker !== undefined;
    if (this.#holding) this.#heldTunnels = new Set([...this.#heldTunnels, ...this.#ways.tunnels]);
    this.#speaker = speaker;
    for await (const changes of speaker.bestPathChanges()) {
      let received = 0;
      for (const change of changes) received += this.#take(speaker, change);
      this.#changed(received);
    }
  }

  setContext(context: RouteContext): void {
    const change = contextChange(this.#context, context);
    const before = this.#context;
    this.#context = context;
    if (change.kind === 'all') this.#planAll();
    if (change.kind !== 'nodes') return;
    const prefixes = new Set(this.#ways.through((nextHop) => change.addresses.has(nextHop)));
    if (change.podCidrs.length > 0) {
      // Whose pod CIDR a prefix lies in is asked only where the next hop is a node.
      const isNode = (nextHop: string) => before.nodeByAddress.has(nextHop) || context.nodeByAddress.has(nextHop);
      for (const text of this.#ways.through(isNode)) {
        const prefix = parsePrefix(text);
        if (prefix && change.podCidrs.some((cidr) => overlaps(cidr, prefix))) prefixes.add(text);
      }
    }
    this.#planAgain(prefixes);
  }

  /** The device of the tunnel to each address, undefined where there can be none. Also those that the kernel refused: the rib says so. */
  setDevices(devices: Devices): void {
    const before = this.#devices;
    this.#devices = devices;
    const changed = (address: string) => before.has(address) && before.get(address) !== devices.get(address);
    this.#planAgain(this.#ways.overTunnel(changed));
    for (const [prefix, route] of [...this.#waiting]) this.#set(prefix, route);
    if (this.#unswept && this.#waiting.size === 0) this.#planAll();
  }

  /** The speaker has learned what there is: routes that none of its paths makes are dropped. */
  settle(): void {
    this.#holding = false;
    this.#heldTunnels = new Set();
    this.#planAll();
  }

  #planAll(): void {
    const speaker = this.#speaker;
    if (!speaker) return;
    this.refusals.clear();
    this.#ways.clear();
    this.#waiting.clear();
    const planned = new Map<string, LearnedRoute>();
    for (const path of speaker.routes()) {
      const route = this.#plan(speaker, path);
      if (route) planned.set(path.prefix, route);
      else if (this.#holding) this.#source.delete(path.prefix);
    }
    const waits = [...planned.values()].some((route) => this.#waits(route));
    if (this.#holding || waits) for (const [prefix, route] of planned) this.#set(prefix, route);
    else this.#source.replaceAll([...planned.values()].flatMap((route) => this.#nodeRoute(route) ?? []));
    this.#unswept = waits;
    this.#changed(0);
  }

  #planAgain(prefixes: Iterable<string>): void {
    const speaker = this.#speaker;
    if (!speaker) return;
    let planned = 0;
    for (const prefix of prefixes) {
      planned++;
      const path = speaker.bestPath(prefix);
      this.#put(speaker, prefix, path);
    }
    if (planned > 0) this.#changed(0);
  }

  #take(speaker: Speaker, change: BestPathChange): number {
    const path = change.kind === 'best' ? change.path : undefined;
    this.#put(speaker, change.prefix, path);
    return path?.fromType === 'local' ? 0 : 1;
  }

  #put(speaker: Speaker, prefix: string, best: Path | undefined): void {
    this.refusals.delete(prefix);
    this.#waiting.delete(prefix);
    const route = best && this.#plan(speaker, best);
    if (!best) this.#ways.delete(prefix);
    if (route) this.#set(prefix, route);
    else this.#source.delete(prefix);
  }

  #set(prefix: string, route: LearnedRoute): void {
    if (this.#waits(route)) {
      this.#waiting.set(prefix, route);
      return;
    }
    this.#waiting.delete(prefix);
    const ready = this.#nodeRoute(route);
    if (ready) this.#source.set(ready);
    else this.#source.delete(prefix);
  }

  #waits({ ways }: LearnedRoute): boolean {
    return ways.some(({ address, tunnel }) => tunnel && !this.#devices.has(address));
  }

  #nodeRoute(route: LearnedRoute): NodeRoute | undefined {
    return nodeRoute(route, (address) => this.#devices.get(address));
  }

  #changed(received: number): void {
    const { tunnelChanges } = this.#ways;
    if (tunnelChanges !== this.#tunnelChanges) {
      this.#tunnelChanges = tunnelChanges;
      this.#events.tunnelsWanted(new Set([...this.#heldTunnels, ...this.#ways.tunnels]));
    }
    this.#events.changed(received);
  }

  #plan(speaker: Speaker, best: Path): LearnedRoute | undefined {
    if (best.fromType === 'local') {
      this.#ways.delete(best.prefix);
      return undefined;
    }
    const equal = this.#maximumPaths > 1 ? speaker.paths(best.prefix).filter(({ multipath }) => multipath) : [];
    const looked = new Set<string>();
    const { parts, refused } = this.#accept(equal.length > 0 ? equal : [best], looked);
    if (refused) this.refusals.set(best.prefix, refused);
    if (parts.length === 0) {
      for (const path of speaker.paths(best.prefix)) {
        if (path.fromType === 'local') continue;
        parts.push(...this.#accept([path], looked).parts);
        if (parts.length > 0) break;
      }
    }
    const route = joinRoutes(parts);
    const tunnels = route?.ways.flatMap(({ address, tunnel }) => (tunnel ? [address] : [])) ?? [];
    this.#ways.set(best.prefix, [...looked], tunnels);
    return route;
  }

  #accept(paths: readonly Path[], looked: Set<string>) {
    const parts: { route: LearnedRoute; bandwidth: number | undefined }[] = [];
    let refused: RefusedRoute | undefined;
    for (const path of paths) {
      looked.add(path.nextHop);
      const plan = planRoute(path, this.#context);
      if (plan.kind === 'route') parts.push({ route: plan.route, bandwidth: path.bandwidth });
      else refused ??= plan;
    }
    return { parts, refused };
  }
}
