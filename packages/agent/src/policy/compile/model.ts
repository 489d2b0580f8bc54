/**
 * What NetworkPolicies mean on one node, free of any backend: for each policy its local pods, and for each direction the
 * exact matches that let a packet pass. A backend turns a match into rules and a set into the kernel's; neither has to
 * know a selector, a named port or an exception.
 */
import type { Protocol } from '../../cluster/model.ts';

export type Direction = 'ingress' | 'egress';
export const directions: readonly Direction[] = ['ingress', 'egress'];

/** `namespace/name` */
export type PodKey = string;
/** `namespace/name` */
export type PolicyKey = string;

/** Both ends belong to the range. A whole protocol is 0 to 65535. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

/**
 * Where a set of addresses comes from, which is also its name: the pods that the policy applies to, the pods or the
 * blocks that a rule names as peers, or the pods that own a named port under one number.
 */
export type SetId =
  | { readonly policy: PolicyKey; readonly of: 'targets' }
  | {
      readonly policy: PolicyKey;
      readonly of: 'pods' | 'blocks';
      readonly direction: Direction;
      /** Place of the rule in the policy's list for the direction. */
      readonly rule: number;
    }
  | {
      readonly policy: PolicyKey;
      readonly of: 'named-port';
      readonly direction: Direction;
      readonly rule: number;
      readonly protocol: Protocol;
      readonly port: number;
    };

/** A packet passes when it meets all that is given. Undefined: any address, all targets, all ports of all protocols. */
export interface CompiledMatch {
  /** The other side: source of ingress, destination of egress. */
  readonly peers?: SetId;
  /** Those of the policy's own pods that own the named port (ingress). */
  readonly targets?: SetId;
  readonly ports?: readonly PortRange[];
}

export interface CompiledPolicy {
  readonly key: PolicyKey;
  readonly namespace: string;
  readonly name: string;
  /** Undefined where the policy does not speak of the direction; no match at all closes it. */
  readonly ingress?: readonly CompiledMatch[];
  readonly egress?: readonly CompiledMatch[];
  /** Why its pods are closed in its directions: what is wrong with the policy. */
  readonly problems: readonly PolicyProblem[];
}

/** Something in a policy that cannot be meant. */
export interface PolicyProblem {
  readonly policy: PolicyKey;
  /** `spec.ingress[0].from[1].ipBlock.cidr` */
  readonly path: string;
  /** Completes the sentence `NetworkPolicy ns/name: path: …`. */
  readonly text: string;
}

/** A pod of this node that policies can apply to (N-1). */
export interface LocalPod {
  readonly key: PodKey;
  readonly namespace: string;
  readonly name: string;
  /** Canonical texts of both families. */
  readonly addresses: readonly string[];
  /** Policies that apply to it, by direction, in order of their keys; none leaves the direction open. */
  readonly ingress: readonly PolicyKey[];
  readonly egress: readonly PolicyKey[];
}

/** Elements of a set that came and went: addresses of pods, or prefixes of blocks, in canonical text. */
export interface SetChange {
  readonly id: SetId;
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** What changed in the meaning. Whoever keeps up with these needs no full plan. */
export interface MeaningChange {
  /** Policies that came, went or have other matches. */
  readonly policies: ReadonlySet<PolicyKey>;
  /** Local pods that came, went, or have other addresses or policies. */
  readonly pods: ReadonlySet<PodKey>;
  /** By `setKey`. */
  readonly sets: ReadonlyMap<string, SetChange>;
}

/** One text for a set, unique on the node. */
export function setKey(id: SetId): string {
  if (id.of === 'targets') return `${id.policy} targets`;
  const rule = `${id.policy} ${id.direction} ${id.rule} ${id.of}`;
  return id.of === 'named-port' ? `${rule} ${id.protocol} ${id.port}` : rule;
}
