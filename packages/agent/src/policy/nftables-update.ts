/**
 * What a change of the meaning changes in a table whose state is known: chains of the policies and pods that it names,
 * elements of the sets that it names, and nothing that has to be looked through for it. Pure.
 */
import type { ActiveChange, ActivePolicies } from './active-policies.ts';
import type { PolicyCompiler } from './compile/compiler.ts';
import { type CompiledPolicy, directions, type MeaningChange, type PolicyKey, setKey } from './compile/model.ts';
import { addressesOf, policySets } from './iptables-plan.ts';
import { LOCAL_PODS } from './names.ts';
import {
  type NftView,
  nftElements,
  PODS,
  planPodChain,
  planPodElements,
  planPolicyChains,
  planPolicySets,
  policyOwner,
} from './nftables-plan.ts';
import type { ElementChange, NftChain, NftSet, StandingTable, TableChange } from './nftables-table.ts';
import { hasRules } from './nftables-table.ts';

export interface UpdateInput {
  readonly compiler: PolicyCompiler;
  readonly active: ActivePolicies;
  readonly activeChange: ActiveChange;
  readonly change: MeaningChange;
  readonly view: NftView;
  readonly standing: StandingTable;
}

/** Undefined when it needs the whole plan: two pods have one address. */
export function planUpdate(input: UpdateInput): TableChange | undefined {
  const { active, activeChange } = input;
  if ([...activeChange.pods.values()].some((pod) => active.shares(pod))) return undefined;
  const policies = policiesChange(input);
  const pods = podsChange(input);
  const chains = [...policies.chains, ...pods.chains].filter((chain) => !hasRules(input.standing, chain));
  return {
    chains,
    newChains: new Set(chains.map(({ name }) => name).filter((name) => !input.standing.chains.has(name))),
    newSets: policies.newSets,
    elements: [...policies.elements, ...pods.elements],
    staleChains: [...policies.staleChains, ...pods.staleChains],
    staleSets: policies.staleSets,
  };
}

type Part = Omit<TableChange, 'newChains' | 'newSets' | 'staleSets'>;

function policiesChange(input: UpdateInput): Part & Pick<TableChange, 'newSets' | 'staleSets'> {
  const { compiler, active, activeChange, change, view, standing } = input;
  const chains: NftChain[] = [];
  const newSets: NftSet[] = [];
  const elements: ElementChange[] = [];
  const staleChains: string[] = [];
  const wantedSets = new Set<string>();
  for (const [key, policy] of activeChange.policies) {
    const made = policy === undefined ? [] : planPolicyChains(policy, view);
    const sets = policy === undefined ? [] : planPolicySets(policy, view);
    chains.push(...made);
    newSets.push(...sets.filter(({ name }) => !standing.sets.has(name)));
    const before = directions.map((direction) => view.names.policyChain(key, direction, view.family));
    staleChains.push(
      ...before.filter((name) => standing.chains.has(name) && !made.some((chain) => chain.name === name)),
    );
    for (const { name } of sets) wantedSets.add(name);
  }
  const owners = new Set([...activeChange.policies.keys()].map(policyOwner));
  const staleSets = [...standing.sets].flatMap(([name, { owner }]) => {
    return owner !== undefined && owners.has(owner) && !wantedSets.has(name) ? [name] : [];
  });
  const policies = new Map<PolicyKey, CompiledPolicy>();
  for (const { id } of change.sets.values()) {
    const policy = active.has(id.policy) ? compiler.policy(id.policy) : undefined;
    if (policy !== undefined) policies.set(id.policy, policy);
  }
  for (const policy of policies.values()) elements.push(...elementChanges(policy, change, view, standing));
  return { chains, newSets, elements, staleChains, staleSets };
}

/** Of the sets that stand: a new one is written whole. */
function elementChanges(
  policy: CompiledPolicy,
  change: MeaningChange,
  { names, family }: NftView,
  standing: StandingTable,
): ElementChange[] {
  return policySets(policy, names, family).flatMap(({ id, name }) => {
    const delta = change.sets.get(setKey(id));
    if (delta === undefined || !standing.sets.has(name)) return [];
    const [removed, added] = [nftElements(delta.removed, family), nftElements(delta.added, family)];
    return removed.length + added.length === 0 ? [] : [{ set: name, removed, added, owner: policyOwner(policy.key) }];
  });
}

function podsChange({ activeChange, view, standing }: UpdateInput): Part {
  const { names, family } = view;
  const chains: NftChain[] = [];
  const staleChains: string[] = [];
  const verdicts = { set: PODS, removed: [] as string[], added: [] as string[] };
  const local = { set: LOCAL_PODS, removed: [] as string[], added: [] as string[] };
  for (const [key, { before, after }] of activeChange.pods) {
    const made = after === undefined ? [] : planPodChain(after, view);
    const name = names.podChain(key);
    chains.push(...made);
    if (made.length === 0 && standing.chains.has(name)) staleChains.push(name);
    const elementsOf = (pod: typeof before) => new Set(pod === undefined ? [] : planPodElements(pod, view));
    const localOf = (pod: typeof before) => new Set(pod === undefined ? [] : addressesOf(pod, family));
    note(verdicts, elementsOf(before), elementsOf(after));
    note(local, localOf(before), localOf(after));
  }
  const elements = [verdicts, local].filter(({ removed, added }) => removed.length + added.length > 0);
  return { chains, elements, staleChains };
}

function note(
  change: { readonly removed: string[]; readonly added: string[] },
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): void {
  change.removed.push(...before.difference(after));
  change.added.push(...after.difference(before));
}
