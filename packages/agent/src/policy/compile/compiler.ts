/**
 * From Pods, Namespaces and NetworkPolicies to what they mean on one node (`model.ts`), kept up with each change at the
 * cost of what the change touches: a pod that comes is put into the sets that select it, and no policy is read again.
 * Pure state: the same objects give the same meaning, in whatever order they came.
 */
import { contains, type Prefix, parseAddress } from '../../annotations/prefix.ts';
import type { ClusterChange, NetworkPolicy } from '../../cluster/model.ts';
import { AddressSets } from './address-sets.ts';
import type {
  CompiledMatch,
  CompiledPolicy,
  Direction,
  LocalPod,
  MeaningChange,
  PodKey,
  PolicyKey,
  PolicyProblem,
  SetId,
} from './model.ts';
import { directions } from './model.ts';
import { type PodFacts, readPodFacts } from './pod-facts.ts';
import { type NamedPort, type Rule, readRule } from './rule.ts';
import { everything, readSelector } from './selector.ts';
import { SelectorIndex } from './selector-index.ts';

/** A rule as it stands in a policy, with the numbers that its named ports have now. */
interface LiveRule {
  readonly rule: Rule;
  readonly direction: Direction;
  readonly index: number;
  /** Set of the owners by `protocol port`, with how many put it there. */
  readonly numbers: Map<string, { readonly id: NamedPortSet; owners: number }>;
}

type NamedPortSet = Extract<SetId, { of: 'named-port' }>;

interface LivePolicy {
  readonly policy: NetworkPolicy;
  readonly rules: Readonly<Record<Direction, readonly LiveRule[] | undefined>>;
  readonly problems: readonly PolicyProblem[];
  /** Takes out of the sets all that it put there. */
  readonly undo: (() => void)[];
}

export class PolicyCompiler {
  readonly #nodeName: string;
  readonly #index = new SelectorIndex();
  readonly #sets = new AddressSets();
  readonly #policies = new Map<PolicyKey, LivePolicy>();
  readonly #policiesOf = new Map<PodKey, Set<PolicyKey>>();
  #changedPolicies = new Set<PolicyKey>();
  #changedPods = new Set<PodKey>();

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  /** Takes changes of Pods, Namespaces and NetworkPolicies; passes over others. */
  apply(changes: readonly ClusterChange[]): MeaningChange {
    for (const change of changes) {
      if (change.kind === 'Pod') {
        const { namespace, name } = change.object.metadata;
        const facts = change.type === 'deleted' ? undefined : readPodFacts(change.object, this.#nodeName);
        this.#setPod(`${namespace}/${name}`, facts);
      } else if (change.kind === 'Namespace') {
        const { name, labels } = change.object.metadata;
        this.#index.setNamespace(name, change.type === 'deleted' ? undefined : labels);
      } else if (change.kind === 'NetworkPolicy') {
        this.#setPolicy(keyOf(change.object), change.type === 'deleted' ? undefined : change.object);
      }
    }
    const meaning = { policies: this.#changedPolicies, pods: this.#changedPods, sets: this.#sets.takeChanges() };
    this.#changedPolicies = new Set();
    this.#changedPods = new Set();
    return meaning;
  }

  policyKeys(): IterableIterator<PolicyKey> {
    return this.#policies.keys();
  }

  policy(key: PolicyKey): CompiledPolicy | undefined {
    const live = this.#policies.get(key);
    if (live === undefined) return undefined;
    const { namespace, name } = live.policy.metadata;
    const { ingress, egress } = live.rules;
    return {
      key,
      namespace,
      name,
      ...(ingress && { ingress: ingress.flatMap((rule) => matchesOf(key, rule)) }),
      ...(egress && { egress: egress.flatMap((rule) => matchesOf(key, rule)) }),
      problems: live.problems,
    };
  }

  /** Addresses of pods, or prefixes of blocks, in canonical text and in no order. */
  elements(id: SetId): readonly string[] {
    return this.#sets.elements(id);
  }

  /** Undefined for pods of other nodes and for those that policies do not know. */
  localPod(key: PodKey): LocalPod | undefined {
    const pod = this.#index.pod(key);
    if (!pod?.local) return undefined;
    const policies = [...(this.#policiesOf.get(key) ?? [])].sort();
    const speaking = (direction: Direction) =>
      policies.filter((policy) => this.#policies.get(policy)?.rules[direction] !== undefined);
    const { namespace, name, addresses } = pod;
    return { key, namespace, name, addresses, ingress: speaking('ingress'), egress: speaking('egress') };
  }

  localPods(): LocalPod[] {
    return [...this.#localKeys].flatMap((key) => this.localPod(key) ?? []);
  }

  readonly #localKeys = new Set<PodKey>();

  #setPod(key: PodKey, facts: PodFacts | undefined): void {
    const old = this.#index.pod(key);
    if (facts === undefined) this.#index.deletePod(key);
    else this.#index.setPod(facts);
    if (facts?.local) this.#localKeys.add(key);
    else this.#localKeys.delete(key);
    const changed = this.#index.pod(key) !== old;
    if (changed && (old?.local || facts?.local) && addressText(old) !== addressText(facts)) this.#changedPods.add(key);
  }

  #setPolicy(key: PolicyKey, policy: NetworkPolicy | undefined): void {
    const old = this.#policies.get(key);
    this.#policies.delete(key);
    for (const undo of old?.undo ?? []) undo();
    if (policy !== undefined) this.#policies.set(key, this.#read(key, policy));
    this.#changedPolicies.add(key);
  }

  #read(key: PolicyKey, policy: NetworkPolicy): LivePolicy {
    const { namespace } = policy.metadata;
    const { podSelector, policyTypes } = policy.spec;
    const problems: PolicyProblem[] = [];
    const target = readSelector(podSelector);
    if (!('matches' in target)) {
      for (const { path, text } of target) problems.push({ policy: key, path: `spec.podSelector.${path}`, text });
    }
    const sound = 'matches' in target;
    const rulesOf = (direction: Direction, type: 'Ingress' | 'Egress'): readonly LiveRule[] | undefined => {
      if (!policyTypes.includes(type)) return undefined;
      const rules: LiveRule[] = [];
      let whole = sound;
      for (const [index, given] of policy.spec[direction].entries()) {
        const rule = readRule(given, namespace, direction === 'ingress' ? 'from' : 'to');
        if ('length' in rule) {
          whole = false;
          for (const { path, text } of rule)
            problems.push({ policy: key, path: `spec.${direction}[${index}].${path}`, text });
        } else {
          rules.push({ rule, direction, index, numbers: new Map() });
        }
      }
      // A direction that is not understood as a whole is closed: part of it could open what the rest was to close.
      return whole ? rules : [];
    };
    const rules = { ingress: rulesOf('ingress', 'Ingress'), egress: rulesOf('egress', 'Egress') };
    const live: LivePolicy = { policy, rules, problems, undo: [] };
    // Without a selector that can be read any pod of the namespace may be meant.
    const selector = sound ? target : everything;
    this.#follow(
      live,
      { namespace },
      selector,
      (pod) => this.#target(key, pod),
      (pod) => this.#untarget(key, pod),
    );
    for (const direction of directions) {
      for (const rule of rules[direction] ?? []) this.#followRule(key, live, rule, { namespace, selector });
    }
    return live;
  }

  #follow(
    live: LivePolicy,
    scope: Parameters<SelectorIndex['follow']>[0],
    selector: Parameters<SelectorIndex['follow']>[1],
    joined: (pod: PodFacts) => void,
    left: (pod: PodFacts) => void,
  ): void {
    const members = new Map<PodKey, PodFacts>();
    const stop = this.#index.follow(scope, selector, {
      joined: (pod) => {
        members.set(pod.key, pod);
        joined(pod);
      },
      left: (pod) => {
        members.delete(pod.key);
        left(pod);
      },
    });
    live.undo.push(() => {
      stop();
      for (const pod of members.values()) left(pod);
    });
  }

  #target(key: PolicyKey, pod: PodFacts): void {
    if (!pod.local) return;
    const policies = this.#policiesOf.get(pod.key) ?? new Set<PolicyKey>();
    this.#policiesOf.set(pod.key, policies.add(key));
    this.#changedPods.add(pod.key);
    for (const address of pod.addresses) this.#sets.add({ policy: key, of: 'targets' }, address);
  }

  #untarget(key: PolicyKey, pod: PodFacts): void {
    if (!pod.local) return;
    const policies = this.#policiesOf.get(pod.key);
    policies?.delete(key);
    if (policies?.size === 0) this.#policiesOf.delete(pod.key);
    this.#changedPods.add(pod.key);
    for (const address of pod.addresses) this.#sets.remove({ policy: key, of: 'targets' }, address);
  }

  #followRule(
    key: PolicyKey,
    live: LivePolicy,
    rule: LiveRule,
    own: { readonly namespace: string; readonly selector: typeof everything },
  ): void {
    const { direction, index } = rule;
    const { peers, ports } = rule.rule;
    const pods: SetId = { policy: key, of: 'pods', direction, rule: index };
    for (const { scope, selector } of peers?.pods ?? []) {
      const each = (act: 'add' | 'remove') => (pod: PodFacts) => {
        for (const address of pod.addresses) this.#sets[act](pods, address);
      };
      this.#follow(live, scope, selector, each('add'), each('remove'));
    }
    const blocks: SetId = { policy: key, of: 'blocks', direction, rule: index };
    for (const { text } of peers?.blocks ?? []) {
      this.#sets.add(blocks, text);
      live.undo.push(() => this.#sets.remove(blocks, text));
    }

    const named = ports?.named ?? [];
    if (named.length === 0) return;
    const owners = (inPlace: (address: string) => boolean, eligible: (pod: PodFacts) => boolean) => {
      const each = (act: 'add' | 'remove') => (pod: PodFacts) => {
        if (eligible(pod)) this.#owner(key, rule, pod, named, inPlace, act);
      };
      return [each('add'), each('remove')] as const;
    };
    if (direction === 'ingress') {
      // T-20, T-21: the port is open on those of the policy's pods that own the name, under the number it has there.
      this.#follow(
        live,
        { namespace: own.namespace },
        own.selector,
        ...owners(
          () => true,
          (pod) => pod.local,
        ),
      );
      return;
    }
    for (const { scope, selector } of peers?.pods ?? []) {
      this.#follow(
        live,
        scope,
        selector,
        ...owners(
          () => true,
          () => true,
        ),
      );
    }
    // T-23: a name means a port of pods, so of all addresses only those of pods that own it.
    if (peers === undefined || peers.blocks.length > 0) {
      const inPlace = peers === undefined ? () => true : (address: string) => isInside(address, peers.blocks);
      this.#follow(live, { namespaces: everything }, everything, ...owners(inPlace, () => true));
    }
  }

  /** A pod that owns named ports of the rule came or left. */
  #owner(
    policy: PolicyKey,
    { direction, index, numbers }: LiveRule,
    pod: PodFacts,
    named: readonly NamedPort[],
    inPlace: (address: string) => boolean,
    act: 'add' | 'remove',
  ): void {
    for (const { name, protocol, containerPort: port } of pod.namedPorts) {
      if (!named.some((one) => one.name === name && one.protocol === protocol)) continue;
      for (const address of pod.addresses.filter(inPlace)) {
        const id: NamedPortSet = { policy, of: 'named-port', direction, rule: index, protocol, port };
        const key = `${protocol} ${port}`;
        const number = numbers.get(key) ?? { id, owners: 0 };
        number.owners += act === 'add' ? 1 : -1;
        if ((act === 'add' && number.owners === 1) || number.owners === 0) this.#changedPolicies.add(policy);
        if (number.owners === 0) numbers.delete(key);
        else numbers.set(key, number);
        this.#sets[act](id, address);
      }
    }
  }
}

/** What lets a packet pass by one rule. */
function matchesOf(policy: PolicyKey, { rule, direction, index, numbers }: LiveRule): CompiledMatch[] {
  const { peers, ports } = rule;
  const sides: Pick<CompiledMatch, 'peers'>[] =
    peers === undefined
      ? [{}]
      : [
          ...(peers.pods.length > 0 ? [{ peers: { policy, of: 'pods', direction, rule: index } as const }] : []),
          ...(peers.blocks.length > 0 ? [{ peers: { policy, of: 'blocks', direction, rule: index } as const }] : []),
        ];
  if (ports === undefined) return sides;
  const matches: CompiledMatch[] =
    ports.ranges.length > 0 ? sides.map((side) => ({ ...side, ports: ports.ranges })) : [];
  const owned = [...numbers.values()].sort((a, b) => (setOrder(a.id) < setOrder(b.id) ? -1 : 1));
  for (const { id } of owned) {
    const range = [{ protocol: id.protocol, first: id.port, last: id.port }];
    if (direction === 'egress') matches.push({ peers: id, ports: range });
    else matches.push(...sides.map((side) => ({ ...side, targets: id, ports: range })));
  }
  return matches;
}

function setOrder({ protocol, port }: NamedPortSet): string {
  return `${protocol} ${String(port).padStart(5, '0')}`;
}

function isInside(address: string, blocks: readonly Prefix[]): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && blocks.some((block) => contains(block, parsed));
}

function addressText(pod: PodFacts | undefined): string {
  return pod?.local ? pod.addresses.join() : '';
}

function keyOf({ metadata }: NetworkPolicy): PolicyKey {
  return `${metadata.namespace}/${metadata.name}`;
}
