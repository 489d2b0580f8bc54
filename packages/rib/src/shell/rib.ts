/**
 * The rib as it runs: sources in, kernel out. Marks are collected in a turn of the event loop, planned once and sent in
 * one batch; notifications, answers and dumps keep the view right. All decisions are made in table/ and fib/; here is
 * only what needs a clock, a socket or a file, and the order in which things happen: one batch or one dump at a time.
 */
import { EventEmitter } from 'node:events';
import {
  NetlinkError,
  type Notification,
  type Route,
  RT_TABLE_MAIN,
  Rtnetlink,
  type SubscriptionEvent,
} from '@routelet/netlink-wire';
import { nodeRouteOf } from '../fib/adoption.ts';
import { Agenda, type Reading, type ReadReason } from '../fib/agenda.ts';
import { routeOf } from '../fib/body.ts';
import { describeRoute } from '../fib/describe.ts';
import { Drift } from '../fib/drift.ts';
import { type Outcome, takeAnswer } from '../fib/outcome.ts';
import { type FibOperation, type FibPlan, planFib, requestOf, unseenForeignProblem } from '../fib/plan.ts';
import { Problems } from '../fib/problems.ts';
import { invalidDestination, Resolver } from '../fib/resolve.ts';
import { KernelView, type LoadReport } from '../fib/view.ts';
import type {
  Clock,
  NodeRoute,
  Rib,
  RibCounts,
  RibEvents,
  RouteProblem,
  RouteSource,
  RouteState,
  Timer,
} from '../model.ts';
import { parsePrefix } from '../table/address.ts';
import { isPlaceless } from '../table/choice.ts';
import { Desire } from '../table/desire.ts';
import { destinationOf, type FibKey, parseFibKey, placeOf } from '../table/key.ts';
import { systemClock } from './clock.ts';
import { type InterfaceChange, Interfaces, type Netlink } from './kernel.ts';
import { Ledger } from './ledger.ts';

export interface RibOptions {
  /** rtm_protocol of our routes; 17 as the original's. */
  readonly protocol?: number;
  /** Says of a route with our protocol that stood in the kernel at start whether it is ours (a known destination). */
  readonly adopt?: (route: NodeRoute) => boolean;
  /** Keep adopted routes that nobody wants yet until `release` (graceful restart). */
  readonly holdStale?: boolean;
  /** File that remembers between lives which routes are ours; its folder must be there. None when left out. */
  readonly statePath?: string;
  /** The client to use; one is opened by `start` and closed by `stop` when left out. */
  readonly netlink?: Netlink;
  readonly clock?: Clock;
}

/** RTPROT_MROUTED in rtnetlink.h; what kube-router puts on its routes. */
const PROTOCOL = 17;
/** Routes planned and sent in one go. The event loop is busy for this long, about 50 ms. */
const CHUNK = 8192;
/** Makes a rib. Nothing happens before `start`, but sources can be filled. */
export function createRib(options: RibOptions = {}): Rib {
  return new NodeRib(options);
}

class NodeRib implements Rib {
  readonly #events = new EventEmitter();
  readonly #options: RibOptions;
  readonly #clock: Clock;
  readonly #desire = new Desire((key) => this.#want(key));
  readonly #resolver: Resolver;
  readonly #view: KernelView;
  readonly #interfaces: Interfaces;
  readonly #ledger: Ledger;
  readonly #problems = new Problems();
  #netlink: Netlink | undefined;
  #subscription: { close(): void } | undefined;
  #open = false;
  #running: Promise<void> | undefined;
  #soon = false;

  readonly #agenda = new Agenda();
  #timer: Timer | undefined;
  /** Keys of the batch that the kernel has not answered. */
  #inFlight: ReadonlySet<FibKey> | undefined;
  /** Notifications that came while a dump was read. */
  #held: Notification[] | undefined;
  /** Adopted and wanted by nobody so far. */
  readonly #stale = new Set<FibKey>();
  /** EEXIST although the dump shows nothing. */
  readonly #unseen = new Set<FibKey>();
  readonly #drift = new Drift();
  readonly #named = new Set<FibKey>();
  #waiting: (() => void)[] = [];
  #added = 0;
  #replaced = 0;
  #removed = 0;

  constructor(options: RibOptions) {
    const protocol = options.protocol ?? PROTOCOL;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#resolver = new Resolver(protocol);
    this.#view = new KernelView(protocol);
    this.#interfaces = new Interfaces(this.#resolver, this.#view);
    this.#ledger = new Ledger(options.statePath, protocol, (text, cause) =>
      this.#emit('warning', { code: 'state-file', text, cause }),
    );
  }

  async start(): Promise<void> {
    const netlink = this.#options.netlink ?? (await Rtnetlink.open());
    this.#netlink = netlink;
    this.#held = [];
    this.#subscription = await netlink.subscribe(['link', 'address', 'route'], (event) => this.#hear(event), {
      own: false,
    });
    const recorded = await this.#ledger.read();
    this.#interfaces.load(await netlink.links(), await netlink.addresses());
    const { adopt = () => false, holdStale = false } = this.#options;
    const known = (key: FibKey, route: Route): boolean =>
      recorded.has(key) || adopt(nodeRouteOf(key, route, (index) => this.#resolver.nameOf(index)));
    const report = this.#view.load(await netlink.routes(), (key) => this.#concerns(key), known);
    this.#nameUnclaimed(report);
    await this.#ledger.adopt(this.#view);
    for (const key of this.#view.keys()) {
      if (holdStale && this.#desire.at(key) === undefined) this.#stale.add(key);
      this.#mark(key);
    }
    for (const [key] of this.#desire.entries()) this.#mark(key);
    this.#open = true;
    this.#hearHeld();
    this.#wake();
    await this.settled();
  }

  async stop(): Promise<void> {
    this.#open = false;
    this.#timer?.cancel();
    this.#subscription?.close();
    await this.#running;
    for (const done of this.#waiting.splice(0)) done();
    if (this.#options.netlink === undefined) this.#netlink?.close();
    await this.#ledger.tidy(this.#view);
  }

  source(name: string, options: { readonly distance: number }): RouteSource {
    const { sources } = this.#desire;
    sources.addSource(name, options.distance);
    return {
      replaceAll: (routes) => sources.replaceAll(name, routes),
      set: (route) => sources.set(name, route),
      delete: (destination, table) => sources.delete(name, destination, table),
    };
  }

  release(): void {
    const keys = [...this.#stale];
    this.#stale.clear();
    for (const key of keys) this.#mark(key);
  }

  async resync(): Promise<number> {
    await this.settled();
    const keys = new Set(this.#view.keys());
    for (const [key] of this.#desire.entries()) if (!this.#problems.has(key)) keys.add(key);
    this.#drift.compare(keys);
    this.#ask('compare');
    await this.settled();
    return this.#drift.compared();
  }

  settled(): Promise<void> {
    if (!this.#open || this.#idle()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  on<K extends keyof RibEvents>(event: K, listener: (...args: RibEvents[K]) => void): this {
    this.#events.on(event, listener as (...args: unknown[]) => void);
    return this;
  }

  off<K extends keyof RibEvents>(event: K, listener: (...args: RibEvents[K]) => void): this {
    this.#events.off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  #emit<K extends keyof RibEvents>(event: K, ...args: RibEvents[K]): void {
    this.#events.emit(event, ...args);
  }

  counts(): RibCounts {
    return {
      wanted: this.#desire.size,
      programmed: this.#view.size,
      added: this.#added,
      replaced: this.#replaced,
      removed: this.#removed,
      problems: this.#problems.values(),
    };
  }

  *states(): Iterable<RouteState> {
    for (const key of new Set([...Array.from(this.#desire.entries(), ([key]) => key), ...this.#view.keys()])) {
      yield this.#stateAt(key);
    }
  }

  state(destination: string, table = RT_TABLE_MAIN): RouteState | undefined {
    const place = placeOf(parsePrefix(destination).text, table);
    const key = this.#desire.keyAt(place) ?? place;
    const state = this.#stateAt(key);
    return state.candidates.length === 0 && state.programmed === undefined ? undefined : state;
  }

  #stateAt(key: FibKey): RouteState {
    const ours = this.#view.ours(key);
    const { route: _, ...problem } = this.#problems.at(key) ?? {};
    return {
      destination: destinationOf(key),
      table: parseFibKey(key).table,
      candidates: this.#desire.candidates(key),
      ...(ours !== undefined && {
        programmed: nodeRouteOf(key, routeOf(key, ours), (index) => this.#resolver.nameOf(index)),
      }),
      foreign: this.#view.foreign(key).map(describeRoute),
      ...('kind' in problem && { problem }),
      held: this.#stale.has(key),
    };
  }

  #idle(): boolean {
    return this.#running === undefined && !this.#soon && this.#agenda.idle;
  }

  #concerns(key: FibKey): boolean {
    return this.#desire.at(key) !== undefined;
  }

  /** A source asked for something else at the key. */
  #want(key: FibKey): void {
    this.#stale.delete(key);
    this.#drift.touch(key);
    this.#mark(key);
  }

  #mark(key: FibKey): void {
    this.#agenda.mark(key, this.#clock.now());
    this.#wake();
  }

  #doubt(key: FibKey): void {
    this.#agenda.doubt(key);
    this.#wake();
  }

  #ask(reason: ReadReason): void {
    this.#agenda.ask(reason);
    this.#wake();
  }

  #wake(): void {
    if (!this.#open || this.#running !== undefined || this.#soon) return;
    this.#soon = true;
    this.#clock.soon(() => {
      this.#soon = false;
      if (this.#open) this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#open && (await this.#step())) if (!this.#agenda.dirty) await this.#ledger.tidy(this.#view);
    this.#running = undefined;
    if (!this.#open) return;
    if (this.#agenda.dirty) this.#wake();
    const nextMs = this.#agenda.nextMs();
    if (nextMs !== undefined)
      this.#timer = this.#clock.after(Math.max(0, nextMs - this.#clock.now()), () => this.#wake());
    if (this.#idle()) for (const done of this.#waiting.splice(0)) done();
  }

  /** One dump or one batch; false when there is nothing to do now. */
  async #step(): Promise<boolean> {
    const reading = this.#agenda.takeReading(this.#clock.now());
    if (reading === undefined) return this.#planSome();
    await this.#readKernel(reading);
    return true;
  }

  // --- what the kernel says ---------------------------------------------------------------------------------------

  #hear(event: SubscriptionEvent): void {
    if (event.kind === 'resync-needed') {
      this.#ask('overrun');
    } else if (this.#held !== undefined) {
      this.#held.push(event);
    } else {
      this.#take(event);
    }
  }

  #hearHeld(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.#take(event);
  }

  #take(event: Notification): void {
    if (event.own) return;
    if (event.kind === 'link') this.#takeInterface(this.#interfaces.link(event.type, event.object));
    else if (event.kind === 'address') this.#takeInterface(this.#interfaces.address(event.type, event.object));
    else if (event.kind === 'route') this.#takeRoute(event.type, event.object, event.portId);
  }

  #takeRoute(type: 'new' | 'del', route: Route, portId: number): void {
    const effect = this.#view.apply(type, route, (key) => this.#concerns(key) || this.#inFlight?.has(key) === true);
    if (effect.kind === 'none') return;
    if (effect.kind === 'doubt' || this.#inFlight?.has(effect.key) === true) {
      this.#doubt(effect.key);
      return;
    }
    // What the kernel does by itself (port id 0: a link went down, an address went) is nobody's drift.
    if (effect.kind === 'lost' && portId !== 0 && this.#desire.at(effect.key) !== undefined)
      this.#drift.see(effect.key, 'missing', this.#clock.now());
    this.#mark(effect.key);
  }

  #takeInterface({ names, dropped, hopeful }: InterfaceChange): void {
    if (names.length > 0) {
      const changed = new Set(names);
      for (const [key, route] of this.#desire.entries()) {
        if (route.nextHops.some((hop) => hop.interface !== undefined && changed.has(hop.interface))) this.#mark(key);
      }
      for (const key of this.#view.dropDead((index) => this.#resolver.isUp(index))) this.#mark(key);
    }
    if (hopeful) for (const key of this.#problems.refused()) this.#mark(key);
    if (dropped) this.#ask('links');
  }

  async #readKernel(reading: Reading): Promise<void> {
    const netlink = this.#netlink;
    if (netlink === undefined) return;
    const { reasons } = reading;
    const whole = reasons.has('overrun') || reasons.has('compare');
    this.#held = [];
    try {
      const interfaces = whole ? { links: await netlink.links(), addresses: await netlink.addresses() } : undefined;
      const routes = await netlink.routes();
      if (interfaces !== undefined) this.#takeInterface(this.#interfaces.load(interfaces.links, interfaces.addresses));
      this.#takeDump(
        this.#view.load(routes, (key) => this.#concerns(key)),
        reasons,
      );
      this.#agenda.finishReading(reading, this.#clock.now());
    } catch (cause) {
      if (!(cause instanceof NetlinkError)) throw cause;
      this.#agenda.failReading(reading, this.#clock.now());
      this.#emit('warning', {
        code: 'kernel-read',
        text: `the kernel's tables cannot be read: ${cause.message}`,
        cause,
      });
    }
    this.#hearHeld();
  }

  #takeDump(report: LoadReport, reasons: ReadonlySet<ReadReason>): void {
    const byOthers = !reasons.has('links');
    for (const [keys, found] of [
      [report.missing, 'missing'],
      [report.changed, 'changed'],
    ] as const) {
      for (const key of keys) {
        if (byOthers && this.#desire.at(key) !== undefined && !this.#problems.has(key))
          this.#drift.see(key, found, this.#clock.now());
        this.#mark(key);
      }
    }
    for (const key of report.contested) this.#mark(key);
    for (const key of this.#view.dropDead((index) => this.#resolver.isUp(index))) this.#mark(key);
    if (reasons.has('compare') || reasons.has('overrun')) {
      for (const key of this.#view.keys()) this.#mark(key);
      for (const [key] of this.#desire.entries()) this.#mark(key);
    }
    this.#nameUnclaimed(report);
  }

  #nameUnclaimed(report: LoadReport): void {
    for (const [key, route] of report.unclaimed) {
      if (this.#named.has(key)) continue;
      this.#named.add(key);
      const text = `a route with our protocol number that nothing accounts for is left alone: ${describeRoute(route)}`;
      this.#emit('warning', { code: 'unclaimed-route', text });
    }
  }

  // --- what we say to the kernel ----------------------------------------------------------------------------------

  /** Plans and sends a chunk; false when there is none. */
  async #planSome(): Promise<boolean> {
    const { keys, markedMs } = this.#agenda.takeKeys(CHUNK, this.#clock.now());
    if (keys.length === 0) return false;
    let plan = this.#plan(keys);
    // The kernel may have changed while the state file was written.
    while (await this.#ledger.record(plan.operations, this.#view)) {
      plan = this.#plan(keys.filter((key) => !this.#agenda.doubts(key)));
    }
    this.#drift.seeOperations(plan.operations, this.#clock.now());
    const answers = await this.#send(plan.operations);
    this.#takeAnswers(keys, plan, answers, markedMs);
    return true;
  }

  #plan(keys: readonly FibKey[]): FibPlan {
    const wanted = (key: FibKey) => {
      const route = this.#desire.at(key);
      if (route === undefined) return undefined;
      return isPlaceless(key) ? invalidDestination(route) : this.#resolver.resolve(route);
    };
    return planFib(keys, { wanted, held: (key) => this.#stale.has(key) }, this.#view);
  }

  async #send(operations: readonly FibOperation[]): Promise<(NetlinkError | undefined)[]> {
    const netlink = this.#netlink;
    if (operations.length === 0 || netlink === undefined) return [];
    this.#inFlight = new Set(operations.map((operation) => operation.key));
    const answers = await netlink.apply(operations.map(requestOf));
    this.#inFlight = undefined;
    return answers;
  }

  #takeAnswers(
    keys: readonly FibKey[],
    plan: FibPlan,
    answers: readonly (NetlinkError | undefined)[],
    markedMs: number,
  ): void {
    const problems = plan.problems;
    const unfinished = new Set<FibKey>();
    const before = { added: this.#added, replaced: this.#replaced, removed: this.#removed };
    plan.operations.forEach((operation, index) => {
      const outcome = takeAnswer(operation, answers[index], this.#view);
      if (outcome.kind === 'done') this.#count(operation);
      else this.#takeFailure(operation, outcome, problems, unfinished);
    });
    const nowMs = this.#clock.now();
    for (const key of plan.forgotten) this.#view.forget(key);
    for (const key of keys) if (!unfinished.has(key)) this.#finish(key, problems.get(key), nowMs);
    const done = {
      added: this.#added - before.added,
      replaced: this.#replaced - before.replaced,
      removed: this.#removed - before.removed,
    };
    if (done.added + done.replaced + done.removed > 0)
      this.#emit('programmed', { ...done, latencyMs: nowMs - markedMs });
  }

  #count({ action }: FibOperation): void {
    if (action === 'add') this.#added++;
    else if (action === 'change') this.#replaced++;
    else this.#removed++;
  }

  #takeFailure(
    { action, key }: FibOperation,
    outcome: Exclude<Outcome, { kind: 'done' }>,
    problems: Map<FibKey, Omit<RouteProblem, 'route'>>,
    unfinished: Set<FibKey>,
  ): void {
    if (outcome.kind === 'refused') {
      problems.set(key, outcome.problem);
      if (outcome.doubt) this.#doubt(key);
      const attempts = this.#agenda.retry.fail(key, this.#clock.now());
      if (action === 'delete' && attempts === 1) {
        this.#emit('warning', { code: 'delete-refused', text: `${destinationOf(key)}: ${outcome.problem.text}` });
      }
    } else if (outcome.kind === 'doubt' && action === 'add' && this.#unseen.has(key)) {
      problems.set(key, unseenForeignProblem(key));
      this.#agenda.retry.fail(key, this.#clock.now());
    } else if (outcome.kind === 'doubt') {
      if (action === 'add') this.#unseen.add(key);
      unfinished.add(key);
      this.#doubt(key);
    } else {
      unfinished.add(key);
      this.#mark(key);
    }
  }

  /** The key is as planned, or has a problem. */
  #finish(key: FibKey, problem: Omit<RouteProblem, 'route'> | undefined, nowMs: number): void {
    const drift = this.#drift.end(key, problem === undefined, nowMs);
    if (drift !== undefined) this.#emit('drift', drift);
    const route = problem && this.#desire.at(key);
    if (problem !== undefined && route !== undefined) {
      const fresh = this.#problems.open(key, route, problem);
      if (problem.kind === 'foreign' && this.#view.foreign(key).length > 0) this.#unseen.delete(key);
      if (fresh !== undefined) this.#emit('problem', fresh);
      return;
    }
    if (problem === undefined) {
      this.#agenda.retry.succeed(key);
      this.#unseen.delete(key);
    }
    const resolved = this.#problems.close(key);
    if (resolved !== undefined) this.#emit('resolved', resolved);
  }
}
