/**
 * Patterns over the AS numbers of a path, matched in time linear in the path's length: a pattern becomes an automaton
 * whose deterministic states are made when they are first met and kept.
 *
 *     ^65001 .* (1|2)$     starts at 65001, ends at 1 or 2
 *     [64512-65534 23456]  has one of these somewhere;  [^1 2] one that is none of these
 *     ^65001+$  ^1 2? 3{2}$  ^$ (the empty path)
 *
 * AS numbers are separated by spaces. `^` and `$` hold for the whole pattern. All segments count, those of a
 * confederation too; a set stands for one number and is whatever one of its members is.
 */
import type { AsPath } from '../attribute/as-path.ts';
import { type PatternNode, parseAsPathPattern } from './as-path-syntax.ts';

/** States of the deterministic automaton that are kept; beyond that they are made anew. */
const maximumStates = 1_000;

/** A step of the automaton: over one AS number of `classes`, or (without them) over nothing. */
interface Edge {
  readonly classes?: ReadonlySet<number>;
  readonly to: number;
}

interface DeterministicState {
  readonly members: readonly number[];
  readonly accepts: boolean;
  /** By class. */
  readonly next: (DeterministicState | undefined)[];
}

export class AsPathPattern {
  /** First AS number of each class but the first, ascending: numbers of one class are alike to the pattern. */
  readonly #starts: readonly number[];
  readonly #edges: Edge[][] = [[]];
  readonly #accepting: number;
  readonly #states = new Map<string, DeterministicState>();
  #start: DeterministicState;

  /** Throws `PatternError` with the place of what cannot be read. */
  constructor(text: string) {
    const root = parseAsPathPattern(text);
    this.#starts = [...new Set(boundariesOf(root))].sort((a, b) => a - b);
    this.#accepting = this.#build(root, 0);
    this.#start = this.#intern(this.#closure([0]));
  }

  matches(path: AsPath): boolean {
    let state = this.#start;
    for (const { kind, asns } of path) {
      if (kind === 'set' || kind === 'confederation-set') {
        const classes = new Set(asns.map((asn) => this.#classOf(asn)));
        const reached = new Set<number>();
        for (const each of classes) for (const member of this.#step(state, each).members) reached.add(member);
        state = this.#intern([...reached]);
      } else {
        for (const asn of asns) state = this.#step(state, this.#classOf(asn));
      }
      if (state.members.length === 0) return false;
    }
    return state.accepts;
  }

  #step(state: DeterministicState, asnClass: number): DeterministicState {
    const known = state.next[asnClass];
    if (known !== undefined) return known;
    const reached: number[] = [];
    for (const member of state.members) {
      for (const { classes, to } of this.#edges[member] ?? []) if (classes?.has(asnClass) === true) reached.push(to);
    }
    const next = this.#intern(this.#closure(reached));
    state.next[asnClass] = next;
    return next;
  }

  #intern(members: readonly number[]): DeterministicState {
    const sorted = [...members].sort((a, b) => a - b);
    const key = sorted.join();
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= maximumStates) this.#forget();
      state = { members: sorted, accepts: sorted.includes(this.#accepting), next: [] };
      this.#states.set(key, state);
    }
    return state;
  }

  #forget(): void {
    this.#states.clear();
    const { members, accepts } = this.#start;
    this.#start = { members, accepts, next: [] };
  }

  /** All that is reached from `states` without an AS number. */
  #closure(states: readonly number[]): number[] {
    const reached = new Set(states);
    for (const state of reached) {
      for (const { classes, to } of this.#edges[state] ?? []) if (classes === undefined) reached.add(to);
    }
    return [...reached];
  }

  #classOf(asn: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= asn) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #state(): number {
    return this.#edges.push([]) - 1;
  }

  #edge(from: number, to: number, classes?: ReadonlySet<number>): void {
    this.#edges[from]?.push(classes === undefined ? { to } : { classes, to });
  }

  /** Adds what `node` matches behind state `from`; returns the state behind it. */
  #build(node: PatternNode, from: number): number {
    switch (node.kind) {
      case 'one': {
        const to = this.#state();
        this.#edge(from, to, this.#classesOf(node));
        return to;
      }
      case 'sequence':
        return node.parts.reduce((at, part) => this.#build(part, at), from);
      case 'either': {
        const to = this.#state();
        for (const part of node.parts) {
          const start = this.#state();
          this.#edge(from, start);
          this.#edge(this.#build(part, start), to);
        }
        return to;
      }
      case 'repeat': {
        let at = from;
        for (let count = 0; count < node.least; count++) at = this.#build(node.part, at);
        return node.most === undefined ? this.#buildLoop(node.part, at) : this.#buildOptional(node, at);
      }
    }
  }

  #buildLoop(part: PatternNode, from: number): number {
    const loop = this.#state();
    const to = this.#state();
    this.#edge(from, loop);
    this.#edge(this.#build(part, loop), loop);
    this.#edge(loop, to);
    return to;
  }

  #buildOptional({ part, least, most = least }: PatternNode & { kind: 'repeat' }, from: number): number {
    const to = this.#state();
    let at = from;
    for (let count = least; count < most; count++) {
      this.#edge(at, to);
      at = this.#build(part, at);
    }
    this.#edge(at, to);
    return to;
  }

  #classesOf({ ranges, negated }: PatternNode & { kind: 'one' }): Set<number> {
    const classes = new Set<number>();
    for (let each = 0; each <= this.#starts.length; each++) {
      const asn = each === 0 ? 0 : (this.#starts[each - 1] ?? 0);
      if (ranges.some(([low, high]) => asn >= low && asn <= high) !== negated) classes.add(each);
    }
    return classes;
  }
}

/** Where AS numbers begin to mean something else to the pattern. */
function boundariesOf(node: PatternNode): number[] {
  switch (node.kind) {
    case 'one':
      return node.ranges.flatMap(([low, high]) => [low, high + 1]);
    case 'repeat':
      return boundariesOf(node.part);
    default:
      return node.parts.flatMap(boundariesOf);
  }
}
