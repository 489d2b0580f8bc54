import t from 'tap';
import { wellKnownCommunity } from '../../../src/iana.ts';
import type { FamilyName, PeerOptions } from '../../../src/speaker/api.ts';
import { all, Bench, type Node } from './pair.ts';

const { llgrStale, noLlgr } = wellKnownCommunity;
const RESTART_MS = 60_000;
const STALE_MS = 600_000;
const families: readonly FamilyName[] = ['ipv4-unicast', 'ipv6-unicast'];
const gracefulRestart = { restartTimeMs: RESTART_MS };
const longLived: Partial<PeerOptions> = { families, longLivedGracefulRestart: { staleTimeMs: STALE_MS } };
const routes = [
  { prefix: '192.0.2.0/24' },
  { prefix: '2001:db8::/32', nextHop: '2001:db8::1' },
  { prefix: '198.51.100.0/24', attributes: { communities: [noLlgr] } },
];

interface Scene {
  readonly bench: Bench;
  readonly helper: Node;
  readonly peer: Node;
  readonly capable: Node;
  readonly plain: Node;
}

/** A helper with a peer that has routes, and two others who hear of them: with long-lived graceful restart and without. */
async function settled(of: Partial<PeerOptions> = longLived, back = of): Promise<Scene> {
  const bench = new Bench();
  const helper = bench.node('10.0.0.1', 65001, { gracefulRestart });
  const peer = bench.node('10.0.0.2', 65002, { gracefulRestart });
  const capable = bench.node('10.0.0.3', 65003, { gracefulRestart });
  const plain = bench.node('10.0.0.4', 65004, { gracefulRestart });
  bench.peer(helper, peer, of, back);
  const nextHopAddresses = ['2001:db8::9'];
  bench.peer(helper, capable, { ...longLived, nextHopAddresses });
  bench.peer(helper, plain, { families, nextHopAddresses });
  peer.speaker.setAnnouncements(routes);
  await bench.start(helper, peer, capable, plain);
  return { bench, helper, peer, capable, plain };
}

/** "prefix communities", stale ones with a star. */
function seen({ speaker }: Node): string[] {
  return Array.from(speaker.routes(), ({ prefix, stale, attributes: { communities = [] } }) => {
    const names = communities.map((community) => (community === llgrStale ? 'LLGR_STALE' : 'NO_LLGR'));
    return [`${prefix}${stale ? '*' : ''}`, ...names].join(' ');
  }).sort();
}

async function restarted(bench: Bench, { address }: Node, helper: Node, of: Partial<PeerOptions>, restarting = true) {
  const again = bench.node(address, 65002, { gracefulRestart: { ...gracefulRestart, restarting } });
  again.speaker.addPeer({ address: helper.address, asn: helper.asn, localAddress: address, ...of });
  await again.speaker.start();
  return again;
}

const kept = ['192.0.2.0/24* LLGR_STALE', '2001:db8::/32* LLGR_STALE'];
const everything = ['192.0.2.0/24*', '198.51.100.0/24* NO_LLGR', '2001:db8::/32*'];

t.test('RFC 9494 §4.2: after the restart time routes are a last resort, until the stale time is over', async (t) => {
  const { bench, helper, peer, capable, plain } = await settled();
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(RESTART_MS - 5000);
  t.strictSame(seen(helper), everything, 'in the restart time nothing is marked');
  t.equal(seen(plain).length, 3);
  bench.simulation.run(10_000);
  t.strictSame(seen(helper), kept, 'marked on both families; §4.2: a route with NO_LLGR "MUST NOT be retained"');
  t.strictSame(seen(capable), ['192.0.2.0/24 LLGR_STALE', '2001:db8::/32 LLGR_STALE'], '§4.3: told with the mark');
  t.strictSame(seen(plain), [], '§4.3: not told without the capability');
  bench.simulation.run(STALE_MS - 10_000);
  t.strictSame(seen(helper), kept);
  bench.simulation.run(10_000);
  t.strictSame(seen(helper), []);
  t.strictSame(seen(capable), []);
});

/** Options of the helper and of the peer, and whether long-lived retention comes of them. */
const agreements: readonly [string, Partial<PeerOptions>, Partial<PeerOptions>, boolean][] = [
  ['both', longLived, longLived, true],
  ['the helper alone', longLived, { families }, false],
  ['the peer alone', { families }, longLived, false],
  ['no graceful restart: §3.1 "MUST be ignored"', longLived, { ...longLived, gracefulRestart: false }, false],
  ['a stale time of zero', longLived, { families, longLivedGracefulRestart: { staleTimeMs: 0 } }, false],
];

t.test('RFC 9494 §3.1: what both sides say', async (t) => {
  t.not(agreements.length, 0);
  for (const [name, of, back, expected] of agreements) {
    const { bench, helper, peer } = await settled(of, back);
    await peer.speaker.stop({ graceful: true });
    bench.simulation.run(RESTART_MS + 5000);
    t.strictSame(seen(helper), expected ? kept : [], name);
  }
});

t.test('RFC 9494 §4.3: least preferred, whatever else speaks for it', async (t) => {
  const bench = new Bench();
  const helper = bench.node('10.0.0.1', 65001, { gracefulRestart });
  const peer = bench.node('10.0.0.2', 65002, { gracefulRestart });
  const other = bench.node('10.0.0.3', 65003);
  const preferred = {
    name: 'preferred',
    statements: [{ name: 'high', match: {}, actions: [{ kind: 'set-local-preference' as const, value: 900 }] }],
    defaultVerdict: 'accept' as const,
  };
  bench.peer(helper, peer, { ...longLived, importPolicy: preferred }, longLived);
  bench.peer(helper, other);
  peer.speaker.announce({ prefix: '192.0.2.0/24' });
  other.speaker.announce({ prefix: '192.0.2.0/24', attributes: { asPath: [{ kind: 'sequence', asns: [1, 2, 3] }] } });
  await bench.start(helper, peer, other);
  const best = () => helper.speaker.bestPath('192.0.2.0/24')?.from;
  t.equal(best(), peer.address);
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(5000);
  t.equal(best(), peer.address, 'stale alone changes nothing (RFC 4724 §4.2)');
  bench.simulation.run(RESTART_MS);
  t.equal(best(), other.address);
  helper.speaker.setPolicy({ importPolicy: all, exportPolicy: all });
  helper.speaker.setPeers([
    { address: peer.address, asn: 65002, localAddress: helper.address, ...longLived, importPolicy: all },
    { address: other.address, asn: 65003, localAddress: helper.address },
  ]);
  bench.simulation.run(1000);
  t.equal(best(), other.address, 'also when policy is applied again');
  await other.speaker.stop();
  bench.simulation.run(1000);
  t.equal(best(), peer.address, 'better than none');
});

t.test('RFC 9494 §4.2: the peer is back, End-of-RIB ends it', async (t) => {
  const { bench, helper, peer, plain } = await settled();
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(RESTART_MS + 5000);
  const again = await restarted(bench, peer, helper, longLived);
  again.speaker.announce({ prefix: '192.0.2.0/24' });
  bench.simulation.run(30_000);
  t.strictSame(seen(helper), ['192.0.2.0/24'], 'what was sent again is fresh, the rest gone');
  t.strictSame(seen(plain), ['192.0.2.0/24']);
  bench.simulation.run(STALE_MS);
  t.strictSame(seen(helper), ['192.0.2.0/24'], 'and no timer is left');
});

/** How the peer comes back, and whether stale routes wait for its End-of-RIB. */
const returns: readonly [string, Partial<PeerOptions>, boolean, boolean][] = [
  ['with the F bit', longLived, true, true],
  ['without the F bit', longLived, false, false],
  ['without the capability', { families }, true, false],
  [
    'with one family of two',
    { families: ['ipv4-unicast'], longLivedGracefulRestart: { staleTimeMs: STALE_MS } },
    true,
    true,
  ],
];

t.test('RFC 9494 §4.2: what the new session must say', async (t) => {
  t.not(returns.length, 0);
  for (const [name, of, restarting, waits] of returns) {
    const { bench, helper, peer } = await settled();
    await peer.speaker.stop({ graceful: true });
    bench.simulation.run(RESTART_MS + 5000);
    const again = await restarted(bench, peer, helper, of, restarting);
    let state: string[] = [];
    helper.speaker.on('peer-state', ({ address, to }) => {
      if (address === peer.address && to === 'Established')
        bench.simulation.clock.after(1, () => (state = seen(helper)));
    });
    bench.simulation.run(20_000);
    const expected = of.families?.length === 1 ? kept.slice(0, 1) : kept;
    t.strictSame(state, waits ? expected : [], name);
    await again.speaker.stop();
  }
});

t.test('RFC 9494 §4.2: the stale time goes on while the peer comes and goes', async (t) => {
  const { bench, helper, peer } = await settled();
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(RESTART_MS + 5000);
  for (let round = 0; round < 3; round++) {
    // Without End-of-RIB: its selection is deferred for a peer that is not there.
    const again = bench.node(peer.address, 65002, { gracefulRestart: { ...gracefulRestart, restarting: true } });
    again.speaker.addPeer({ address: '10.0.0.99', asn: 65099 });
    again.speaker.addPeer({ address: helper.address, asn: helper.asn, localAddress: peer.address, ...longLived });
    await again.speaker.start();
    bench.simulation.run(20_000);
    t.strictSame(seen(helper), kept, `round ${round}: not refreshed and not gone`);
    await again.speaker.stop({ graceful: true });
    bench.simulation.run(80_000);
    t.strictSame(seen(helper), kept, `round ${round}: RFC 4724 §4.2's deletion at a second restart does not hold here`);
  }
  bench.simulation.run(STALE_MS - 3 * 100_000);
  t.strictSame(seen(helper), [], 'counted from the first time');
});

t.test('RFC 8538: what ends a session for good takes the routes, other NOTIFICATIONs do not', async (t) => {
  const { bench, helper, peer } = await settled();
  await peer.speaker.stop({ text: 'gone fishing' });
  bench.simulation.run(1000);
  t.strictSame(seen(helper), [], '§5.1: a shutdown is a Hard Reset');
  t.match(helper.speaker.peers()[0]?.lastDown?.text, 'gone fishing', 'RFC 9003: and says why');

  const other = await settled();
  other.peer.speaker.setPeers([
    { address: other.helper.address, asn: 65001, localAddress: other.peer.address, ...longLived, holdTimeMs: 30_000 },
  ]);
  let state: string[] = [];
  other.helper.speaker.on('peer-state', ({ from }) => {
    if (from === 'Established') other.bench.simulation.clock.after(1, () => (state = seen(other.helper)));
  });
  other.bench.simulation.run(1000);
  t.strictSame(state, everything, '§4.1: CEASE/other configuration change keeps them');
});
