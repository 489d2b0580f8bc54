/** What the firewall asks of the two ways into the kernel. */
import type { IpFamily } from '../annotations/prefix.ts';
import type { Problem } from '../problem.ts';
import type { PolicyCompiler } from './compile/compiler.ts';
import type { CompiledPolicy, LocalPod, MeaningChange, PodKey, PolicyKey } from './compile/model.ts';
import type { FirewallSettings } from './settings.ts';

export interface Wanted {
  readonly compiler: PolicyCompiler;
  readonly settings: FirewallSettings;
}

export interface BackendResult {
  /** What was changed in the kernel; 0: nothing was. */
  readonly changes: number;
  /** What did not stand as it had been left. */
  readonly drifted: readonly string[];
  readonly problems: readonly Problem[];
  /** Pods that have no rules of their own now because the kernel refused them; they are closed. */
  readonly closed: ReadonlySet<PodKey>;
  /** Chains of policies, and sets. */
  readonly counts: { readonly chains: number; readonly sets: number };
  readonly timings: readonly Timing[];
}

export interface Timing {
  readonly what: 'save' | 'restore' | 'sets';
  readonly family: IpFamily;
  readonly seconds: number;
}

/** Calls never overlap. A call that rejects leaves what it could not write as it was; `sync` is what follows. */
export interface PolicyBackend {
  /** Makes the kernel as wanted, whatever stands there. */
  sync(wanted: Wanted): Promise<BackendResult>;
  /** Writes what a change of the meaning touches. Needs a `sync` with the same settings before it. */
  update(wanted: Wanted, change: MeaningChange): Promise<BackendResult>;
  /** Takes everything of this backend out of the kernel. Resolves with whether there was something. */
  remove(families: readonly IpFamily[]): Promise<boolean>;
}

/** Those that apply to a pod of this node: only they need rules. */
export function activePolicies(compiler: PolicyCompiler, pods: readonly LocalPod[]): Map<PolicyKey, CompiledPolicy> {
  const keys = new Set(pods.flatMap(({ ingress, egress }) => [...ingress, ...egress]));
  const sorted = [...keys].sort();
  return new Map(
    sorted.flatMap((key) => {
      const policy = compiler.policy(key);
      return policy === undefined ? [] : [[key, policy] as const];
    }),
  );
}

export function sortedPods(compiler: PolicyCompiler): LocalPod[] {
  return compiler.localPods().sort((a, b) => (a.key < b.key ? -1 : 1));
}
