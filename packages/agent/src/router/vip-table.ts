/**
 * The decisions of all Services, kept up to date from the changes of the cluster: only the Services that a change is about
 * are planned again. An address that several Services have is announced while any of them wants it.
 */

import type { ClusterChange, ClusterView } from '../cluster/model.ts';
import type { Problem } from '../problem.ts';
import type { RangeOptions } from '../service/address-ranges.ts';
import { type AddressCheck, addressCheck } from '../service/address-ranges.ts';
import { type OwnNode, summarizeEndpoints } from '../service/endpoint-summary.ts';
import {
  changedServices,
  describeAnnotations,
  readServiceFacts,
  type ServiceFacts,
  serviceKey,
} from '../service/service-facts.ts';
import { describeVip, isWanted, planVips, type VipDecision, type VipOptions } from './vip-plan.ts';

/** An announced address, with what its Services want added to it. Equal content is the same object. */
export interface Vip {
  readonly address: VipDecision['address'];
  readonly communities: readonly number[];
}

export interface VipTableChange {
  /** Addresses that are announced and were not, or the other way round, or with other communities. */
  readonly announced: readonly string[];
  /** The set of addresses that some node may announce is another one. */
  readonly wanted: boolean;
  /** Some problem came or went. */
  readonly problems: boolean;
}

interface ServicePlan {
  readonly facts: ServiceFacts;
  readonly decisions: readonly VipDecision[];
  readonly problems: readonly Problem[];
}

interface Address {
  /** Plans that have it, by Service. */
  readonly services: Map<string, ServicePlan>;
  /** Undefined while nobody announces it. */
  vip: Vip | undefined;
  wanted: boolean;
}

export class VipTable {
  readonly #cluster: ClusterView;
  readonly #options: VipOptions;
  readonly #check: AddressCheck;
  readonly #plans = new Map<string, ServicePlan>();
  readonly #addresses = new Map<string, Address>();
  readonly #announced = new Map<string, Vip>();
  /** Of the few Services that have any. */
  readonly #problems = new Map<string, readonly Problem[]>();
  #wanted: readonly string[] | undefined = [];
  #own: OwnNode;
  readonly #isServed: (address: string) => boolean;

  /** `isServed`: whether an address is served on this node; only then is it announced. */
  constructor(
    cluster: ClusterView,
    nodeName: string,
    options: VipOptions & RangeOptions,
    isServed: (address: string) => boolean = () => true,
  ) {
    this.#isServed = isServed;
    this.#cluster = cluster;
    this.#options = options;
    this.#check = addressCheck(options);
    this.#own = { name: nodeName, addresses: new Set() };
  }

  /** What this node announces, by canonical address. */
  get announced(): ReadonlyMap<string, Vip> {
    return this.#announced;
  }

  /** Addresses that flags and annotations want announced, by whichever node, sorted: the same list while it is equal. */
  get wanted(): readonly string[] {
    this.#wanted ??= [...this.#addresses].flatMap(([text, { wanted }]) => (wanted ? text : [])).sort();
    return this.#wanted;
  }

  get problems(): Problem[] {
    return [...this.#problems.values()].flat();
  }

  /** The decisions about one Service, or about all. */
  decisions(service?: string): readonly VipDecision[] {
    if (service !== undefined) return this.#plans.get(service)?.decisions ?? [];
    return [...this.#plans.values()].flatMap(({ decisions }) => decisions);
  }

  /** Plans everything again, for the node with these addresses. */
  planAll(addresses: Iterable<string>): VipTableChange {
    this.#own = { ...this.#own, addresses: new Set(addresses) };
    const services = this.#cluster.list('Service').map(serviceKey);
    return this.#plan(new Set([...services, ...this.#plans.keys()]));
  }

  /** Plans again what the changes are about. */
  apply(changes: readonly ClusterChange[]): VipTableChange {
    return this.#plan(changedServices(changes));
  }

  /** Looks again at whether these addresses are served, or all when none is named. Returns those that are announced or not now. */
  servedChanged(addresses: readonly string[]): readonly string[] {
    const looked = addresses.length > 0 ? addresses : [...this.#addresses.keys()];
    return looked.filter((text) => {
      const [first] = this.#addresses.get(text)?.services ?? [];
      return first !== undefined && this.#settle(text, ...first).announced;
    });
  }

  #plan(services: ReadonlySet<string>): VipTableChange {
    const change = { announced: new Set<string>(), wanted: false, problems: false };
    for (const key of services) {
      const before = this.#plans.get(key);
      const after = this.#planOne(key);
      if (before === undefined && after === undefined) continue;
      if (after === undefined) this.#plans.delete(key);
      else this.#plans.set(key, after);
      if (after === undefined || after.problems.length === 0) this.#problems.delete(key);
      else this.#problems.set(key, after.problems);
      change.problems ||= textOf(before) !== textOf(after);
      const touched = new Set([...addressesOf(before), ...addressesOf(after)]);
      for (const text of touched) {
        const { announced, wanted } = this.#settle(text, key, after);
        if (announced) change.announced.add(text);
        change.wanted ||= wanted;
      }
    }
    if (change.wanted) this.#wanted = undefined;
    return { ...change, announced: [...change.announced] };
  }

  #planOne(key: string): ServicePlan | undefined {
    const [namespace = '', name = ''] = key.split('/');
    const service = this.#cluster.get('Service', name, namespace);
    if (service === undefined) return undefined;
    const facts = readServiceFacts(service, this.#check);
    const endpoints = summarizeEndpoints(this.#cluster.listBy('EndpointSlice', key), this.#own);
    const decisions = planVips(facts, endpoints, this.#options);
    return { facts, decisions, problems: problemsOf(facts, decisions) };
  }

  /** Works out anew what becomes of one address after the plan of one Service changed. */
  #settle(
    text: string,
    key: string,
    plan: ServicePlan | undefined,
  ): { readonly announced: boolean; readonly wanted: boolean } {
    const entry: Address = this.#addresses.get(text) ?? { services: new Map(), vip: undefined, wanted: false };
    if (addressesOf(plan).includes(text) && plan !== undefined) entry.services.set(key, plan);
    else entry.services.delete(key);
    if (entry.services.size === 0) this.#addresses.delete(text);
    else this.#addresses.set(text, entry);

    const decisions = [...entry.services.values()].flatMap(({ facts, decisions }) =>
      decisions.filter(({ address }) => address.text === text).map((decision) => ({ decision, facts })),
    );
    const isServed = this.#isServed(text);
    const announcing = decisions.filter(({ decision }) => decision.verdict === 'announced' && isServed);
    const communities = new Set(announcing.flatMap(({ facts }) => facts.settings.communities));
    const address = announcing[0]?.decision.address;
    const vip = address && { address, communities: [...communities].sort((a, b) => a - b) };
    const announced = vip?.communities.join() !== entry.vip?.communities.join();
    if (announced) entry.vip = vip;
    if (entry.vip === undefined) this.#announced.delete(text);
    else this.#announced.set(text, entry.vip);
    const wanted = decisions.some(({ decision }) => isWanted(decision));
    const wantedBefore = entry.wanted;
    entry.wanted = wanted;
    return { announced, wanted: wanted !== wantedBefore };
  }
}

function addressesOf(plan: ServicePlan | undefined): string[] {
  return plan === undefined ? [] : plan.decisions.map(({ address }) => address.text);
}

function textOf(plan: ServicePlan | undefined): string {
  return plan === undefined ? '' : plan.problems.map(({ text }) => text).join('\n');
}

/** Bad annotations, and addresses that were asked for and must not be announced; the rest is nobody's fault. */
function problemsOf(facts: ServiceFacts, decisions: readonly VipDecision[]): Problem[] {
  const annotations = describeAnnotations(facts).map((text, index): Problem => {
    const { annotation = '', path = '' } = facts.annotationProblems[index] ?? {};
    return { code: 'annotation', subject: `${facts.key} ${annotation} ${path}`, text };
  });
  const refused = decisions
    .filter(({ verdict }) => verdict === 'refused')
    .map(
      (decision): Problem => ({
        code: 'vip-refused',
        subject: `${facts.key} ${decision.kind} ${decision.address.text}`,
        text: describeVip(decision),
      }),
    );
  return [...annotations, ...refused];
}
