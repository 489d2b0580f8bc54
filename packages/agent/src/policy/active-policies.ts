/**
 * Which policies apply to a pod of this node, kept up with each change of the meaning: only those have rules, and one that
 * comes to apply to its first pod is new to the kernel though nobody edited it.
 */
import type { PolicyCompiler } from './compile/compiler.ts';
import type { PodKey, PolicyKey } from './compile/model.ts';
import { type CompiledPolicy, directions, type LocalPod, type MeaningChange } from './compile/model.ts';

/** One of both at least. */
export interface PodChange {
  readonly before?: LocalPod;
  readonly after?: LocalPod;
}

export interface ActiveChange {
  /** Pods of this node that came, went or changed. */
  readonly pods: ReadonlyMap<PodKey, PodChange>;
  /** Policies that have rules before or after, and not the same; undefined: none after. */
  readonly policies: ReadonlyMap<PolicyKey, CompiledPolicy | undefined>;
}

export class ActivePolicies {
  readonly #pods = new Map<PodKey, LocalPod>();
  readonly #targets = new Map<PolicyKey, number>();
  /** How many pods have an address. */
  readonly #owners = new Map<string, number>();

  constructor(compiler: PolicyCompiler) {
    for (const pod of compiler.localPods()) this.#count(pod, 1);
  }

  has(key: PolicyKey): boolean {
    return this.#targets.has(key);
  }

  /** In order of their keys. */
  pods(): LocalPod[] {
    return [...this.#pods.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** In order of their keys. */
  policies(compiler: PolicyCompiler): CompiledPolicy[] {
    return [...this.#targets.keys()].sort().flatMap((key) => compiler.policy(key) ?? []);
  }

  /** Whether another pod has one of the addresses that a pod had or has. */
  shares({ before, after }: PodChange): boolean {
    const own = new Set(after?.addresses);
    const all = [...own, ...(before?.addresses ?? [])];
    return all.some((address) => (this.#owners.get(address) ?? 0) > (own.has(address) ? 1 : 0));
  }

  update(compiler: PolicyCompiler, change: MeaningChange): ActiveChange {
    const pods = new Map<PodKey, PodChange>();
    const touched = new Set(change.policies);
    const standing = new Set<PolicyKey>();
    for (const key of change.pods) {
      const [before, after] = [this.#pods.get(key), compiler.localPod(key)];
      if (before === undefined && after === undefined) continue;
      pods.set(key, { ...(before && { before }), ...(after && { after }) });
      for (const policy of [...policiesOf(before), ...policiesOf(after)]) {
        if (this.#targets.has(policy)) standing.add(policy);
        else touched.add(policy);
      }
    }
    for (const key of change.policies) if (this.#targets.has(key)) standing.add(key);
    for (const { before, after } of pods.values()) {
      if (before !== undefined) this.#count(before, -1);
      if (after !== undefined) this.#count(after, 1);
    }
    for (const key of standing) if (!this.#targets.has(key)) touched.add(key);
    const policies = new Map<PolicyKey, CompiledPolicy | undefined>();
    for (const key of touched) {
      const after = this.#targets.has(key) ? compiler.policy(key) : undefined;
      if (after !== undefined || standing.has(key)) policies.set(key, after);
    }
    return { pods, policies };
  }

  #count(pod: LocalPod, by: 1 | -1): void {
    if (by === 1) this.#pods.set(pod.key, pod);
    else this.#pods.delete(pod.key);
    for (const key of policiesOf(pod)) add(this.#targets, key, by);
    for (const address of new Set(pod.addresses)) add(this.#owners, address, by);
  }
}

/** Each once. */
function policiesOf(pod: LocalPod | undefined): ReadonlySet<PolicyKey> {
  return new Set(directions.flatMap((direction) => pod?.[direction] ?? []));
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
