/** RFC 9494 §4.3 and §4.6: who hears of long-lived stale routes, and how, where not everybody has the capability. */
import t from 'tap';
import { wellKnownCommunity } from '../../../src/iana.ts';
import type { PolicyChain } from '../../../src/policy/model.ts';
import type { PeerOptions, SpeakerOptions } from '../../../src/speaker/api.ts';
import { Bench, type Node } from './pair.ts';

const { llgrStale, noExport } = wellKnownCommunity;
const prefix = '192.0.2.0/24';
const gracefulRestart = { restartTimeMs: 0 };
const longLived: Partial<PeerOptions> = { longLivedGracefulRestart: { staleTimeMs: 600_000 } };

/** A helper in AS 65000 keeps the routes of an eBGP peer that is gone; who hears of them stands in the names. */
async function scene(options: Partial<SpeakerOptions>) {
  const bench = new Bench();
  const confederation = { identifier: 65_000, members: [64_513] };
  const helper = bench.node('10.0.0.1', 64_512, { gracefulRestart, confederation, ...options });
  const peer = bench.node('10.0.0.2', 65_002, { gracefulRestart });
  const capable = bench.node('10.0.0.3', 64_512, { gracefulRestart, confederation });
  const inside = bench.node('10.0.0.4', 64_512, { confederation });
  const member = bench.node('10.0.0.5', 64_513, { confederation: { ...confederation, members: [64_512] } });
  const outside = bench.node('10.0.0.6', 65_006);
  bench.peer(helper, peer, longLived, { ...longLived, asn: 65_000 });
  bench.peer(helper, capable, longLived);
  bench.peer(helper, inside);
  bench.peer(helper, member);
  bench.peer(helper, outside, {}, { asn: 65_000 });
  peer.speaker.announce({ prefix });
  await bench.start(helper, peer, capable, inside, member, outside);
  return { bench, helper, peer, others: { capable, inside, member, outside } };
}

function told({ speaker }: Node): { communities: readonly number[]; localPref: number | undefined } | undefined {
  const { communities = [], localPref } = speaker.bestPath(prefix)?.attributes ?? {};
  return speaker.bestPath(prefix) === undefined ? undefined : { communities, localPref };
}

t.test('without partial deployment only those with the capability', async (t) => {
  const { bench, peer, helper, others } = await scene({});
  for (const node of Object.values(others)) t.not(told(node), undefined);
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  t.strictSame(told(helper), { communities: [llgrStale], localPref: undefined });
  t.strictSame(told(others.capable), { communities: [llgrStale], localPref: 100 });
  for (const node of [others.inside, others.member, others.outside]) t.equal(told(node), undefined, node.address);
});

t.test('§4.6: iBGP and confederation peers too, with NO_EXPORT and LOCAL_PREF 0', async (t) => {
  const { bench, peer, helper, others } = await scene({ longLivedPartialDeployment: true });
  t.strictSame(told(others.inside), { communities: [], localPref: 100 }, 'fresh ones as ever');
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  t.strictSame(told(helper), { communities: [llgrStale], localPref: 0 });
  t.strictSame(told(others.capable), { communities: [llgrStale], localPref: 0 }, 'all prefer the same');
  const marked = { communities: [llgrStale, noExport], localPref: 0 };
  for (const node of [others.inside, others.member]) {
    const { communities = [], localPref } = told(node) ?? {};
    t.strictSame({ communities: communities.toSorted((a, b) => a - b), localPref }, marked, node.address);
  }
  t.equal(told(others.outside), undefined, '"The neighbors MUST be internal"');
});

t.test('§4.6: a route that comes as a stale one from outside, and policy does not change it', async (t) => {
  const strips: PolicyChain = {
    name: 'strips',
    statements: [
      {
        name: 'all',
        match: {},
        actions: [
          { kind: 'set-communities', communities: [] },
          { kind: 'set-local-preference', value: 300 },
        ],
      },
    ],
    defaultVerdict: 'accept',
  };
  const { bench, peer, helper, others } = await scene({
    longLivedPartialDeployment: true,
    importPolicy: strips,
    exportPolicy: strips,
  });
  peer.speaker.announce({ prefix, attributes: { communities: [llgrStale] } });
  bench.simulation.run(1000);
  t.strictSame(told(helper), { communities: [llgrStale], localPref: 0 }, '§4.3: it "MUST NOT be removed"');
  t.strictSame(told(others.capable)?.communities, [llgrStale]);
  t.strictSame(told(others.inside)?.localPref, 0, 'behind policy');
  t.ok(told(others.inside)?.communities.includes(noExport));
});
