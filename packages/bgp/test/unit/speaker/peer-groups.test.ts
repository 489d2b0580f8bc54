import t from 'tap';
import type { PolicyChain } from '../../../src/policy/model.ts';
import { all, Bench, none } from './pair.ts';

t.test('options of a group hold where the peer says nothing', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001, { peerGroups: { edge: { exportPolicy: none, holdTimeMs: 30_000 } } });
  const b = bench.node('10.0.0.2', 65002);
  const c = bench.node('10.0.0.3', 65003);
  bench.peer(a, b, { group: 'edge' }, {});
  bench.peer(a, c, { group: 'edge', exportPolicy: all }, {});
  a.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(a, b, c);
  t.strictSame([bench.table(b).length, bench.table(c).length], [0, 1]);
  t.strictSame(a.speaker.setPeerGroups({ edge: { exportPolicy: all, holdTimeMs: 30_000 } }), [
    { address: '10.0.0.2', action: 'updated' },
  ]);
  bench.simulation.run(1_000);
  t.strictSame(bench.table(b), ['192.0.2.0/24 10.0.0.1'], 'without a reset');
  t.strictSame(
    a.speaker.peers().map(({ established }) => established),
    [1, 1],
  );
  t.throws(() => a.speaker.setPeerGroups({}), /there is no peer group edge/);
  t.strictSame(a.speaker.setPeerGroups({ edge: { exportPolicy: all, holdTimeMs: 60_000 } }), [
    { address: '10.0.0.2', action: 'reset' },
    { address: '10.0.0.3', action: 'reset' },
  ]);
});

t.test('a policy that is none changes nothing', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const b = bench.node('10.0.0.2', 65002);
  bench.peer(a, b);
  a.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(a, b);
  const wrong: PolicyChain = {
    name: 'wrong',
    statements: [{ name: 'one', match: { asPath: ['('] } }],
    defaultVerdict: 'reject',
  };
  for (const policy of [{ exportPolicy: wrong }, { importPolicy: none, exportPolicy: wrong }]) {
    t.throws(() => a.speaker.setPolicy(policy), { code: 'BGP_POLICY' });
  }
  const c = bench.node('10.0.0.4', 65004);
  bench.peer(a, c);
  await c.speaker.start();
  bench.simulation.settle();
  t.strictSame(bench.table(c), ['192.0.2.0/24 10.0.0.1'], 'the policy of before is in force for new peers, too');
  a.speaker.removePeer(c.address);
  t.throws(() => a.speaker.addPeer({ address: '10.0.0.3', asn: 1, importPolicy: wrong }), { code: 'BGP_POLICY' });
  t.equal(a.speaker.peers().length, 1);
  const warnings: string[] = [];
  a.speaker.on('warning', ({ text }) => warnings.push(text));
  const peer = { address: b.address, asn: b.asn, localAddress: a.address };
  t.strictSame(a.speaker.setPeers([{ ...peer, exportPolicy: wrong }]), [{ address: b.address, action: 'failed' }]);
  t.match(warnings, [/^policy wrong: statements\[0\]\.match\.asPath\[0\] is "\("/]);
  bench.simulation.run(1_000);
  t.strictSame(bench.table(b), ['192.0.2.0/24 10.0.0.1']);
  t.throws(() => bench.node('10.0.0.9', 1, { importPolicy: wrong }), { code: 'BGP_POLICY' });
});

t.test('a changed policy looks again only at the peers it is of', async (t) => {
  const bench = new Bench();
  const hub = bench.node('10.0.0.1', 65000);
  const b = bench.node('10.0.0.2', 65002);
  const c = bench.node('10.0.0.3', 65003);
  const ofB: PolicyChain = { name: 'of b', statements: [], defaultVerdict: 'accept' };
  bench.peer(hub, b, { importPolicy: ofB }, {});
  bench.peer(hub, c);
  b.speaker.announce({ prefix: '10.2.0.0/16' });
  c.speaker.announce({ prefix: '10.3.0.0/16' });
  await bench.start(hub, b, c);
  const updates: string[] = [];
  bench.simulation.trace.onEvent = ({ to, bytes }) => {
    if (bytes?.[18] === 2) updates.push(to);
  };
  hub.speaker.setPolicy({ importPolicy: none, exportPolicy: all });
  bench.simulation.run(1_000);
  t.strictSame(bench.table(hub), ['10.2.0.0/16 10.0.0.2'], 'b has a chain of its own');
  t.strictSame(updates, ['10.0.0.2'], 'one withdraw, to b; nothing else is said');
});
