import fc from 'fast-check';
import t from 'tap';
import { decisionSteps, explainBest, type PathFacts, selectBest } from '../../../src/table/decision.ts';

interface Facts {
  readonly [fact: string]: number;
}

/** Facts by path number; path numbers are indexes into `paths`. */
function factsOf(paths: readonly Facts[]): PathFacts {
  const get = (name: string) => (path: number) => paths[path]?.[name] ?? 0;
  return {
    learned: get('learned'),
    longLivedStale: get('longLivedStale'),
    localPreference: get('localPreference'),
    asPathLength: get('asPathLength'),
    origin: get('origin'),
    neighborAs: get('neighborAs'),
    multiExitDiscriminator: get('multiExitDiscriminator'),
    internal: get('internal'),
    interiorCost: get('interiorCost'),
    originator: get('originator'),
    clusterListLength: get('clusterListLength'),
    peerRank: get('peerRank'),
  };
}

function bestOf(paths: readonly Facts[], order: readonly number[]): number {
  const candidates = Int32Array.from(order);
  selectBest(factsOf(paths), candidates, candidates.length);
  return candidates[0] ?? -1;
}

t.test('each step decides between paths that are equal before it', async (t) => {
  const base = { learned: 1, localPreference: 100, asPathLength: 2, neighborAs: 65001 };
  const better: [string, Facts][] = [
    ['local route', { learned: 0 }],
    ['long-lived stale', { longLivedStale: -1 }],
    ['local preference', { localPreference: 200 }],
    ['AS path length', { asPathLength: 1 }],
    ['origin', { origin: -1 }],
    ['multi exit discriminator', { multiExitDiscriminator: -1 }],
    ['external over internal', { internal: -1 }],
    ['interior cost', { interiorCost: -1 }],
    ['BGP identifier', { originator: -1 }],
    ['cluster list length', { clusterListLength: -1 }],
    ['peer address', { peerRank: -1 }],
  ];
  t.strictSame(
    better.map(([name]) => name),
    decisionSteps.map(({ name }) => name),
    'every step has its case',
  );
  for (const [index, [name, advantage]] of better.entries()) {
    // All later steps speak for the other path.
    const later = Object.assign({}, ...better.slice(index + 1).map(([, facts]) => facts));
    const paths = [
      { ...base, ...advantage },
      { ...base, ...later },
    ];
    t.equal(bestOf(paths, [0, 1]), 0, name);
    t.equal(bestOf(paths, [1, 0]), 0, `${name}, the other way round`);
    t.equal(explainBest(factsOf(paths), [1, 0])?.others[0]?.lostAt.name, name);
  }
});

t.test('MULTI_EXIT_DISC is not compared between neighbouring ASes', async (t) => {
  const paths = [
    { neighborAs: 1, multiExitDiscriminator: 50, originator: 1 },
    { neighborAs: 2, multiExitDiscriminator: 10, originator: 2 },
  ];
  t.equal(bestOf(paths, [0, 1]), 0);
});

t.test('a path that loses by MULTI_EXIT_DISC does not shield another AS', async (t) => {
  // The classic of arrival order: pairwise, a beats b, b beats c, c beats a.
  const paths = [
    { neighborAs: 1, multiExitDiscriminator: 10, originator: 3 },
    { neighborAs: 2, multiExitDiscriminator: 0, originator: 2 },
    { neighborAs: 1, multiExitDiscriminator: 20, originator: 1 },
  ];
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [1, 0, 2],
    [2, 0, 1],
    [0, 2, 1],
  ])
    t.equal(bestOf(paths, order), 1);
});

t.test('the result is independent of the order of arrival, and never an earlier loser', async (t) => {
  const small = fc.integer({ min: 0, max: 2 });
  const path = fc.record({
    learned: fc.constant(1),
    longLivedStale: fc.integer({ min: 0, max: 1 }),
    localPreference: small,
    asPathLength: small,
    origin: small,
    neighborAs: small,
    multiExitDiscriminator: small,
    internal: fc.integer({ min: 0, max: 1 }),
    interiorCost: small,
    originator: small,
    clusterListLength: small,
  });
  const paths = fc
    .array(path, { minLength: 1, maxLength: 7 })
    .map((list) => list.map((facts, peerRank) => ({ ...facts, peerRank })));
  fc.assert(
    fc.property(paths, fc.infiniteStream(fc.nat()), (list, noise) => {
      const order = [...list.keys()];
      const shuffled = order
        .map((index) => [noise.next().value ?? 0, index] as const)
        .sort(([a], [b]) => a - b)
        .map(([, index]) => index);
      const best = bestOf(list, order);
      const explained = explainBest(factsOf(list), shuffled);
      return bestOf(list, shuffled) === best && explained?.best === best && explained.others.length === list.length - 1;
    }),
  );
  t.pass();
});
