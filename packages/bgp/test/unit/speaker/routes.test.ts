import t from 'tap';
import type { PolicyChain } from '../../../src/policy/model.ts';
import { all, Bench, none } from './pair.ts';

const NO_EXPORT = 0xffff_ff01;
const NO_ADVERTISE = 0xffff_ff02;

t.test('RFC 8212: an eBGP peer without a chain imports and exports nothing, an iBGP peer everything', async (t) => {
  for (const [asn, expected] of [
    [65002, []],
    [65001, ['203.0.113.0/24 10.0.0.1']],
  ] as const) {
    const bench = new Bench();
    const a = bench.node('10.0.0.1', 65001, {});
    const bare = bench.simulation.addSpeaker({ address: '10.0.0.2', asn, routerId: '10.0.0.2' });
    const b = { address: '10.0.0.2', asn, speaker: bare };
    bench.peer(a, b);
    a.speaker.announce({ prefix: '203.0.113.0/24' });
    await bench.start(a, b);
    t.strictSame(bench.table(b), expected);
    t.equal(b.speaker.peers()[0]?.prefixesReceived, 1, 'it stays in Adj-RIB-In');
    t.equal(b.speaker.peers()[0]?.prefixesAccepted, expected.length);
  }
});

t.test('well-known communities and iBGP', async (t) => {
  const bench = new Bench();
  const outside = bench.node('10.0.0.1', 65001);
  const edge = bench.node('10.0.0.2', 65000);
  const inside = bench.node('10.0.0.3', 65000);
  const third = bench.node('10.0.0.4', 65000);
  const beyond = bench.node('10.0.0.5', 65005);
  bench.peer(outside, edge);
  bench.peer(edge, inside);
  bench.peer(inside, third);
  bench.peer(edge, beyond);
  outside.speaker.announce({ prefix: '192.0.2.0/24' });
  outside.speaker.announce({ prefix: '198.51.100.0/24', attributes: { communities: [NO_EXPORT] } });
  outside.speaker.announce({ prefix: '203.0.113.0/24', attributes: { communities: [NO_ADVERTISE] } });
  await bench.start(outside, edge, inside, third, beyond);
  t.strictSame(bench.table(edge).length, 3, 'what this speaker adds itself is for the receiver');
  t.strictSame(bench.table(inside), ['192.0.2.0/24 10.0.0.2', '198.51.100.0/24 10.0.0.2']);
  t.strictSame(bench.table(third), [], 'learned by iBGP, not told by iBGP');
  t.strictSame(bench.table(beyond), ['192.0.2.0/24 10.0.0.2']);
  t.equal(bench.table(outside).filter((line) => !line.endsWith('local')).length, 0);
  const path = inside.speaker.bestPath('192.0.2.0/24');
  t.match(path, { nextHop: '10.0.0.1', fromType: 'ibgp', attributes: { localPref: 100 } }, 'next hop unchanged inside');
  t.strictSame(beyond.speaker.bestPath('192.0.2.0/24')?.attributes.asPath, [
    { kind: 'sequence', asns: [65000, 65001] },
  ]);
});

t.test('next-hop-self, by option and by policy', async (t) => {
  const bench = new Bench();
  const outside = bench.node('10.0.0.1', 65001);
  const edge = bench.node('10.0.0.2', 65000);
  const plain = bench.node('10.0.0.3', 65000);
  const self = bench.node('10.0.0.4', 65000);
  const byPolicy = bench.node('10.0.0.5', 65000);
  const chain: PolicyChain = {
    name: 'self',
    statements: [{ name: 'self', match: {}, actions: [{ kind: 'next-hop-self' }], verdict: 'accept' }],
    defaultVerdict: 'reject',
  };
  bench.peer(outside, edge);
  bench.peer(edge, plain);
  bench.peer(edge, self, { nextHopSelf: true });
  bench.peer(edge, byPolicy, { exportPolicy: chain }, {});
  outside.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(outside, edge, plain, self, byPolicy);
  const hops = [plain, self, byPolicy].map(({ speaker }) => speaker.bestPath('192.0.2.0/24')?.nextHop);
  t.strictSame(hops, ['10.0.0.1', '10.0.0.2', '10.0.0.2']);
});

t.test('a changed policy takes effect on the session at hand', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const b = bench.node('10.0.0.2', 65002);
  bench.peer(a, b);
  a.speaker.setAnnouncements([{ prefix: '192.0.2.0/24' }, { prefix: '198.51.100.0/24' }]);
  await bench.start(a, b);
  t.equal(bench.table(b).length, 2);
  const only: PolicyChain = {
    name: 'one',
    statements: [
      {
        name: 'one',
        match: { prefixes: [{ prefix: '192.0.2.0/24' }] },
        actions: [{ kind: 'set-local-preference', value: 7 }],
        verdict: 'accept',
      },
    ],
    defaultVerdict: 'reject',
  };
  b.speaker.setPolicy({ importPolicy: only, exportPolicy: all });
  bench.simulation.run(1000);
  t.strictSame(bench.table(b), ['192.0.2.0/24 10.0.0.1']);
  t.equal(b.speaker.bestPath('192.0.2.0/24')?.attributes.localPref, 7);
  t.equal(b.speaker.peers()[0]?.prefixesReceived, 2);
  b.speaker.setPolicy({ importPolicy: all, exportPolicy: all });
  bench.simulation.run(1000);
  t.equal(bench.table(b).length, 2);
  a.speaker.setPolicy({ importPolicy: all, exportPolicy: only });
  bench.simulation.run(1000);
  t.strictSame(bench.table(b), ['192.0.2.0/24 10.0.0.1'], 'export');
  t.strictSame(a.speaker.setPeers([{ address: b.address, asn: b.asn, localAddress: a.address, exportPolicy: all }]), [
    { address: b.address, action: 'updated' },
  ]);
  bench.simulation.run(1000);
  t.equal(bench.table(b).length, 2);
  t.equal(a.speaker.peers()[0]?.established, 1, 'never reset');
  t.equal(a.speaker.peers()[0]?.prefixesSent, 2);
});

t.test('setPeers does the difference', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const b = bench.node('10.0.0.2', 65001);
  const c = bench.node('10.0.0.3', 65001);
  bench.peer(a, b);
  b.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(a, b, c);
  const peers = [{ address: b.address, asn: 65001, localAddress: a.address }];
  t.strictSame(a.speaker.setPeers(peers), []);
  t.strictSame(bench.table(a), ['192.0.2.0/24 10.0.0.2']);
  t.strictSame(a.speaker.setPeers([...peers, { address: c.address, asn: 65001 }]), [
    { address: c.address, action: 'added' },
  ]);
  t.strictSame(a.speaker.setPeers([{ ...peers[0], address: b.address, asn: 65001, holdTimeMs: 30_000 }]), [
    { address: c.address, action: 'removed' },
    { address: b.address, action: 'reset' },
  ]);
  bench.simulation.settle();
  t.equal(a.speaker.peers()[0]?.state, 'Established');
  t.strictSame(bench.table(a), ['192.0.2.0/24 10.0.0.2']);
  t.strictSame(a.speaker.setPeers([]), [{ address: b.address, action: 'removed' }]);
  bench.simulation.settle();
  t.strictSame(bench.table(a), []);
  t.throws(() => a.speaker.removePeer(b.address), RangeError);
});

t.test('both families, and a route that cannot be sent', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const b = bench.node('10.0.0.2', 65002);
  const warnings: string[] = [];
  a.speaker.on('warning', ({ text }) => warnings.push(text));
  bench.peer(a, b, { families: ['ipv4-unicast', 'ipv6-unicast'] });
  a.speaker.announce({ prefix: '192.0.2.0/24' });
  a.speaker.announce({ prefix: '2001:db8:1::/48', nextHop: '2001:db8::1' });
  a.speaker.announce({ prefix: '2001:db8:2::/48' });
  await bench.start(a, b);
  t.strictSame(bench.table(b), ['192.0.2.0/24 10.0.0.1', '2001:db8:1::/48 10.0.0.1']);
  t.equal(b.speaker.bestPath('2001:db8:1::/48')?.nextHop, '2001:db8::1');
  t.match(warnings.join(), '2001:db8:2::/48');
  a.speaker.withdraw('2001:db8:1::/48');
  a.speaker.withdraw('192.0.2.0/24');
  bench.simulation.run(1000);
  t.strictSame(bench.table(b), []);
  t.equal(a.speaker.peers()[0]?.prefixesSent, 0);
});

t.test('announcements are replaced as a whole or not at all', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001, { exportPolicy: none });
  a.speaker.setAnnouncements([{ prefix: '192.0.2.0/24' }]);
  t.throws(() => a.speaker.setAnnouncements([{ prefix: '198.51.100.0/24' }, { prefix: '10.0.0.1/8' }]), /10.0.0.1\/8/);
  t.strictSame(bench.table(a), ['192.0.2.0/24 local']);
  a.speaker.setAnnouncements([{ prefix: '2001:db8::/32' }]);
  t.strictSame(bench.table(a), ['2001:db8::/32 local']);
  t.strictSame(a.speaker.paths('2001:db8::/32').length, 1);
  t.equal(a.speaker.bestPath('192.0.2.0/24'), undefined);
});
