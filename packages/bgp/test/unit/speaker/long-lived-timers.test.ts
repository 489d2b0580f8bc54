/** RFC 9494 §4.2: when the Long-Lived Stale Time begins and ends, and which routes it is for. */
import t from 'tap';
import { wellKnownCommunity } from '../../../src/iana.ts';
import type { PolicyAction, PolicyChain } from '../../../src/policy/model.ts';
import type { PeerOptions } from '../../../src/speaker/api.ts';
import { Bench, type Node } from './pair.ts';

const { llgrStale, noLlgr } = wellKnownCommunity;
const RESTART_MS = 60_000;
const STALE_MS = 600_000;
const gracefulRestart = { restartTimeMs: RESTART_MS };
const longLived: Partial<PeerOptions> = { longLivedGracefulRestart: { staleTimeMs: STALE_MS } };

/** 192.0.2.0/24: ORIGIN IGP, AS_PATH 65002, NEXT_HOP 10.0.0.2. */
const update = Buffer.from(
  `${'ff'.repeat(16)}002f0200000014400101004002060201 0000fdea 4003040a00000218c00002`.replaceAll(' ', ''),
  'hex',
);

interface Scene {
  readonly bench: Bench;
  readonly helper: Node;
  readonly peer: Node;
}

/** A peer with two routes, and the helper that keeps them. */
async function settled(of: Partial<PeerOptions> = longLived, restartTimeMs = RESTART_MS): Promise<Scene> {
  const bench = new Bench();
  const helper = bench.node('10.0.0.1', 65001, { gracefulRestart });
  const peer = bench.node('10.0.0.2', 65002, { gracefulRestart: { restartTimeMs } });
  bench.peer(helper, peer, of, longLived);
  peer.speaker.setAnnouncements([{ prefix: '192.0.2.0/24' }, { prefix: '198.51.100.0/24' }]);
  await bench.start(helper, peer);
  return { bench, helper, peer };
}

/** The helper's routes: fresh, stale, or long-lived stale. */
function seen({ speaker }: Node): string[] {
  return Array.from(speaker.routes(), ({ prefix, stale, attributes: { communities = [] } }) => {
    if (communities.includes(llgrStale)) return `${prefix} last`;
    return stale ? `${prefix} stale` : prefix;
  }).sort();
}

const stale = ['192.0.2.0/24 stale', '198.51.100.0/24 stale'];
const last = ['192.0.2.0/24 last', '198.51.100.0/24 last'];

/** The peer's next run, with a selection that waits for somebody who is not there: no routes, no End-of-RIB. */
async function back({ bench, helper, peer }: Scene): Promise<Node> {
  const restarting = { ...gracefulRestart, restarting: true, deferralTimeMs: 3_600_000 };
  const again = bench.node(peer.address, 65002, { gracefulRestart: restarting });
  again.speaker.addPeer({ address: '10.0.0.99', asn: 65099 });
  again.speaker.addPeer({ address: helper.address, asn: helper.asn, localAddress: peer.address, ...longLived });
  await again.speaker.start();
  bench.simulation.run(20_000);
  return again;
}

t.test('with a Restart Time of zero it begins at once', async (t) => {
  const { bench, helper, peer } = await settled(longLived, 0);
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  t.strictSame(seen(helper), last);
  bench.simulation.run(STALE_MS - 5000);
  t.strictSame(seen(helper), last);
  bench.simulation.run(10_000);
  t.strictSame(seen(helper), []);
});

t.test('a second restart inside the Restart Time: what was stale already is a last resort, and stays', async (t) => {
  const scene = await settled();
  const { bench, helper, peer } = scene;
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(20_000);
  const again = await back(scene);
  t.strictSame(seen(helper), stale);
  await again.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  t.strictSame(seen(helper), last, '"MUST NOT be deleted before the timer for the Long-Lived Stale Time expires"');
  bench.simulation.run(STALE_MS - 10_000);
  t.strictSame(seen(helper), last);
  bench.simulation.run(15_000);
  t.strictSame(seen(helper), [], 'counted from the second restart');
});

t.test('without the capability the second restart deletes them (RFC 4724 §4.2)', async (t) => {
  const scene = await settled({});
  const { bench, helper, peer } = scene;
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(20_000);
  const again = await back(scene);
  t.strictSame(seen(helper), stale);
  await again.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  t.strictSame(seen(helper), []);
});

t.test(
  'it ends while the peer is back and has sent half: the rest goes, and all when the session resets',
  async (t) => {
    const scene = await settled();
    const { bench, helper, peer } = scene;
    await peer.speaker.stop({ graceful: true });
    bench.simulation.run(RESTART_MS + 5000);
    const again = await back(scene);
    bench.inject(again, helper, update);
    bench.simulation.run(1000);
    t.strictSame(seen(helper), ['192.0.2.0/24', '198.51.100.0/24 last']);
    bench.simulation.run(STALE_MS);
    t.strictSame(seen(helper), ['192.0.2.0/24'], '"any stale routes that the peer has not refreshed are removed"');
    await again.speaker.stop({ graceful: true });
    bench.simulation.run(1000);
    t.strictSame(seen(helper), [], 'the session "resets prior to becoming synchronized"');
  },
);

t.test('the received value may be reduced here', async (t) => {
  const { bench, helper, peer } = await settled({
    longLivedGracefulRestart: { staleTimeMs: STALE_MS, maximumPeerStaleTimeMs: 30_000 },
  });
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(RESTART_MS + 5000);
  t.strictSame(seen(helper), last);
  bench.simulation.run(30_000);
  t.strictSame(seen(helper), []);
});

function policyWith(action: PolicyAction): PolicyChain {
  const prefixes = [{ prefix: '192.0.2.0/24' }];
  return {
    name: 'marks',
    statements: [{ name: 'one', match: { prefixes }, actions: [action] }],
    defaultVerdict: 'accept',
  };
}

t.test('NO_LLGR "as the result of a configured policy"', async (t) => {
  const marks = policyWith({ kind: 'add-communities', communities: [noLlgr] });
  const { bench, helper, peer } = await settled({ ...longLived, importPolicy: marks });
  t.strictSame(helper.speaker.bestPath('192.0.2.0/24')?.attributes.communities, [noLlgr]);
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(RESTART_MS + 5000);
  t.strictSame(seen(helper), last.slice(1));
});

t.test('NO_LLGR by a policy that comes later', async (t) => {
  const { bench, helper, peer } = await settled();
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(RESTART_MS + 5000);
  t.strictSame(seen(helper), last);
  helper.speaker.setPolicy({ importPolicy: policyWith({ kind: 'add-communities', communities: [noLlgr] }) });
  bench.simulation.run(1000);
  t.strictSame(seen(helper), last.slice(1));
});
