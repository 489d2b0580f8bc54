/**
 * The plans of all Services as one: which virtual service stands at each place, and which addresses this node holds. Kept
 * up to date from the changes of the cluster; only the Services that a change is about are planned again.
 */
import type { IpAddress } from '../annotations/prefix.ts';
import type { ClusterChange, ClusterView } from '../cluster/model.ts';
import type { Problem } from '../problem.ts';
import { changedServices, serviceKey } from '../service/service-facts.ts';
import { describeSocket, entryKey, type HealthCheck, type ServicePlan, type VirtualService } from './model.ts';
import { describeKind, type PlanSettings, type ProxyNode, planService } from './service-plan.ts';

/** What another plan of some Services changed. */
export interface TableChange {
  /** Keys of virtual services that came, went or are others now. */
  readonly entries: ReadonlySet<string>;
  /** Some place came or went, or lets other clients in. */
  readonly places: boolean;
  readonly hairpin: boolean;
  readonly healthChecks: boolean;
  readonly problems: boolean;
}

export interface HeldAddress {
  readonly address: IpAddress;
  /** Keys of its virtual services. */
  readonly entries: ReadonlySet<string>;
}

interface Claim {
  readonly plan: ServicePlan;
  readonly virtual: VirtualService;
}

export class ProxyTable {
  readonly #cluster: ClusterView;
  readonly #settings: PlanSettings;
  #node: ProxyNode;
  readonly #plans = new Map<string, ServicePlan>();
  /** All who want a place, the one who has it first. */
  readonly #claims = new Map<string, readonly Claim[]>();
  /** The places of each address that this node holds for Services. */
  readonly #addresses = new Map<string, HeldAddress & { readonly entries: Set<string> }>();
  readonly #healthChecks = new Map<string, HealthCheck>();
  readonly #planProblems = new Map<string, readonly Problem[]>();
  readonly #conflicts = new Map<string, readonly Problem[]>();

  constructor(cluster: ClusterView, node: ProxyNode, settings: PlanSettings) {
    this.#cluster = cluster;
    this.#node = node;
    this.#settings = settings;
  }

  get node(): ProxyNode {
    return this.#node;
  }

  /** The virtual service of a key; undefined where there is none. */
  entry(key: string): VirtualService | undefined {
    return this.#claims.get(key)?.[0]?.virtual;
  }

  /** All virtual services by key. */
  *entries(): Generator<readonly [string, VirtualService]> {
    for (const [key, [first]] of this.#claims) if (first) yield [key, first.virtual];
  }

  get size(): number {
    return this.#claims.size;
  }

  /** Addresses that this node holds for Services, node ports aside, each with its places. */
  held(): Iterable<HeldAddress> {
    return this.#addresses.values();
  }

  get healthChecks(): readonly HealthCheck[] {
    return [...this.#healthChecks.values()];
  }

  get problems(): Problem[] {
    return [...this.#planProblems.values(), ...this.#conflicts.values()].flat();
  }

  /** Names of all Services that are planned or are to be. */
  services(): string[] {
    return [...new Set([...this.#cluster.list('Service').map(serviceKey), ...this.#plans.keys()])];
  }

  /** From now on plans are made for this node; those that stand are not made anew by this. */
  setNode(node: ProxyNode): void {
    this.#node = node;
  }

  /** Plans again what the changes are about. */
  apply(changes: readonly ClusterChange[]): TableChange {
    return this.plan(changedServices(changes));
  }

  /** Plans these Services again. */
  plan(services: Iterable<string>): TableChange {
    const change = { entries: new Set<string>(), places: false, hairpin: false, healthChecks: false, problems: false };
    for (const key of services) {
      const before = this.#plans.get(key);
      const after = this.#planOne(key);
      if (before === undefined && after === undefined) continue;
      if (after === undefined) this.#plans.delete(key);
      else this.#plans.set(key, after);
      change.problems = keep(this.#planProblems, key, after?.problems ?? [], textOf) || change.problems;
      change.healthChecks = keepOne(this.#healthChecks, key, after?.healthCheck) || change.healthChecks;
      const places = new Set([...keysOf(before), ...keysOf(after)]);
      for (const place of places) this.#settle(place, key, after, change);
    }
    return change;
  }

  #planOne(key: string): ServicePlan | undefined {
    const [namespace = '', name = ''] = key.split('/');
    const service = this.#cluster.get('Service', name, namespace);
    if (service === undefined) return undefined;
    return planService(service, this.#cluster.listBy('EndpointSlice', key), this.#node, this.#settings);
  }

  /** Works out anew who has one place after the plan of one Service changed. */
  #settle(
    place: string,
    service: string,
    plan: ServicePlan | undefined,
    change: { entries: Set<string>; places: boolean; hairpin: boolean; problems: boolean },
  ): void {
    const claims = this.#claims.get(place) ?? [];
    const before = claims[0]?.virtual;
    const others = claims.filter((claim) => claim.plan.service !== service);
    const virtual = plan?.virtualServices.find((one) => entryKey(one) === place);
    const now = plan && virtual ? [...others, { plan, virtual }].sort(byRank) : others;
    const after = now[0]?.virtual;
    if (now.length === 0) this.#claims.delete(place);
    else this.#claims.set(place, now);
    change.problems = keep(this.#conflicts, place, conflictsOf(now), textOf) || change.problems;
    if (before === after || (before && after && equalEntries(before, after))) return;
    change.entries.add(place);
    if (before?.hairpin || after?.hairpin) change.hairpin = true;
    if (!before || !after || before.kind !== after.kind || before.sourceRanges?.join() !== after.sourceRanges?.join()) {
      change.places = true;
    }
    this.#hold(place, before, after);
  }

  #hold(place: string, before: VirtualService | undefined, after: VirtualService | undefined): void {
    if (before && before.kind !== 'node-port') {
      const held = this.#addresses.get(before.address.text);
      held?.entries.delete(place);
      if (held?.entries.size === 0) this.#addresses.delete(before.address.text);
    }
    if (after && after.kind !== 'node-port') {
      const { address } = after;
      const held = this.#addresses.get(address.text) ?? { address, entries: new Set() };
      this.#addresses.set(address.text, held);
      held.entries.add(place);
    }
  }
}

/** What the cluster gave out comes before what a Service's author wrote, and the older before the younger. */
function byRank(a: Claim, b: Claim): number {
  const given = ({ virtual: { kind } }: Claim) => (kind === 'cluster-ip' || kind === 'node-port' ? 0 : 1);
  return (
    given(a) - given(b) || compareTexts(a.plan.created, b.plan.created) || compareTexts(a.plan.service, b.plan.service)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function conflictsOf([first, ...rest]: readonly Claim[]): Problem[] {
  if (!first) return [];
  return rest.map(({ plan: { service }, virtual: { kind, address, port, protocol } }) => {
    const place = `${describeKind(kind)} ${describeSocket(address, port)} ${protocol}`;
    return {
      code: 'vip-conflict',
      subject: `${service} ${place}`,
      text: `service ${service}: ${place} is not served: service ${first.plan.service} has it (cluster IPs and node ports come first, then the oldest)`,
    };
  });
}

function keysOf(plan: ServicePlan | undefined): string[] {
  return (plan?.virtualServices ?? []).map(entryKey);
}

/** Equal to clients and kernel. */
export function equalEntries(a: VirtualService, b: VirtualService): boolean {
  return (
    a.service === b.service &&
    a.kind === b.kind &&
    a.scheduler === b.scheduler &&
    a.flags === b.flags &&
    a.timeoutSeconds === b.timeoutSeconds &&
    a.hairpin === b.hairpin &&
    a.sourceRanges?.join() === b.sourceRanges?.join() &&
    a.backends.length === b.backends.length &&
    a.backends.every((one, i) => {
      const other = b.backends[i];
      return (
        other !== undefined &&
        one.address.text === other.address.text &&
        one.port === other.port &&
        one.local === other.local &&
        one.pod === other.pod
      );
    })
  );
}

const textOf = (problems: readonly Problem[]) => problems.map(({ text }) => text).join('\n');

/** Keeps the values of the few that have any; tells whether they are others than before. */
function keep<T>(
  map: Map<string, readonly T[]>,
  key: string,
  values: readonly T[],
  text: (values: readonly T[]) => string,
): boolean {
  const before = map.get(key) ?? [];
  if (values.length > 0) map.set(key, values);
  else map.delete(key);
  return text(before) !== text(values);
}

function keepOne(map: Map<string, HealthCheck>, key: string, value: HealthCheck | undefined): boolean {
  const before = map.get(key);
  if (value === undefined) map.delete(key);
  else map.set(key, value);
  return before?.port !== value?.port || before?.localEndpoints !== value?.localEndpoints;
}
