/**
 * Which node each pod CIDR belongs to. Two nodes whose CIDRs overlap cannot both be right: the own node comes first, then
 * the order of the names decides, and the loser's CIDR is a problem with both named.
 */
import { overlaps, type Prefix } from '../annotations/prefix.ts';
import type { Problem } from '../problem.ts';
import type { NodeFacts } from './node-facts.ts';

export interface Owned {
  readonly prefix: Prefix;
  readonly node: string;
}

export interface PodCidrOwners {
  /** The CIDRs that overlap `prefix`, with their nodes. */
  overlapping(prefix: Prefix): readonly Owned[];
  readonly all: readonly Owned[];
  readonly problems: readonly Problem[];
}

export function planPodCidrOwners(nodes: Iterable<NodeFacts>, ownName: string): PodCidrOwners {
  const order = (name: string) => (name === ownName ? '' : name);
  const sorted = [...nodes].sort((a, b) => (order(a.name) < order(b.name) ? -1 : 1));
  const owned: Record<4 | 6, Owned[]> = { 4: [], 6: [] };
  const problems: Problem[] = [];
  for (const { name, podCidrs } of sorted) {
    for (const prefix of podCidrs) {
      const list = owned[prefix.family];
      const [other] = overlapping(list, prefix);
      if (other) {
        if (other.node === name) continue;
        const text = `node ${name}: pod CIDR ${prefix.text} overlaps ${other.prefix.text} of node ${other.node} and is refused`;
        problems.push({ code: 'pod-cidr-overlap', subject: `${name} ${prefix.text}`, text });
      } else {
        list.splice(lowerBound(list, prefix.value), 0, { prefix, node: name });
      }
    }
  }
  return {
    overlapping: (prefix) => overlapping(owned[prefix.family], prefix),
    all: [...owned[4], ...owned[6]],
    problems,
  };
}

/** `list` is disjoint and sorted, so the only candidates before `prefix` is the entry next to it. */
function overlapping(list: readonly Owned[], prefix: Prefix): Owned[] {
  const found: Owned[] = [];
  for (let i = Math.max(0, lowerBound(list, prefix.value) - 1); i < list.length; i++) {
    const entry = list[i];
    if (entry && overlaps(entry.prefix, prefix)) found.push(entry);
    else if (entry && entry.prefix.value > prefix.value) break;
  }
  return found;
}

/** Index of the first entry that does not start below `value`. */
function lowerBound(list: readonly Owned[], value: bigint): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.prefix.value ?? 0n) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
