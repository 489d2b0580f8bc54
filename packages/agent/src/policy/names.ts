/**
 * Names of chains and sets, and the comments of rules: the original's formulas (N-30, N-35 to N-37, N-44). Its hash of a
 * chain takes the time of the sync, ours takes nothing there, so a name stays as long as its policy or pod.
 */
import { createHash } from 'node:crypto';
import type { IpFamily } from '../annotations/prefix.ts';
import { type Direction, type PodKey, type PolicyKey, type SetId, setKey } from './compile/model.ts';

export const chainPrefix = { pod: 'KUBE-POD-FW-', policy: 'KUBE-NWPLCY-' } as const;
export const setPrefix = { source: 'KUBE-SRC-', destination: 'KUBE-DST-' } as const;

/** Chains that the built-in ones call. */
export const topChain = {
  INPUT: 'KUBE-ROUTER-INPUT',
  FORWARD: 'KUBE-ROUTER-FORWARD',
  OUTPUT: 'KUBE-ROUTER-OUTPUT',
} as const;
export const hooks = ['INPUT', 'FORWARD', 'OUTPUT'] as const;
export type Hook = (typeof hooks)[number];

/** Chains that all pods share. */
export const sharedChain = {
  unpoliced: 'KUBE-NWPLCY-DEFAULT',
  common: 'KUBE-NWPLCY-COMMON',
  tail: 'KUBE-NWPLCY-TAIL',
} as const;

/** Addresses of the pods whose rules are in place (N-80). */
export const LOCAL_PODS = 'kube-router-local-pods';

/** Longest comment (N-44): nftables takes 128 bytes. */
const COMMENT_LENGTH = 120;
/** linux/netfilter/xt_NFLOG.h: the prefix has 64 bytes with its zero. */
const LOG_PREFIX_LENGTH = 63;

const familyName: Readonly<Record<IpFamily, string>> = { 4: 'IPv4', 6: 'IPv6' };

function hash(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bytes = createHash('sha256').update(text).digest();
  // 16 characters of 5 bits are the first 10 bytes (RFC 4648 §6).
  const bits = [...bytes.subarray(0, 10)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((group) => alphabet[Number.parseInt(group, 2)]).join('');
}

/**
 * Gives out names. The original hashes namespace and name without anything between them, so `a/bc` and `ab/c` would share
 * their chains and sets: who comes second gets a name of its own.
 */
export class Names {
  /** What each name was given out for. */
  readonly #owners = new Map<string, string>();

  /** One chain for both families, which have tables of their own. */
  podChain(key: PodKey): string {
    return this.#give(chainPrefix.pod, key, key, (object) => object);
  }

  /**
   * Deviates from N-36 for egress: the original has the rules of both directions in one chain, where a rule of ingress to
   * one pod of the policy lets the traffic of another one leave. The word takes the place of the sync's version.
   */
  policyChain(key: PolicyKey, direction: Direction, family: IpFamily): string {
    const version = direction === 'egress' ? 'egress' : '';
    return this.#give(chainPrefix.policy, key, `${key} ${direction} ${family}`, (policy) => {
      return policy + version + familyName[family];
    });
  }

  /**
   * Name of a set without the mark of its family. The pods that a policy applies to are a set for each direction.
   * Deviates from N-37 for named ports: protocol and port in place of a number that changes when another port comes or goes.
   */
  set(id: SetId, direction: Direction, family: IpFamily): string {
    const owner = `${setKey(id)} ${direction} ${family}`;
    const { source, destination } = setPrefix;
    const prefix = (direction === 'ingress') === (id.of === 'targets') || id.of === 'named-port' ? destination : source;
    return this.#give(prefix, id.policy, owner, (policy) => {
      if (id.of === 'targets') return policy + familyName[family];
      const rule = `${policy}${id.direction}rule${id.rule}`;
      if (id.of === 'named-port') return `${rule}${id.protocol}${id.port}${familyName[family]}namedport`;
      return `${rule}${familyName[family]}${id.of === 'pods' ? 'pod' : 'ipblock'}`;
    });
  }

  #give(prefix: string, key: string, owner: string, text: (object: string) => string): string {
    const first = prefix + hash(text(key.replace('/', '')));
    const holder = this.#owners.get(first);
    if (holder === undefined) this.#owners.set(first, owner);
    return holder === undefined || holder === owner ? first : prefix + hash(text(key));
  }
}

/** The name of an ipset: both families share one name space. */
export function ipsetName(name: string, family: IpFamily): string {
  return family === 4 ? name : `inet6:${name}`;
}

/** `namespace/name kind`. */
export function ruleComment(key: string, kind: string): string {
  return clamp(`${key} ${kind}`, COMMENT_LENGTH);
}

/** Deviates from N-39: the original's lines of the log name nothing. */
export function logPrefix(text: string): string {
  return clamp(text, LOG_PREFIX_LENGTH);
}

/** N-30: the comment of a rule whose place is kept, marked by what it says. `words` are the original's, in its order. */
export function placedComment(chain: string, words: readonly string[], comment: string): string {
  return `${comment} - ${hash(chain + words.join(''))}`;
}

/** Names of the API are ASCII, so characters are bytes. */
function clamp(text: string, length: number): string {
  return text.replaceAll(/[^ -~]|["\\]/g, '').slice(0, length);
}
