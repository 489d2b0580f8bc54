/**
 * The service proxy: Services and EndpointSlices in, IPVS services, addresses on kube-dummy-if, sets and rules out. Level
 * triggered: a change marks the places that it touches, each is compared with what stands and only the difference is sent;
 * a full pass each period finds nothing to do. What is in the kernel stays there when the module stops.
 */
import {
  Conntrack,
  Ipvs,
  NetlinkError,
  RT_TABLE_LOCAL,
  Rtnetlink,
  type SubscriptionEvent,
} from '@routelet/netlink-wire';
import { addressFromBytes } from '../annotations/prefix.ts';
import type { ClusterChange, ClusterView, Kind } from '../cluster/model.ts';
import type { Heartbeat } from '../health/health.ts';
import { runCommand } from '../kernel/command.ts';
import { Ipset } from '../kernel/ipset.ts';
import { ensureModule } from '../kernel/module.ts';
import type { ModuleRuleset } from '../kernel/ruleset.ts';
import { applySysctls, readSysctls } from '../kernel/sysctl.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { Module, ModuleContext, ModuleDefinition, ModuleReport } from '../module.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Problem } from '../problem.ts';
import { ProblemLog } from '../problem-log.ts';
import { addressCheck } from '../service/address-ranges.ts';
import type { ServedAddresses } from '../service/served-addresses.ts';
import { WorkLoop } from '../work-loop.ts';
import { forgetFlows } from './flows.ts';
import {
  planProxyRules,
  planProxySysctls,
  planServiceSets,
  proxyClaim,
  rpFilterInterfaces,
  rpFilterKey,
} from './forwarding.ts';
import { HealthChecks } from './health-checks.ts';
import { DUMMY, planDummy, planHeld } from './held-addresses.ts';
import { equalNodes, type ProxyHost, readProxyHost } from './host.ts';
import { IpvsTable, type SyncResult } from './ipvs-table.ts';
import { describeSocket } from './model.ts';
import { ownership } from './ownership.ts';
import { ProxyTable, type TableChange } from './proxy-table.ts';
import { describeKind } from './service-plan.ts';
import { ServiceStats } from './service-stats.ts';
import { planInTurns } from './turns.ts';

/** Pods are only read for how long they want to end. */
export function serviceProxy({
  ipvsGracefulTermination,
}: Pick<AgentOptions, 'ipvsGracefulTermination'>): ModuleDefinition {
  const kinds: readonly Kind[] = ['Node', 'Service', 'EndpointSlice'];
  return {
    kinds: ipvsGracefulTermination ? [...kinds, 'Pod'] : kinds,
    create: (context) => new ServiceProxy(context),
  };
}

/** In the order in which they are done. A place stands before its address is held, and is held before it is guarded. */
const parts = ['host', 'full', 'drain', 'entries', 'addresses', 'sets', 'rules', 'health-checks'] as const;
type Part = (typeof parts)[number];

interface Clients {
  readonly ipvs: Ipvs;
  readonly netlink: Rtnetlink;
  readonly conntrack: Conntrack;
}

/** V-60. */
const DRAIN_EVERY_MS = 5000;
/** What failed is tried again. */
const RETRY_MS = 10_000;
/** The kernel makes the route of an IPv6 address some time after the address (addrconf_dad_work). */
const ROUTE_SETTLE_MS = 500;

class ServiceProxy implements Module {
  readonly name = 'service-proxy';
  readonly #options: AgentOptions;
  readonly #nodeName: string;
  readonly #cluster: ClusterView;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #rules: ModuleRuleset;
  readonly #ipset = new Ipset();
  readonly #served: ServedAddresses;
  readonly #heartbeat: Heartbeat;
  readonly #problems: ProblemLog;
  readonly #loop: WorkLoop<Part>;
  readonly #healthChecks: HealthChecks;
  readonly #closers: (() => void | Promise<void>)[] = [];
  readonly #failed = new Set<Part>();
  readonly #dirty = new Set<string>();
  readonly #refused = new Map<string, Problem>();
  #clients: Clients | undefined;
  #table: ProxyTable | undefined;
  #ipvs: IpvsTable | undefined;
  #host: ProxyHost | undefined;
  #heldAtStart: ReadonlySet<string> = new Set();
  /** When the first change since the last pass came. */
  #changedMs: number | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #settleTimer: NodeJS.Timeout | undefined;
  #adopted = false;
  #stats: ServiceStats | undefined;

  constructor({ options, nodeName, cluster, log, metrics, health, ruleset, served }: ModuleContext) {
    this.#served = served;
    this.#options = options;
    this.#nodeName = nodeName;
    this.#cluster = cluster;
    this.#log = log.child('proxy');
    this.#metrics = metrics;
    this.#rules = ruleset.module('proxy', proxyClaim);
    this.#heartbeat = health.register('NSC', options.ipvsSyncPeriodMs);
    this.#problems = new ProblemLog(this.#log);
    this.#healthChecks = new HealthChecks(() => this.#failed.size === 0);
    this.#loop = new WorkLoop(
      (marked) => this.#pass(marked),
      (error) => this.#log.error('a pass of the service proxy failed', { error }),
    );
  }

  /** Resolves after the first pass. Rejects when netlink cannot be opened. */
  async start(): Promise<void> {
    const clients = { ipvs: await Ipvs.open(), netlink: await Rtnetlink.open(), conntrack: await Conntrack.open() };
    this.#clients = clients;
    this.#closers.push(() => {
      for (const client of Object.values(clients)) client.close();
    });
    const subscription = await clients.netlink.subscribe(['link', 'address'], (event) => this.#hostChanged(event), {
      own: false,
    });
    this.#closers.push(() => subscription.close());
    this.#closers.push(this.#cluster.subscribe((changes) => this.#clusterChanged(changes)));
    const full = setInterval(() => this.#loop.mark(parts), Math.min(this.#options.ipvsSyncPeriodMs, 0x7fff_ffff));
    const drain = setInterval(() => {
      if (this.#ipvs && this.#ipvs.draining.length > 0) this.#loop.mark(['drain']);
    }, DRAIN_EVERY_MS);
    this.#closers.push(() => {
      clearInterval(full);
      clearInterval(drain);
      clearTimeout(this.#retryTimer);
      clearTimeout(this.#settleTimer);
    });
    this.#loop.mark(parts);
    await this.#loop.idle();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#stats?.close();
    await this.#healthChecks.close();
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  report(): ModuleReport {
    return {
      counts: {
        'services wanted': this.#table?.size ?? 0,
        'services programmed': this.#ipvs?.size ?? 0,
        'services refused': this.#refused.size,
      },
      problems: this.#problems.standing,
    };
  }

  #clusterChanged(changes: readonly ClusterChange[]): void {
    if (changes.some(({ kind, object }) => kind === 'Node' && object.metadata.name === this.#nodeName)) {
      this.#loop.mark(['host']);
    }
    if (!this.#table) return;
    const change = this.#table.apply(changes);
    if (change.entries.size > 0) this.#changedMs ??= performance.now();
    this.#take(change);
  }

  #take({ entries, places, hairpin, healthChecks, problems }: TableChange): void {
    for (const key of entries) this.#dirty.add(key);
    if (entries.size > 0) this.#loop.mark(['entries']);
    if (places) this.#loop.mark(['addresses', 'sets', 'rules']);
    if (hairpin) this.#loop.mark(['rules']);
    if (healthChecks) this.#loop.mark(['health-checks']);
    if (problems) this.#problems.report('services', this.#table?.problems ?? []);
  }

  #hostChanged(event: SubscriptionEvent): void {
    if (event.kind === 'resync-needed') this.#loop.mark(parts);
    else if (event.kind === 'link') {
      if (event.object.name === DUMMY) this.#loop.mark(['addresses']);
    } else if (event.kind === 'address') this.#loop.mark(['host']);
  }

  async #pass(marked: ReadonlySet<Part>): Promise<void> {
    const startedMs = performance.now();
    const changedMs = this.#changedMs;
    this.#changedMs = undefined;
    const clients = this.#clients;
    if (!clients) return;
    if (marked.has('host') || !this.#host) await this.#part('host', () => this.#readHost(clients));
    const [table, host] = [this.#table, this.#host];
    if (!table || !host) return;
    // Addresses without services behind them would refuse everybody.
    if ((marked.has('full') || !this.#ipvs) && !(await this.#part('full', () => this.#adopt(clients, table, host))))
      return;
    const ipvs = this.#ipvs;
    if (!ipvs) return;
    if (marked.has('drain')) await this.#part('drain', async () => this.#settle(await ipvs.drain(), table, clients));
    await this.#part('entries', () => this.#syncEntries(ipvs, table, clients));
    if (changedMs !== undefined) this.#metrics.serviceLatencySeconds.observe((performance.now() - changedMs) / 1000);
    if (marked.has('addresses')) await this.#part('addresses', () => this.#syncAddresses(clients, table, ipvs, host));
    if (marked.has('sets')) await this.#part('sets', () => this.#syncSets(table, host));
    if (marked.has('rules')) await this.#part('rules', () => this.#syncRules(table, host));
    if (marked.has('health-checks')) {
      await this.#part('health-checks', async () => this.#healthChecks.set(table.healthChecks));
    }
    this.#metrics.ipvsServices.set(ipvs.size);
    if (marked.has('full')) this.#metrics.ipvsServicesSyncSeconds.observe((performance.now() - startedMs) / 1000);
    if (this.#failed.size === 0) this.#heartbeat.beat();
  }

  /** Does one part. Problems of the kernel make it a failure, which is tried again; resolves with whether it is none. */
  async #part(part: Part, act: () => Promise<readonly Problem[] | undefined>): Promise<boolean> {
    let problems: readonly Problem[];
    try {
      problems = (await act()) ?? [];
    } catch (error) {
      problems = [kernelProblem(part, `${part}: ${error instanceof Error ? error.message : String(error)}`)];
    }
    this.#problems.report(part, problems);
    const failed = problems.some(({ code }) => code === 'kernel');
    if (failed) {
      this.#failed.add(part);
      this.#retryTimer ??= setTimeout(() => {
        this.#retryTimer = undefined;
        for (const key of this.#refused.keys()) this.#dirty.add(key);
        this.#loop.mark(this.#failed);
      }, RETRY_MS);
    } else this.#failed.delete(part);
    return !failed;
  }

  async #readHost({ netlink }: Clients): Promise<readonly Problem[]> {
    const own = this.#cluster.get('Node', this.#nodeName);
    if (!own) {
      const text = `no Node object named ${this.#nodeName}, expected one: services are not served`;
      return [{ code: 'node-missing', subject: this.#nodeName, text }];
    }
    const [links, addresses] = [await netlink.links(), await netlink.addresses()];
    const dummy = links.find(({ name }) => name === DUMMY)?.index;
    if (!this.#adopted) {
      const held = addresses.filter(({ index }) => index === dummy);
      this.#heldAtStart = new Set(held.flatMap(({ local }) => addressFromBytes(local)?.text ?? []));
    }
    const before = this.#host;
    const host = readProxyHost(own, links, addresses, this.#options);
    this.#host = host;
    if (before && this.#table && equalHosts(before, host)) return host.problems;
    if (before) this.#loop.mark(['addresses', 'sets', 'rules']);
    if (before && this.#table && equalNodes(before.node, host.node)) return host.problems;
    this.#table ??= new ProxyTable(this.#cluster, host.node, {
      check: addressCheck(this.#options),
      hairpinMode: this.#options.hairpinMode,
      namesAnnotations: !this.#options.runRouter,
    });
    this.#table.setNode(host.node);
    await planInTurns(this.#table, (change) => this.#take(change));
    return host.problems;
  }

  /** Reads what stands, so that all of it is compared with what is wanted. */
  async #adopt({ ipvs: client, netlink }: Clients, table: ProxyTable, host: ProxyHost): Promise<readonly Problem[]> {
    const failure = await ensureModule('ip_vs', '/proc/net/ip_vs', runCommand);
    try {
      await client.info();
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== 'ENOFAMILY') throw error;
      const why = failure === undefined ? '' : ` (${failure})`;
      return [
        kernelProblem('ip_vs', `this kernel has no IPVS: expected the module ip_vs${why}: services are not served`),
      ];
    }
    await netlink.apply(planDummy(await netlink.links()));
    const problems = await this.#syncSysctls(host);
    await this.#setTimeouts(client);
    const owns = ownership(this.#options);
    this.#ipvs ??= new IpvsTable({
      client,
      wanted: (key) => this.#table?.entry(key),
      owns: (point) => owns(point, { held: this.#heldAtStart, node: this.#host?.node.addresses ?? new Set() }),
      graceMs: (pod) => this.#graceMs(pod),
      nowMs: () => performance.now(),
    });
    this.#stats ??= new ServiceStats(client, table, this.#metrics);
    await this.#ipvs.read();
    for (const [key] of table.entries()) this.#dirty.add(key);
    for (const key of this.#ipvs.standingKeys()) this.#dirty.add(key);
    return problems;
  }

  #graceMs(pod: string | undefined): number {
    const { ipvsGracefulTermination, ipvsGracefulPeriodMs } = this.#options;
    if (!ipvsGracefulTermination) return 0;
    const [namespace = '', name = ''] = pod?.split('/') ?? [];
    const seconds =
      pod === undefined ? undefined : this.#cluster.get('Pod', name, namespace)?.spec.terminationGracePeriodSeconds;
    return seconds === undefined ? ipvsGracefulPeriodMs : seconds * 1000;
  }

  async #syncSysctls(host: ProxyHost): Promise<Problem[]> {
    const interfaces = rpFilterInterfaces(host.interface);
    // What is not there needs no change, what differs from nothing shows its present value by being strict.
    const strict = await readSysctls(interfaces.map((name) => ({ key: rpFilterKey(name), value: '1' })));
    const others = new Set([...strict.missing, ...strict.writes.map(({ key }) => key)]);
    const filters = new Map(interfaces.map((name) => [name, others.has(rpFilterKey(name)) ? '0' : '1']));
    const wanted = planProxySysctls(host.interface, filters);
    const problems: Problem[] = [];
    const { writes, missing } = await readSysctls(wanted);
    for (const sysctl of writes) {
      try {
        await applySysctls([sysctl]);
        this.#log.info('sysctl set', { ...sysctl });
      } catch (error) {
        // EROFS in a container that is not privileged: services are served all the same, though not as well.
        const why = error instanceof Error ? error.message : String(error);
        problems.push(sysctlProblem(sysctl.key, `cannot be set to ${sysctl.value}: ${why}`));
      }
    }
    return [...problems, ...missing.map((key) => sysctlProblem(key, 'is not there, expected to set it'))];
  }

  /** V-94: 0 keeps what the system has. */
  async #setTimeouts(client: Ipvs): Promise<void> {
    const { serviceTcpTimeoutMs, serviceTcpFinTimeoutMs, serviceUdpTimeoutMs } = this.#options;
    const seconds = (ms: number) => Math.round(ms / 1000);
    const wanted = {
      tcp: seconds(serviceTcpTimeoutMs),
      tcpFin: seconds(serviceTcpFinTimeoutMs),
      udp: seconds(serviceUdpTimeoutMs),
    };
    const standing = await client.timeouts();
    const differs = (['tcp', 'tcpFin', 'udp'] as const).some(
      (name) => wanted[name] !== 0 && wanted[name] !== standing[name],
    );
    if (!differs) return;
    const [error] = await client.apply([{ kind: 'timeouts', action: 'set', object: wanted }]);
    if (error) throw error;
    this.#log.info('IPVS timeouts set', wanted);
  }

  async #syncEntries(ipvs: IpvsTable, table: ProxyTable, clients: Clients): Promise<readonly Problem[]> {
    if (this.#dirty.size === 0) return [...this.#refused.values()];
    const keys = [...this.#dirty];
    this.#dirty.clear();
    const result = await ipvs.sync(keys);
    for (const key of keys) this.#refused.delete(key);
    const flows = await this.#settle(result, table, clients);
    if (!this.#adopted) {
      this.#log.info('services are served', { services: ipvs.size, operations: result.operations });
      this.#adopted = true;
    }
    return [...this.#refused.values(), ...flows];
  }

  async #settle(
    { refused, rerouted }: SyncResult,
    table: ProxyTable,
    { conntrack }: Clients,
  ): Promise<readonly Problem[]> {
    for (const [key, error] of refused) this.#refused.set(key, refusal(key, error, table));
    const places = new Map(rerouted.filter((key) => key.startsWith('udp ')).map((key) => [key, table.entry(key)]));
    if (places.size === 0) return [];
    try {
      await forgetFlows(conntrack, places);
      return [];
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      const text = `flows of UDP services are not forgotten, clients stay with endpoints that are gone: ${error.message}`;
      return [{ code: 'flows', subject: 'conntrack', text }];
    }
  }

  async #syncAddresses(
    { netlink }: Clients,
    table: ProxyTable,
    ipvs: IpvsTable,
    { source }: ProxyHost,
  ): Promise<readonly Problem[]> {
    const links = await netlink.links();
    const made = planDummy(links);
    if (made.length > 0) {
      const [error] = await netlink.apply(made);
      if (error && error.code !== 'EEXIST') throw error;
    }
    const index = (made.length > 0 ? await netlink.links() : links).find(({ name }) => name === DUMMY)?.index;
    if (index === undefined) throw new Error(`interface ${DUMMY} is not there`);
    // An address whose services the kernel refused would refuse its clients.
    const wanted = [...table.held()].flatMap(({ address, entries }) =>
      [...entries].some((key) => ipvs.stands(key)) ? address : [],
    );
    const operations = planHeld({
      wanted,
      index,
      addresses: await netlink.addresses(),
      routes: await netlink.routes({ table: RT_TABLE_LOCAL }),
      source,
    });
    const results = await netlink.apply(operations);
    if (operations.length > 0) this.#log.info('service addresses changed', { operations: operations.length });
    if (
      operations.some(
        ({ kind, action, object }) => kind === 'address' && action === 'add' && object.local.length === 16,
      )
    ) {
      clearTimeout(this.#settleTimer);
      this.#settleTimer = setTimeout(() => this.#loop.mark(['addresses']), ROUTE_SETTLE_MS);
    }
    this.#served.set(new Set(wanted.map(({ text }) => text)));
    const tolerated = new Set(['EEXIST', 'ESRCH', 'ENOENT', 'EADDRNOTAVAIL']);
    return results.flatMap((error) =>
      error === undefined || tolerated.has(error.code)
        ? []
        : kernelProblem(error.message, `${DUMMY}: ${error.message}`),
    );
  }

  async #syncSets(table: ProxyTable, host: ProxyHost): Promise<undefined> {
    const entries = [...table.entries()].map(([, virtual]) => virtual);
    const goals = host.node.families.flatMap((family) =>
      planServiceSets({
        family,
        entries,
        localIps: host.localIps.flatMap((address) => (address.family === family ? address.text : [])),
        permitAll: this.#options.ipvsPermitAll,
      }),
    );
    const changes = await this.#ipset.apply(goals);
    if (changes > 0) this.#log.info('ipsets changed', { changes });
  }

  async #syncRules(table: ProxyTable, { node, source, podCidrs }: ProxyHost): Promise<readonly Problem[]> {
    const problems: Problem[] = [];
    const entries = [...table.entries()].map(([, virtual]) => virtual);
    const { masqueradeAll, ipvsPermitAll: permitAll } = this.#options;
    for (const family of node.families) {
      try {
        const randomFully = await this.#rules.randomFully(family);
        const from = source[family]?.text ?? '';
        const goal = planProxyRules({ family, source: from, podCidrs, masqueradeAll, permitAll, randomFully, entries });
        const { changes, drifted, held } = await this.#rules.apply(family, goal);
        if (drifted.length > 0)
          this.#log.warn('iptables rules were changed by others and are put back', { family, chains: drifted });
        if (changes > 0) this.#log.info('iptables rules changed', { family, changes });
        problems.push(...held.map((text): Problem => ({ code: 'rules', subject: text, text })));
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        problems.push(kernelProblem(`rules IPv${family}`, text));
      }
    }
    return problems;
  }
}

function equalHosts(a: ProxyHost, b: ProxyHost): boolean {
  const text = ({ podCidrs, source, interface: name, localIps }: ProxyHost) =>
    JSON.stringify([
      podCidrs.map((one) => one.text),
      source[4]?.text,
      source[6]?.text,
      name,
      localIps.map((one) => one.text),
    ]);
  return equalNodes(a.node, b.node) && text(a) === text(b);
}

/** What people can do something about, by error code. */
function refusal(key: string, error: NetlinkError, table: ProxyTable): Problem {
  const virtual = table.entry(key);
  if (!virtual) return kernelProblem(key, `IPVS service ${key} stays: ${error.message}`);
  const { service, kind, address, port, protocol, scheduler } = virtual;
  const place = `${describeKind(kind)} ${describeSocket(address, port)} ${protocol}`;
  // ip_vs_ctl.c ip_vs_add_service: the module of the scheduler is asked for and does not come.
  const missing = error.code === 'ENOENT' ? `, expected the kernel module ip_vs_${scheduler}` : '';
  return kernelProblem(`${service} ${key}`, `service ${service}: ${place}: ${error.message}${missing}`);
}

function sysctlProblem(key: string, text: string): Problem {
  return { code: 'sysctl', subject: key, text: `sysctl ${key} ${text}`, level: 'warn' };
}

function kernelProblem(subject: string, text: string): Problem {
  return { code: 'kernel', subject, text };
}
