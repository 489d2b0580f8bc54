/**
 * Keeps the overlay's objects in the kernel as planned: tunnel devices, GUE ports, the rules and routes of table 77, and
 * its name in rt_tables. Reads what stands, writes the difference; a tunnel that cannot be made is a problem and the others
 * go on. A tunnel comes before the routes through it and goes after them.
 */
import type { Link, NetlinkError, Operation, Route, Rtnetlink, SubscriptionEvent } from '@routelet/netlink-wire';
import type { Command } from '../../kernel/command.ts';
import { ensureModule } from '../../kernel/module.ts';
import { ensureRouteTable, routeTables, routeTablesFiles } from '../../kernel/route-tables.ts';
import type { Log } from '../../log.ts';
import type { AgentOptions } from '../../options/options.ts';
import type { Problem } from '../../problem.ts';
import { WorkLoop } from '../../work-loop.ts';
import type { Identity } from '../identity.ts';
import { type GuePort, planGuePorts } from './gue-ports.ts';
import { planRules, planTableRoutes } from './rules.ts';
import { type Device, describeTunnel, readDevice, type Tunnel, tunnelSettings } from './tunnel.ts';
import { planTunnels, type TunnelOperation, type TunnelPlan } from './tunnels.ts';

const overlayParts = ['rules', 'tunnels'] as const;
type OverlayPart = (typeof overlayParts)[number];

/** The kernel's listeners for GUE packets. */
export interface GuePorts {
  list(): Promise<readonly GuePort[]>;
  add(port: GuePort): Promise<void>;
  remove(port: GuePort): Promise<void>;
}

export interface OverlayDependencies {
  readonly options: Pick<AgentOptions, 'enableOverlay' | 'overlayEncap' | 'overlayEncapPort'>;
  readonly netlink: Pick<Rtnetlink, 'links' | 'rules' | 'routes' | 'apply'>;
  readonly guePorts: GuePorts;
  readonly run: Command;
  readonly log: Log;
  /** The devices as they are now, by the address of the node; undefined where there can be none. */
  readonly devices: (names: ReadonlyMap<string, string | undefined>) => void;
  /** Resolves when routes that are not wanted any more are out of the kernel. */
  readonly routesSettled: () => Promise<void>;
  readonly report: (problems: readonly Problem[]) => void;
  readonly routeTablesFiles?: readonly string[];
}

export class Overlay {
  readonly #dependencies: OverlayDependencies;
  readonly #loop: WorkLoop<OverlayPart>;
  readonly #problems = new Map<OverlayPart, readonly Problem[]>();
  #identity: Identity | undefined;
  #remotes: ReadonlySet<string> = new Set();
  #names: ReadonlyMap<string, string> = new Map();
  /** Tunnels of an earlier life stay until it is known which of them are used. */
  #hold = true;
  #unnamed: string | undefined;

  constructor(dependencies: OverlayDependencies) {
    this.#dependencies = dependencies;
    const failed = (error: unknown) => dependencies.log.error('a pass of the overlay failed', { error });
    this.#loop = new WorkLoop((parts) => this.#pass(parts), failed);
  }

  setIdentity(identity: Identity): void {
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.resync();
  }

  /** Addresses of nodes to which there shall be tunnels. */
  setRemotes(remotes: ReadonlySet<string>): void {
    this.#remotes = remotes;
    this.#loop.mark(['tunnels']);
  }

  /** What is learned is learned: tunnels of an earlier life that no route uses go. */
  release(): void {
    this.#hold = false;
    this.#loop.mark(['tunnels']);
  }

  /** Compares everything. */
  resync(): void {
    this.#loop.mark(overlayParts);
  }

  heard(event: SubscriptionEvent): void {
    if (event.kind !== 'link' || event.own) return;
    if ([...this.#names.values()].includes(event.object.name)) this.#loop.mark(['tunnels']);
  }

  idle(): Promise<void> {
    return this.#loop.idle();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #pass(parts: ReadonlySet<OverlayPart>): Promise<void> {
    const identity = this.#identity;
    if (!identity) return;
    const act = { rules: () => this.#applyRules(identity), tunnels: () => this.#applyTunnels(identity) };
    for (const part of overlayParts) {
      if (!parts.has(part)) continue;
      const problems = await act[part]().catch((error: Error) => [problemOf(`overlay ${part}`, error.message)]);
      this.#problems.set(part, problems);
    }
    this.#dependencies.report([...this.#problems.values()].flat());
  }

  async #applyRules({ podCidrs }: Identity): Promise<Problem[]> {
    const { netlink, options, log, routeTablesFiles: files = routeTablesFiles } = this.#dependencies;
    const unnamed = await ensureRouteTable(routeTables.kubeRouter, files);
    // No problem of routing: only people miss it.
    if (unnamed !== undefined && unnamed !== this.#unnamed) log.info(`route table without a name: ${unnamed}`);
    this.#unnamed = unnamed;
    const operations = planRules(options.enableOverlay ? podCidrs : [], await netlink.rules());
    return this.#apply(operations, 'rules of table 77');
  }

  async #applyTunnels(identity: Identity): Promise<Problem[]> {
    const { netlink, devices, routesSettled } = this.#dependencies;
    const standing = (await netlink.links()).map(readDevice);
    const plan = this.#plan(identity, standing);
    const problems = [
      ...plan.problems,
      ...(await this.#openGuePorts(plan.wanted)),
      ...(await this.#make(plan.operations)),
    ];
    problems.push(...(await this.#routeTable(plan.names)));
    this.#names = plan.names;
    devices(new Map([...this.#remotes].map((remote) => [remote, plan.names.get(remote)])));
    const gone = plan.operations.filter(({ action }) => action === 'delete');
    if (plan.stale.length > 0) {
      await routesSettled();
      // Some may be wanted again.
      const { stale } = this.#plan(identity, standing);
      problems.push(...(await this.#make(stale)));
      gone.push(...stale);
    }
    return [...problems, ...(await this.#closeGuePorts(plan.wanted, gone))];
  }

  #plan({ ipv4, ipv6 }: Identity, standing: readonly Device[]): TunnelPlan {
    const { enableOverlay, overlayEncap, overlayEncapPort } = this.#dependencies.options;
    const wishes = {
      remotes: enableOverlay ? this.#remotes : [],
      local: { 4: ipv4, 6: ipv6 },
      guePort: overlayEncap === 'fou' ? overlayEncapPort : undefined,
      hold: this.#hold,
    };
    return planTunnels(wishes, standing);
  }

  async #make(operations: readonly TunnelOperation[]): Promise<Problem[]> {
    const results = await this.#dependencies.netlink.apply(operations.map(requestOf));
    const problems: Problem[] = [];
    for (const [i, operation] of operations.entries()) {
      const { action, tunnel } = operation;
      const name = operation.action === 'create' ? operation.name : operation.device.name;
      const error = results[i];
      if (!error) this.#dependencies.log.info(`tunnel ${action}`, { name, ...tunnel });
      else if (action !== 'delete' || error.code !== 'ENODEV') problems.push(tunnelProblem(name, tunnel, error));
    }
    return problems;
  }

  /** Each remote address by way of its tunnel, for packets from pods. */
  async #routeTable(names: ReadonlyMap<string, string>): Promise<Problem[]> {
    const { netlink } = this.#dependencies;
    const links = new Map((await netlink.links()).map((link: Link) => [link.name, link.index]));
    const entries = [...names].flatMap(([remote, name]) => {
      const index = links.get(name);
      return index === undefined ? [] : [{ remote, index }];
    });
    const { id } = routeTables.kubeRouter;
    const actual: Route[] = await netlink.routes({ table: id });
    return this.#apply(planTableRoutes(entries, actual), `routes of table ${id}`);
  }

  async #apply(operations: readonly Operation[], what: string): Promise<Problem[]> {
    const results = await this.#dependencies.netlink.apply(operations);
    const refused = results.filter((error) => error !== undefined);
    if (operations.length > refused.length)
      this.#dependencies.log.info(`${what} changed`, { changes: operations.length - refused.length });
    return refused.map(({ message }) => problemOf(message, message));
  }

  async #openGuePorts(tunnels: readonly Tunnel[]): Promise<Problem[]> {
    const { guePorts, run, log } = this.#dependencies;
    const encapsulated = tunnels.filter(({ guePort }) => guePort !== undefined);
    if (encapsulated.length === 0) return [];
    // A kernel may have them built in without saying so: what counts is whether the port opens.
    const kinds = new Set(encapsulated.map(({ kind }) => kind));
    const modules = await Promise.all([...kinds].map((kind) => loadModule(kind === 'ipip' ? 'fou' : 'fou6', run)));
    const problems: Problem[] = [];
    for (const port of planGuePorts(encapsulated, [], await guePorts.list()).add) {
      try {
        await guePorts.add(port);
        log.info('GUE port opened', { ...port });
      } catch (error) {
        const why = [error instanceof Error ? error.message : error, ...modules.filter((text) => text !== undefined)];
        problems.push(
          problemOf(`gue ${port.family}`, `GUE on IPv${port.family} UDP port ${port.port}: ${why.join('; ')}`),
        );
      }
    }
    return problems;
  }

  async #closeGuePorts(wanted: readonly Tunnel[], gone: readonly TunnelOperation[]): Promise<Problem[]> {
    const { guePorts, log } = this.#dependencies;
    const tunnels = gone.map(({ tunnel }) => tunnel).filter(({ guePort }) => guePort !== undefined);
    if (tunnels.length === 0) return [];
    for (const port of planGuePorts(wanted, tunnels, await guePorts.list()).remove) {
      await guePorts.remove(port);
      log.info('GUE port closed', { ...port });
    }
    return [];
  }
}

function loadModule(name: string, run: Command): Promise<string | undefined> {
  return ensureModule(name, `/sys/module/${name}`, run);
}

function requestOf(operation: TunnelOperation): Operation {
  if (operation.action === 'create') {
    return { kind: 'link', action: 'create', object: tunnelSettings(operation.name, operation.tunnel) };
  }
  const { index } = operation.device;
  return operation.action === 'up'
    ? { kind: 'link', action: 'set', object: { index, up: true } }
    : { kind: 'link', action: 'delete', object: { index } };
}

function tunnelProblem(name: string, tunnel: Tunnel, { message }: NetlinkError): Problem {
  return problemOf(`tunnel ${tunnel.remote}`, `tunnel ${name} (${describeTunnel(tunnel)}): ${message}`);
}

function problemOf(subject: string, text: string): Problem {
  return { code: 'kernel', subject, text };
}
