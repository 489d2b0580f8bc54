/**
 * The router module: Nodes of the cluster in, BGP sessions, kernel routes and the pod network's kernel state out. Level
 * triggered: a change marks what it touches, the part is planned again from the present state, and a full pass each
 * period finds nothing to do. What is in the kernel stays there when the module stops.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Speaker } from '@routelet/bgp';
import { Rtnetlink, type SubscriptionEvent } from '@routelet/netlink-wire';
import { createRib, type Rib } from '@routelet/rib';
import { addressFromBytes } from '../annotations/prefix.ts';
import type { ClusterChange, ClusterView, Kind } from '../cluster/model.ts';
import type { Heartbeat } from '../health/health.ts';
import { runCommand } from '../kernel/command.ts';
import type { Ruleset } from '../kernel/ruleset.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { Module, ModuleContext, ModuleDefinition, ModuleReport } from '../module.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Secret } from '../options/secret.ts';
import type { Problem } from '../problem.ts';
import { ProblemLog } from '../problem-log.ts';
import type { ServedAddresses } from '../service/served-addresses.ts';
import { WorkLoop } from '../work-loop.ts';
import { VipRoutes } from './announcements.ts';
import { BRIDGE } from './bridge.ts';
import { checkCni } from './cni.ts';
import { DEFAULT_CNI_FILE, readCniFile } from './cni-file.ts';
import { type HostFacts, readHost } from './host.ts';
import type { Identity } from './identity.ts';
import type { RouterInspection } from './inspection.ts';
import { LearnedRoutes } from './learned-routes.ts';
import { NodeTable } from './node-table.ts';
import { kernelGuePorts } from './overlay/kernel-gue-ports.ts';
import { Overlay } from './overlay/overlay.ts';
import { PasswordFile } from './password-file.ts';
import { Peering } from './peering.ts';
import { planRouter, type RouterPlan } from './plan.ts';
import { type NetworkPart, networkParts, PodNetwork } from './pod-network.ts';
import { PodNetworkPreview } from './pod-network-preview.ts';
import { type RouteContext, routeContext } from './route-context.ts';
import { observeRib, updateRouteGauges } from './route-metrics.ts';
import { ownsRoute } from './routes.ts';
import { VipTable } from './vip-table.ts';

export interface InspectableRouter extends Module {
  /** The present state, for questions about it. */
  inspect(): RouterInspection;
}

/** Services and their endpoints are read in any case: an annotation is enough to have an address announced. */
export const router = {
  kinds: ['Node', 'Service', 'EndpointSlice'] as readonly Kind[],
  create: (context: ModuleContext): InspectableRouter => new Router(context),
} satisfies ModuleDefinition;

/**
 * What BGP has to be planned again for: `facts` and `host` also change what routes are made of, `vips` what is announced
 * alone, `vip-policy` what is not taken from peers.
 */
type BgpPart = 'own' | 'facts' | 'host' | 'vips' | 'vip-policy' | 'full';

const contextParts: ReadonlySet<BgpPart> = new Set(['facts', 'host', 'full']);

interface Routing {
  readonly rib: Rib;
  readonly learned: LearnedRoutes;
}

/** Administrative distance of the routes learned by BGP, as that of external BGP elsewhere. */
const BGP_DISTANCE = 20;
/** rtm_protocol of the original's routes (B-61); a node that ran it keeps its routes. */
const ROUTE_PROTOCOL = 17;
/** What the last End-of-RIB came behind is selected and handed on well within this time. */
const SETTLE_MS = 1000;
const STATE_DIRECTORY = '/var/lib/routelet';

class Router implements InspectableRouter {
  readonly name = 'router';
  readonly #options: AgentOptions;
  readonly #nodeName: string;
  readonly #cluster: ClusterView;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #ruleset: Ruleset;
  readonly #heartbeat: { readonly router: Heartbeat; readonly routes: Heartbeat };
  readonly #problems: ProblemLog;
  readonly #bgpLoop: WorkLoop<BgpPart>;
  readonly #networkLoop: WorkLoop<NetworkPart>;
  readonly #peering: Peering;
  /** Of the sessions with nodes; undefined without --mesh-password-file. */
  readonly #meshPassword: PasswordFile | undefined;
  #lastMeshPassword: Secret | undefined;
  readonly #closers: (() => void | Promise<void>)[] = [];
  readonly #networkFailures = new Set<NetworkPart>();
  readonly #vips: VipTable;
  readonly #served: ServedAddresses;
  readonly #vipRoutes = new VipRoutes();
  /** Addresses of Services that the next pass plans. */
  readonly #changedVips = new Set<string>();
  #nodeByAddress: ReadonlyMap<string, string> = new Map();
  #nodes: NodeTable;
  #plan: RouterPlan | undefined;
  #context: RouteContext | undefined;
  #host: HostFacts | undefined;
  #netlink: Rtnetlink | undefined;
  #network: PodNetwork | undefined;
  #overlay: Overlay | undefined;
  #preview: PodNetworkPreview | undefined;
  #routing: Routing | undefined;
  #settleTimer: NodeJS.Timeout | undefined;

  constructor({ options, nodeName, cluster, log, metrics, health, ruleset, served }: ModuleContext) {
    this.#options = options;
    this.#nodeName = nodeName;
    this.#cluster = cluster;
    this.#log = log;
    this.#metrics = metrics;
    this.#ruleset = ruleset;
    this.#heartbeat = {
      router: health.register('NRC', options.routesSyncPeriodMs),
      routes: health.register('RouteSync', options.injectedRoutesSyncPeriodMs),
    };
    this.#problems = new ProblemLog(log);
    this.#nodes = new NodeTable(nodeName, []);
    this.#served = served;
    this.#vips = new VipTable(cluster, nodeName, options, (address) => served.has(address));
    const failed = (error: unknown) => log.error('a pass of the router failed', { error });
    this.#bgpLoop = new WorkLoop((parts) => this.#bgpPass(parts), failed);
    this.#networkLoop = new WorkLoop((parts) => this.#networkPass(parts), failed);
    const { meshPasswordFile } = options;
    this.#meshPassword = meshPasswordFile === '' ? undefined : new PasswordFile(meshPasswordFile, 'mesh-password-file');
    this.#peering = new Peering({
      options,
      log,
      metrics,
      started: (speaker, deferred) => this.#speakerStarted(speaker, deferred),
      settled: () => this.#settleAfter(SETTLE_MS),
    });
  }

  /** Resolves after the first pass. Rejects when the CNI file cannot be read as one or netlink cannot be opened. */
  async start(): Promise<void> {
    const cniPath = process.env['KUBE_ROUTER_CNI_CONF_FILE'] || DEFAULT_CNI_FILE;
    if (this.#options.enableCni) {
      const text = await readCniFile(cniPath);
      if (text !== undefined) checkCni(text, cniPath);
    }
    const netlink = await Rtnetlink.open();
    this.#netlink = netlink;
    this.#closers.push(() => netlink.close());
    const { options, log, ruleset } = { options: this.#options, log: this.#log, ruleset: this.#ruleset };
    const network = new PodNetwork({ options, cniPath, netlink, run: runCommand, ruleset, log });
    this.#network = network;
    this.#preview = new PodNetworkPreview({ cniPath, netlink, rules: network.rules });
    this.#overlay = new Overlay({
      options,
      netlink,
      guePorts: kernelGuePorts,
      run: runCommand,
      log,
      devices: (names) => this.#routing?.learned.setDevices(names),
      routesSettled: async () => this.#routing?.rib.settled(),
      report: (problems) => this.#problems.report('overlay', problems),
    });
    const subscription = await netlink.subscribe(['link', 'address'], (event) => this.#hostChanged(event));
    this.#closers.push(() => subscription.close());

    this.#nodes = new NodeTable(this.#nodeName, this.#cluster.list('Node'));
    this.#vips.planAll([]);
    this.#meshPassword?.watch(() => this.#bgpLoop.mark(['own']));
    this.#closers.push(() => this.#meshPassword?.close());
    this.#closers.push(this.#cluster.subscribe((changes) => this.#clusterChanged(changes)));
    this.#closers.push(this.#served.subscribe((addresses) => this.#servedChanged(addresses)));
    const full = setInterval(() => this.#markAll(), timerMs(options.routesSyncPeriodMs));
    const routes = setInterval(() => void this.#resyncRoutes(), timerMs(options.injectedRoutesSyncPeriodMs));
    this.#closers.push(() => {
      clearInterval(full);
      clearInterval(routes);
      clearTimeout(this.#settleTimer);
    });
    this.#markAll();
    await this.#bgpLoop.idle();
    await this.#networkLoop.idle();
    await this.#overlay.idle();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#bgpLoop.stop(), this.#networkLoop.stop(), this.#overlay?.stop()]);
    // The rib first: paths that go with their sessions must not take the routes out of the kernel.
    await this.#routing?.rib.stop();
    this.#routing = undefined;
    await this.#peering.stop();
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  report(): ModuleReport {
    const peers = this.#peering.speaker?.peers() ?? [];
    const counts = this.#routing?.rib.counts();
    return {
      counts: {
        nodes: this.#nodes.facts.size,
        peers: peers.length,
        established: peers.filter(({ state }) => state === 'Established').length,
        'routes wanted': counts?.wanted ?? 0,
        'routes programmed': counts?.programmed ?? 0,
        'routes refused': [...(this.#routing?.learned.refusals.entries() ?? [])].length,
        'kernel changes': (counts?.added ?? 0) + (counts?.replaced ?? 0) + (counts?.removed ?? 0),
      },
      problems: [
        ...this.#problems.standing,
        ...peers
          .filter(({ state }) => state !== 'Established')
          .map(({ address, state, lastDown }) => {
            const name = this.#plan?.peers.find((peer) => peer.address === address)?.description ?? '';
            const why = lastDown === undefined ? '' : `: ${lastDown.text}`;
            return { code: 'session', subject: address, text: `session with ${name} ${address} is ${state}${why}` };
          }),
        ...(counts?.problems ?? []).map(({ route, kind, text }) => ({
          code: `route-${kind}`,
          subject: route.destination,
          text: `route ${route.destination}: ${text}`,
        })),
      ],
    };
  }

  inspect(): RouterInspection {
    return {
      options: this.#options,
      nodeName: this.#nodeName,
      cluster: this.#cluster,
      kinds: router.kinds,
      facts: this.#nodes.facts,
      plan: this.#plan,
      meshPassword: this.#lastMeshPassword,
      context: this.#context,
      host: this.#host,
      speaker: this.#peering.speaker,
      rib: this.#routing?.rib,
      refusals: this.#routing?.learned.refusals.entries() ?? [],
      problems: this.#problems.standing,
      nowMs: performance.now(),
      nodeChanges: async (state) => (await this.#preview?.changes(state)) ?? [],
    };
  }

  #markAll(): void {
    this.#bgpLoop.mark(['full']);
    this.#networkLoop.mark(networkParts);
  }

  #clusterChanged(changes: readonly ClusterChange[]): void {
    const { own, facts } = this.#nodes.apply(changes.filter((change) => change.kind === 'Node'));
    if (own) this.#bgpLoop.mark(['own']);
    if (facts) {
      this.#bgpLoop.mark(['facts']);
      this.#networkLoop.mark(['sets']);
    }
    const vips = this.#vips.apply(changes);
    for (const address of vips.announced) this.#changedVips.add(address);
    if (vips.announced.length > 0 || vips.problems) this.#bgpLoop.mark(['vips']);
    if (vips.wanted) this.#bgpLoop.mark(['vip-policy']);
  }

  #servedChanged(addresses: readonly string[]): void {
    const announced = this.#vips.servedChanged(addresses);
    for (const address of announced) this.#changedVips.add(address);
    if (announced.length > 0) this.#bgpLoop.mark(['vips']);
  }

  #hostChanged(event: SubscriptionEvent): void {
    const identity = this.#plan?.identity;
    if (!identity) return;
    this.#overlay?.heard(event);
    if (event.kind === 'resync-needed') {
      this.#markAll();
      this.#overlay?.resync();
    } else if (event.kind === 'address') {
      const text = addressFromBytes(event.object.local)?.text;
      if (text === undefined || !identity.addresses.includes(text)) return;
      this.#bgpLoop.mark(['host']);
      this.#networkLoop.mark(['bridge', 'cni', 'chains']);
    } else if (event.kind === 'link') {
      const { name, index } = event.object;
      const own = this.#host?.interface;
      if (name === BRIDGE || index === own?.index) this.#networkLoop.mark(['bridge', 'cni']);
      // An interface that was given another name.
      if (index === own?.index && name !== own.name) this.#networkLoop.mark(['chains']);
    }
  }

  async #bgpPass(parts: ReadonlySet<BgpPart>): Promise<void> {
    const startedMs = performance.now();
    if (parts.size === 1 && parts.has('vips') && this.#plan) {
      this.#announceVips(this.#plan.identity);
      return;
    }
    const nodes = this.#nodes.facts;
    const { wanted: vips } = this.#vips;
    const secret = await this.#meshPassword?.read();
    this.#problems.report('password', secret?.problems ?? []);
    // Sessions without the password that was asked for would be worse than none.
    if (secret && secret.password === undefined) return;
    const meshPassword = secret?.password;
    if (this.#lastMeshPassword !== undefined && meshPassword !== this.#lastMeshPassword) {
      this.#log.warn('the password of the mesh changed: the sessions with other nodes start again');
    }
    this.#lastMeshPassword = meshPassword;
    const input = { nodeName: this.#nodeName, own: this.#nodes.own, nodes, vips, previous: this.#plan, meshPassword };
    const { plan, problems } = planRouter(input, this.#options);
    if (!plan) {
      // Sessions and kernel stay as they are: a Node that is gone for a moment must not cost the pods their routes.
      this.#problems.report('plan', problems);
      return;
    }
    const newIdentity = plan.identity !== this.#plan?.identity;
    this.#plan = plan;
    if (newIdentity) this.#networkLoop.mark(networkParts);
    if (newIdentity || parts.has('full')) this.#vips.planAll(plan.identity.addresses);

    if (newIdentity || !this.#host || parts.has('host') || parts.has('full')) await this.#readHost(plan.identity);
    if (newIdentity || [...parts].some((part) => contextParts.has(part))) this.#updateContext(plan.identity);
    this.#problems.report('plan', [...problems, ...(this.#context?.owners.problems ?? [])]);
    const routing = await this.#ensureRouting();
    if (!routing) return;
    const planned = { ...plan, vips: this.#planVips(plan.identity) };
    const problem = await this.#peering.apply(planned, routing.rib.counts().programmed > 0);
    this.#problems.report('speaker', problem ? [problem] : []);
    const seconds = (performance.now() - startedMs) / 1000;
    this.#metrics.bgpInternalPeersSyncSeconds.observe(seconds);
    if (parts.has('full')) this.#metrics.routesSyncSeconds.observe(seconds);
    if (!problem && this.#networkFailures.size === 0) this.#heartbeat.router.beat();
  }

  #planVips(identity: Identity): VipRoutes['routes'] {
    const nodes = [...this.#nodes.facts.values()];
    this.#nodeByAddress = new Map(nodes.flatMap(({ name, addresses }) => addresses.map((text) => [text, name])));
    this.#changedVips.clear();
    this.#vipRoutes.planAll(this.#vips.announced, identity, this.#nodeByAddress);
    this.#problems.report('vips', [...this.#vips.problems, ...this.#vipRoutes.problems]);
    return this.#vipRoutes.routes;
  }

  #announceVips(identity: Identity): void {
    const changed = [...this.#changedVips];
    this.#changedVips.clear();
    this.#peering.announceVips(this.#vipRoutes.plan(changed, this.#vips.announced, identity, this.#nodeByAddress));
    this.#problems.report('vips', [...this.#vips.problems, ...this.#vipRoutes.problems]);
  }

  #updateContext(identity: Identity): void {
    this.#context = routeContext(identity, this.#nodes.facts.values(), this.#host?.subnets ?? [], this.#options);
    this.#routing?.learned.setContext(this.#context);
    this.#overlay?.setIdentity(identity);
  }

  async #readHost(identity: Identity): Promise<HostFacts | undefined> {
    const netlink = this.#netlink;
    if (!netlink) return undefined;
    this.#host = readHost(await netlink.links(), await netlink.addresses(), identity);
    return this.#host;
  }

  /** The rib starts once, when it is known which routes of an earlier life are ours. */
  async #ensureRouting(): Promise<Routing | undefined> {
    const context = this.#context;
    if (this.#routing || !context) return this.#routing;
    const external = new Set(this.#plan?.external.map(({ address }) => address));
    const statePath = await this.#statePath();
    const rib = createRib({
      protocol: ROUTE_PROTOCOL,
      adopt: (route) => ownsRoute(route, context, external),
      holdStale: true,
      ...(statePath !== undefined && { statePath }),
    });
    observeRib(rib, this.#metrics, this.#log);
    const problem = await rib.start().then(
      () => undefined,
      (error: Error): Problem => ({ code: 'kernel', subject: 'rib', text: `kernel routes: ${error.message}` }),
    );
    this.#problems.report('rib', problem ? [problem] : []);
    if (problem) return undefined;
    const source = rib.source('bgp', { distance: BGP_DISTANCE });
    const learned = new LearnedRoutes(source, context, this.#options.bgpMaximumPaths, {
      changed: (received) => this.#routesChanged(received),
      tunnelsWanted: (addresses) => this.#overlay?.setRemotes(addresses),
    });
    this.#routing = { rib, learned };
    updateRouteGauges(rib, this.#metrics);
    this.#heartbeat.routes.beat();
    this.#log.info('kernel routes of an earlier life are kept', { routes: rib.counts().programmed });
    return this.#routing;
  }

  async #statePath(): Promise<string | undefined> {
    const directory = process.env['ROUTELET_STATE_DIRECTORY'] || STATE_DIRECTORY;
    try {
      await mkdir(directory, { recursive: true });
      return join(directory, 'routes.json');
    } catch (error) {
      this.#log.warn('routes are not remembered over a restart: the state folder cannot be made', { directory, error });
      return undefined;
    }
  }

  #speakerStarted(speaker: Speaker, deferred: boolean): void {
    // A peer that stays away must not keep the routes of an earlier life for ever; a speaker that defers has this timer itself.
    if (!deferred) this.#settleAfter(this.#options.bgpGracefulRestartDeferralTimeMs);
    this.#routing?.learned
      .follow(speaker)
      .catch((error) => this.#log.error('learned routes are not followed', { error }));
  }

  /** All has been learned that there is: routes of an earlier life that no session brought back go. */
  #settleAfter(delayMs: number): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      this.#routing?.learned.settle();
      this.#routing?.rib.release();
      this.#overlay?.release();
    }, delayMs);
  }

  #routesChanged(received: number): void {
    const refusals = this.#routing?.learned.refusals;
    if (!refusals) return;
    this.#metrics.bgpAdvertisementsReceived.inc(received);
    this.#metrics.hostRoutesOffSubnet.set(refusals.offSubnet);
    this.#problems.report('routes', refusals.problems);
  }

  async #resyncRoutes(): Promise<void> {
    this.#overlay?.resync();
    const rib = this.#routing?.rib;
    if (!rib) {
      // There is nothing to compare before this node is known.
      this.#heartbeat.routes.beat();
      return;
    }
    const end = this.#metrics.hostRoutesSyncSeconds.startTimer();
    try {
      await rib.resync();
      end();
      this.#peering.updateMetrics();
      this.#heartbeat.routes.beat();
    } catch (error) {
      this.#log.error('kernel routes cannot be compared', { error });
    }
  }

  async #networkPass(parts: ReadonlySet<NetworkPart>): Promise<void> {
    const identity = this.#plan?.identity;
    const network = this.#network;
    if (!identity || !network) return;
    const host = await this.#readHost(identity);
    if (!host) return;
    const state = { identity, nodes: [...this.#nodes.facts.values()], host };
    for (const part of networkParts) {
      if (!parts.has(part)) continue;
      const problems = await network.apply(part, state);
      this.#problems.report(part, problems);
      if (problems.some(({ code }) => code === 'kernel')) this.#networkFailures.add(part);
      else this.#networkFailures.delete(part);
    }
  }
}

/** Timers hold 31 bits; a longer period would fire at once. */
function timerMs(periodMs: number): number {
  return Math.min(periodMs, 0x7fff_ffff);
}
