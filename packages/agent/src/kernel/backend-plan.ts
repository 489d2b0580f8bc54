/**
 * Decides which of the two kernels behind iptables a node uses, nftables or the older one. A packet goes through both, but
 * a rule in one does not come before a rule in the other: ours have to stand where kubelet and the rest put theirs.
 */

export type Backend = 'nft' | 'legacy';

/** What `iptables-BACKEND-save` and `ip6tables-BACKEND-save` print together; undefined where there is no such program. */
export type SavedBackends = Readonly<Record<Backend, string | undefined>>;

export interface BackendChoice {
  /** `system`: no reason to prefer one, so whatever the program without a suffix is. */
  readonly backend: Backend | 'system';
  readonly reason: string;
  /** How many rules stand in each. */
  readonly rules: Readonly<Record<Backend, number>>;
}

/** Chains of table mangle that kubelet makes in the backend that it uses, the second one before Kubernetes 1.24. */
const KUBELET_CHAIN = /^:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) /m;

/** As the iptables-wrappers of Kubernetes images: kubelet's chains decide, nft first, then where more rules stand. */
export function chooseBackend(saved: SavedBackends): BackendChoice {
  const rules = { nft: countRules(saved.nft), legacy: countRules(saved.legacy) };
  for (const backend of ['nft', 'legacy'] as const) {
    if (KUBELET_CHAIN.test(saved[backend] ?? '')) return { backend, reason: 'the kubelet uses it', rules };
  }
  if (saved.nft === undefined || saved.legacy === undefined || rules.nft === rules.legacy) {
    return { backend: 'system', reason: 'it is the one of the system', rules };
  }
  const backend = rules.legacy > rules.nft ? 'legacy' : 'nft';
  return { backend, reason: 'more rules stand there', rules };
}

/** The sentence for a node that has rules in both; undefined when it has not. */
export function describeMixedBackends({ backend, reason, rules }: BackendChoice): string | undefined {
  if (rules.nft === 0 || rules.legacy === 0) return undefined;
  const used = backend === 'system' ? 'the one of the system' : backend;
  return `iptables rules stand in both backends, ${rules.nft} in nft and ${rules.legacy} in legacy, expected one of them: ${used} is used, as ${reason}`;
}

function countRules(text = ''): number {
  return text.split('\n').filter((line) => line.startsWith('-A ')).length;
}
