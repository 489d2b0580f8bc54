/**
 * Keeps iptables and its sets as the plan says. Nothing opens in between: addresses leave sets first, then all chains change
 * in one commit, then addresses come into the sets of policies that changed; a pod counts as programmed last of all.
 */
import type { IpFamily } from '../annotations/prefix.ts';
import { CommandError } from '../kernel/command.ts';
import { type Ipset, SetRefusedError } from '../kernel/ipset.ts';
import type { ElementChange, SetGoal } from '../kernel/ipset-plan.ts';
import type { OwnChain, RuleGoal } from '../kernel/rule-plan.ts';
import type { ModuleRuleset, RuleChanges } from '../kernel/ruleset.ts';
import type { Problem } from '../problem.ts';
import {
  activePolicies,
  type BackendResult,
  type PolicyBackend,
  sortedPods,
  type Timing,
  type Wanted,
} from './backend.ts';
import {
  type CompiledPolicy,
  type LocalPod,
  type MeaningChange,
  type PodKey,
  type PolicyKey,
  type SetChange,
  setKey,
} from './compile/model.ts';
import {
  addressesOf,
  closedChain,
  isFirewallSet,
  localPodsGoal,
  type PolicySet,
  planJumps,
  planPodChain,
  planPolicyChains,
  planSharedChains,
  planTopChains,
  policySets,
  setElements,
  setGoal,
} from './iptables-plan.ts';
import { ipsetName, LOCAL_PODS, Names } from './names.ts';

/** What stands for a family, as far as an update has to know. */
interface Standing {
  /** Chains of each policy and pod, by `NetworkPolicy ns/name` and `pod ns/name`. */
  readonly chains: Map<string, readonly string[]>;
  readonly sets: Map<string, PolicySet>;
  /** Addresses of each pod. */
  readonly pods: Map<PodKey, readonly string[]>;
  /** Chains that the kernel refused, with its words: closed until the next full pass. */
  readonly refused: Map<string, string>;
}

const ofPolicy = (key: PolicyKey) => `NetworkPolicy ${key}`;
const ofPod = (key: PodKey) => `pod ${key}`;

export class IptablesBackend implements PolicyBackend {
  readonly #rules: ModuleRuleset;
  readonly #ipset: Ipset;
  readonly #standing = new Map<IpFamily, Standing>();
  #names = new Names();
  #timings: Timing[] = [];
  #problems: Problem[] = [];

  constructor(rules: ModuleRuleset, ipset: Ipset) {
    this.#rules = rules;
    this.#ipset = ipset;
  }

  async sync(wanted: Wanted): Promise<BackendResult> {
    this.#begin();
    this.#names = new Names();
    const pods = sortedPods(wanted.compiler);
    const policies = activePolicies(wanted.compiler, pods);
    let changes = 0;
    const drifted: string[] = [];
    const keep = new Set<string>();
    for (const family of wanted.settings.families) {
      const result = await this.#syncFamily(wanted, pods, policies, family);
      changes += result.changes;
      drifted.push(...result.drifted);
      for (const name of result.sets) keep.add(name);
    }
    changes += await this.#ipset.sweep(isFirewallSet, keep);
    return this.#result(changes, drifted);
  }

  async update(wanted: Wanted, change: MeaningChange): Promise<BackendResult> {
    this.#begin();
    const pods = sortedPods(wanted.compiler);
    const policies = activePolicies(wanted.compiler, pods);
    let changes = 0;
    for (const family of wanted.settings.families)
      changes += await this.#updateFamily(wanted, pods, policies, change, family);
    return this.#result(changes, []);
  }

  async remove(families: readonly IpFamily[]): Promise<boolean> {
    let changes = 0;
    for (const family of families) changes += (await this.#rules.apply(family, { shared: [], chains: [] })).changes;
    this.#standing.clear();
    return changes + (await this.#ipset.sweep(isFirewallSet, new Set())) > 0;
  }

  #begin(): void {
    this.#timings = [];
    this.#problems = [];
  }

  #result(changes: number, drifted: readonly string[]): BackendResult {
    const standing = [...this.#standing.values()];
    const refused = standing.flatMap((one) => [...one.refused].map(([chain, words]) => ({ one, chain, words })));
    const closed = new Set<PodKey>();
    for (const { one, chain, words } of refused) {
      const owner = [...one.chains].find(([, chains]) => chains.includes(chain))?.[0] ?? chain;
      const text = `${owner}: the kernel refuses its rules, it is closed: ${words}`;
      this.#problems.push({ code: 'policy', subject: owner, text });
      if (owner.startsWith('pod ')) closed.add(owner.slice('pod '.length));
    }
    const chains = standing.flatMap((one) => [...one.chains].filter(([owner]) => owner.startsWith('NetworkPolicy ')));
    return {
      ...{ changes, drifted, closed, problems: this.#problems, timings: this.#timings },
      counts: {
        chains: chains.flatMap(([, names]) => names).length,
        sets: standing.reduce((sum, { sets }) => sum + sets.size, 0),
      },
    };
  }

  async #syncFamily(
    { compiler, settings }: Wanted,
    pods: readonly LocalPod[],
    policies: ReadonlyMap<PolicyKey, CompiledPolicy>,
    family: IpFamily,
  ): Promise<{ changes: number; drifted: readonly string[]; sets: readonly string[] }> {
    const standing: Standing = { chains: new Map(), sets: new Map(), pods: new Map(), refused: new Map() };
    this.#standing.set(family, standing);
    const chains: OwnChain[] = [];
    for (const policy of policies.values()) chains.push(...this.#policyChains(standing, policy, family));
    for (const pod of pods) chains.push(...this.#podChains(standing, pod, family));
    const goals = [...standing.sets.values()].map((set) => setGoal(set, compiler.elements(set.id), family));
    const local = localPodsGoal(pods, family);

    let changes = await this.#timed('sets', family, () => this.#sets('shrink', [...goals, local], standing, family));
    const goal: RuleGoal = {
      shared: planJumps(),
      chains: [...chains, ...planSharedChains(settings, family), ...planTopChains(settings, pods, this.#names, family)],
    };
    const written = await this.#write(family, standing, goal.chains, (all) =>
      this.#rules.apply(family, { ...goal, chains: all }),
    );
    for (const text of written.held) this.#problems.push({ code: 'rules', subject: text, text });
    changes += written.changes;
    changes += await this.#timed('sets', family, () => this.#sets('apply', [...goals, local], standing, family));
    return { changes, drifted: written.drifted, sets: [...goals, local].map(({ name }) => name) };
  }

  async #updateFamily(
    { compiler, settings }: Wanted,
    pods: readonly LocalPod[],
    policies: ReadonlyMap<PolicyKey, CompiledPolicy>,
    change: MeaningChange,
    family: IpFamily,
  ): Promise<number> {
    const standing = this.#standing.get(family);
    if (standing === undefined) throw new Error('an update before the first full pass');
    const written: OwnChain[] = [];
    const deleted: OwnChain[] = [];
    const drop = (owner: string) => {
      for (const chain of standing.chains.get(owner) ?? []) deleted.push({ table: 'filter', chain, rules: [] });
      standing.chains.delete(owner);
    };
    // What is written anew is tried anew.
    for (const owner of [...[...change.policies].map(ofPolicy), ...[...change.pods].map(ofPod)])
      for (const chain of standing.chains.get(owner) ?? []) standing.refused.delete(chain);
    const oldSets = new Map(standing.sets);
    const rewritten = new Set<PolicyKey>();
    const gone = new Set(
      [...standing.chains.keys()].flatMap((owner) =>
        owner.startsWith('NetworkPolicy ') ? owner.slice('NetworkPolicy '.length) : [],
      ),
    );
    for (const [key, policy] of policies) {
      gone.delete(key);
      if (!change.policies.has(key) && standing.chains.has(ofPolicy(key))) continue;
      rewritten.add(key);
      const before = new Set(standing.chains.get(ofPolicy(key)));
      for (const [name, set] of standing.sets) if (set.id.policy === key) standing.sets.delete(name);
      const chains = this.#policyChains(standing, policy, family);
      written.push(...chains);
      for (const { chain } of chains) before.delete(chain);
      for (const chain of before) deleted.push({ table: 'filter', chain, rules: [] });
    }
    for (const key of gone) {
      drop(ofPolicy(key));
      for (const [name, set] of standing.sets) if (set.id.policy === key) standing.sets.delete(name);
    }

    const oldPods = new Map(standing.pods);
    const byKey = new Map(pods.map((pod) => [pod.key, pod]));
    for (const key of change.pods) {
      const pod = byKey.get(key);
      const had = standing.chains.has(ofPod(key));
      standing.pods.delete(key);
      const chains = pod === undefined ? [] : this.#podChains(standing, pod, family);
      written.push(...chains);
      if (chains.length === 0 && had) drop(ofPod(key));
    }
    const addressesChanged = [...change.pods].some(
      (key) => oldPods.get(key)?.join() !== standing.pods.get(key)?.join(),
    );
    if (addressesChanged) written.push(...planTopChains(settings, pods, this.#names, family));

    // A set that no rule used can be filled at once; one of a policy that changes only after its rules did.
    const made = [...standing.sets.values()].filter(({ name }) => !oldSets.has(name));
    const moved = elementChanges(standing.sets, oldSets, change, family);
    const local = localChange(oldPods, standing.pods, family);
    const early = moved.map(({ policy, ...one }) => (rewritten.has(policy) ? { ...one, added: [] } : one));
    const late = moved
      .filter(({ policy }) => rewritten.has(policy))
      .map(({ policy, ...one }) => ({ ...one, removed: [] }));
    let changes = 0;
    await this.#timed('sets', family, async () => {
      changes += await this.#change(
        [...removals(early), { ...local, added: [] }, ...additions(early)],
        compiler,
        standing,
        family,
      );
      const goals = made.map((set) => setGoal(set, compiler.elements(set.id), family));
      changes += await this.#sets('apply', goals, standing, family);
    });
    const result = await this.#write(family, standing, written, (chains) =>
      this.#rules.update(family, { written: chains, deleted }),
    );
    changes += result.changes;
    await this.#timed('sets', family, async () => {
      changes += await this.#change([...late, { ...local, removed: [] }], compiler, standing, family);
    });
    const stale = [...oldSets.keys()].filter((name) => !standing.sets.has(name)).map((name) => ipsetName(name, family));
    if (stale.length > 0) changes += await this.#ipset.sweep((name) => stale.includes(name), new Set());
    return changes;
  }

  #policyChains(standing: Standing, policy: CompiledPolicy, family: IpFamily): OwnChain[] {
    const chains = planPolicyChains(policy, this.#names, family);
    standing.chains.set(
      ofPolicy(policy.key),
      chains.map(({ chain }) => chain),
    );
    for (const set of policySets(policy, this.#names, family)) standing.sets.set(set.name, set);
    return chains;
  }

  #podChains(standing: Standing, pod: LocalPod, family: IpFamily): OwnChain[] {
    const chain = planPodChain(pod, this.#names, family);
    if (chain === undefined) return [];
    standing.chains.set(ofPod(pod.key), [chain.chain]);
    standing.pods.set(pod.key, addressesOf(pod, family));
    return [chain];
  }

  /** Writes chains; those that the kernel refuses are closed in place of all being void. */
  async #write(
    family: IpFamily,
    standing: Standing,
    chains: readonly OwnChain[],
    write: (chains: readonly OwnChain[]) => Promise<RuleChanges>,
  ): Promise<RuleChanges> {
    for (;;) {
      const usable = chains.map(
        (one) => (standing.refused.has(one.chain) ? closedChain(one.chain, family) : one) ?? one,
      );
      try {
        const result = await write(usable);
        this.#timings.push({ what: 'save', family, seconds: result.seconds.save });
        this.#timings.push({ what: 'restore', family, seconds: result.seconds.restore });
        return result;
      } catch (error) {
        const chain = refusedChain(error);
        const closable =
          chain !== undefined && !standing.refused.has(chain) && closedChain(chain, family) !== undefined;
        if (!closable || !(error instanceof Error)) throw error;
        standing.refused.set(chain, error.message);
      }
    }
  }

  /** What a set refuses is a problem, and closes its policy: it may hold what nobody knows. */
  async #sets(
    action: 'apply' | 'shrink',
    goals: readonly SetGoal[],
    standing: Standing,
    family: IpFamily,
  ): Promise<number> {
    if (goals.length === 0) return 0;
    try {
      return await this.#ipset[action](goals);
    } catch (error) {
      if (!(error instanceof SetRefusedError)) throw error;
      const refused = new Set(error.sets);
      for (const { name, id } of standing.sets.values()) {
        if (!refused.has(ipsetName(name, family))) continue;
        for (const chain of standing.chains.get(ofPolicy(id.policy)) ?? []) standing.refused.set(chain, error.message);
      }
      if (refused.has(ipsetName(LOCAL_PODS, family))) throw error;
      return 0;
    }
  }

  async #change(
    changes: readonly ElementChange[],
    compiler: Wanted['compiler'],
    standing: Standing,
    family: IpFamily,
  ): Promise<number> {
    const some = changes.filter(({ added, removed }) => added.length + removed.length > 0);
    if (some.length === 0) return 0;
    const refused = await this.#ipset.change(some);
    // A set that is full, or that somebody destroyed: it gets its goal as a whole.
    const goals = [...standing.sets.values()]
      .filter(({ name }) => refused.has(ipsetName(name, family)))
      .map((set) => setGoal(set, compiler.elements(set.id), family));
    if (refused.size > goals.length) throw new Error(`sets ${[...refused].join(', ')} do not take their elements`);
    await this.#sets('apply', goals, standing, family);
    return some.reduce((sum, { added, removed }) => sum + added.length + removed.length, 0);
  }

  async #timed<T>(what: Timing['what'], family: IpFamily, action: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const result = await action();
    this.#timings.push({ what, family, seconds: (performance.now() - startedMs) / 1000 });
    return result;
  }
}

/** The chain of the line that iptables-restore refused. */
function refusedChain(error: unknown): string | undefined {
  if (!(error instanceof CommandError) || error.code !== 'EEXIT') return undefined;
  return /\(-A (\S+) /.exec(error.stderr)?.[1];
}

/** Changes of the sets that stand before and after. */
function elementChanges(
  sets: ReadonlyMap<string, PolicySet>,
  before: ReadonlyMap<string, PolicySet>,
  change: MeaningChange,
  family: IpFamily,
): (ElementChange & { readonly policy: PolicyKey })[] {
  const byKey = Map.groupBy(
    [...sets.values()].filter(({ name }) => before.has(name)),
    ({ id }) => setKey(id),
  );
  return [...change.sets].flatMap(([key, { id, added, removed }]: [string, SetChange]) =>
    (byKey.get(key) ?? []).map(({ name }) => ({
      policy: id.policy,
      name: ipsetName(name, family),
      added: setElements(added, family),
      removed: setElements(removed, family),
    })),
  );
}

function localChange(
  before: ReadonlyMap<PodKey, readonly string[]>,
  after: ReadonlyMap<PodKey, readonly string[]>,
  family: IpFamily,
): ElementChange {
  const [old, now] = [new Set([...before.values()].flat()), new Set([...after.values()].flat())];
  return {
    name: ipsetName(LOCAL_PODS, family),
    added: [...now.difference(old)],
    removed: [...old.difference(now)],
  };
}

function removals(changes: readonly ElementChange[]): ElementChange[] {
  return changes.map((one) => ({ ...one, added: [] }));
}

function additions(changes: readonly ElementChange[]): ElementChange[] {
  return changes.map((one) => ({ ...one, removed: [] }));
}
