/**
 * The decision process, phase 2 (RFC 4271 §9.1.2) with the tie-breaks of RFC 4456 §9, as one table of steps. A step
 * keeps the candidates with the smallest key; the first step that leaves one candidate decides. Which paths are
 * eligible at all (§9.1.2.1) is settled before: an ineligible path is no candidate.
 */

/** What the steps ask about a path, by its number. */
export interface PathFacts {
  /** 0 for a route this speaker originates, 1 for one it learned. */
  learned(path: number): number;
  /** 1 for a route that is kept by long-lived graceful restart, here or by the one it came from. */
  longLivedStale(path: number): number;
  localPreference(path: number): number;
  asPathLength(path: number): number;
  origin(path: number): number;
  /** The AS that sent the route into this one, 0 when the AS path is empty. */
  neighborAs(path: number): number;
  multiExitDiscriminator(path: number): number;
  /** 0 when the route was learned by eBGP (or is local), 1 by iBGP. */
  internal(path: number): number;
  interiorCost(path: number): number;
  /** ORIGINATOR_ID where there is one, else the peer's BGP Identifier. */
  originator(path: number): number;
  clusterListLength(path: number): number;
  /** Orders peers as their addresses do. */
  peerRank(path: number): number;
}

export interface DecisionStep {
  readonly name: string;
  readonly source: string;
  readonly key: (facts: PathFacts, path: number) => number;
  /** The step compares only paths with the same neighbour AS. */
  readonly sameNeighborAs?: boolean;
}

export const decisionSteps: readonly DecisionStep[] = [
  { name: 'local route', source: 'RFC 4271 §9.1.1', key: (facts, path) => facts.learned(path) },
  { name: 'long-lived stale', source: 'RFC 9494 §4.3', key: (facts, path) => facts.longLivedStale(path) },
  { name: 'local preference', source: 'RFC 4271 §9.1.1', key: (facts, path) => -facts.localPreference(path) },
  { name: 'AS path length', source: 'RFC 4271 §9.1.2.2 a', key: (facts, path) => facts.asPathLength(path) },
  { name: 'origin', source: 'RFC 4271 §9.1.2.2 b', key: (facts, path) => facts.origin(path) },
  {
    name: 'multi exit discriminator',
    source: 'RFC 4271 §9.1.2.2 c',
    key: (facts, path) => facts.multiExitDiscriminator(path),
    sameNeighborAs: true,
  },
  { name: 'external over internal', source: 'RFC 4271 §9.1.2.2 d', key: (facts, path) => facts.internal(path) },
  { name: 'interior cost', source: 'RFC 4271 §9.1.2.2 e', key: (facts, path) => facts.interiorCost(path) },
  { name: 'BGP identifier', source: 'RFC 4271 §9.1.2.2 f', key: (facts, path) => facts.originator(path) },
  { name: 'cluster list length', source: 'RFC 4456 §9', key: (facts, path) => facts.clusterListLength(path) },
  { name: 'peer address', source: 'RFC 4271 §9.1.2.2 g', key: (facts, path) => facts.peerRank(path) },
];

/** Reorders the first `count` entries of `candidates`, which holds path numbers, so that the best stands first. */
export function selectBest(
  facts: PathFacts,
  candidates: Int32Array,
  count: number,
  steps: readonly DecisionStep[] = decisionSteps,
): void {
  let left = count;
  for (let index = 0; left > 1 && index < steps.length; index++) {
    const step = steps[index];
    if (step !== undefined) left = applyStep(step, facts, candidates, left);
  }
}

export interface Explanation {
  readonly best: number;
  /** The other candidates, each with the step that put it aside. */
  readonly others: readonly { readonly path: number; readonly lostAt: DecisionStep }[];
}

/** The same selection with the reason for every path that lost; undefined without candidates. */
export function explainBest(
  facts: PathFacts,
  paths: readonly number[],
  steps: readonly DecisionStep[] = decisionSteps,
): Explanation | undefined {
  const candidates = Int32Array.from(paths);
  const others: { path: number; lostAt: DecisionStep }[] = [];
  let left = candidates.length;
  for (const step of steps) {
    if (left <= 1) break;
    const kept = applyStep(step, facts, candidates, left);
    for (const path of candidates.subarray(kept, left)) others.push({ path, lostAt: step });
    left = kept;
  }
  const best = candidates[0];
  return best === undefined ? undefined : { best, others };
}

/** Moves the paths that the step keeps to the front; returns how many. */
function applyStep(step: DecisionStep, facts: PathFacts, candidates: Int32Array, count: number): number {
  if (step.sameNeighborAs === true) return applyWithinNeighborAs(step, facts, candidates, count);
  let smallest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const key = step.key(facts, candidates[index] ?? 0);
    if (key < smallest) smallest = key;
  }
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const path = candidates[index] ?? 0;
    if (step.key(facts, path) === smallest) swap(candidates, kept++, index);
  }
  return kept;
}

/**
 * RFC 4271 §9.1.2.2 c removes a route for which another one with the same neighbour AS is better; taking the whole set
 * at once makes the result independent of the order of arrival.
 */
function applyWithinNeighborAs(step: DecisionStep, facts: PathFacts, candidates: Int32Array, count: number): number {
  const smallest = new Map<number, number>();
  for (let index = 0; index < count; index++) {
    const path = candidates[index] ?? 0;
    const as = facts.neighborAs(path);
    const key = step.key(facts, path);
    if (key < (smallest.get(as) ?? Number.POSITIVE_INFINITY)) smallest.set(as, key);
  }
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const path = candidates[index] ?? 0;
    if (step.key(facts, path) === smallest.get(facts.neighborAs(path))) swap(candidates, kept++, index);
  }
  return kept;
}

function swap(candidates: Int32Array, a: number, b: number): void {
  const path = candidates[a] ?? 0;
  candidates[a] = candidates[b] ?? 0;
  candidates[b] = path;
}
