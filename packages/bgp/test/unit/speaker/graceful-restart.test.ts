import t from 'tap';
import type { FamilyName, GracefulRestartOptions } from '../../../src/speaker/api.ts';
import { Bench, type Node } from './pair.ts';

const RESTART_MS = 60_000;
const options: GracefulRestartOptions = { restartTimeMs: RESTART_MS };
const families: readonly FamilyName[] = ['ipv4-unicast', 'ipv6-unicast'];
const routes = [{ prefix: '192.0.2.0/24' }, { prefix: '2001:db8::/32', nextHop: '2001:db8::1' }];

/** A helper and a neighbour with routes of both families, settled. */
async function settled(
  gracefulRestart: GracefulRestartOptions | 'off' = options,
): Promise<{ bench: Bench; helper: Node; other: Node }> {
  const bench = new Bench();
  const graceful = gracefulRestart === 'off' ? {} : { gracefulRestart };
  const helper = bench.node('10.0.0.1', 65001, graceful);
  const other = bench.node('10.0.0.2', 65001, graceful);
  bench.peer(helper, other, { families });
  other.speaker.setAnnouncements(routes);
  await bench.start(helper, other);
  return { bench, helper, other };
}

const stale = ({ speaker }: Node): boolean[] => Array.from(speaker.routes(), (path) => path.stale);

/** The neighbour as it comes back in another process. */
async function restarted(bench: Bench, helper: Node, restarting: boolean): Promise<Node> {
  const again = bench.node('10.0.0.2', 65001, { gracefulRestart: { ...options, restarting } });
  again.speaker.addPeer({ address: helper.address, asn: helper.asn, localAddress: again.address, families });
  await again.speaker.start();
  return again;
}

t.test('without graceful restart the routes go at once', async (t) => {
  for (const [graceful, agreed] of [
    [true, 'off'],
    [false, options],
  ] as const) {
    const { bench, helper, other } = await settled(agreed);
    t.equal(stale(helper).length, 2);
    await other.speaker.stop({ graceful });
    bench.simulation.run(100);
    t.strictSame(stale(helper), [], agreed === 'off' ? 'not negotiated' : 'a CEASE, not a restart');
  }
});

t.test('a helper keeps routes as stale until the restart time is over', async (t) => {
  const { bench, helper, other } = await settled();
  await other.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  t.strictSame(stale(helper), [true, true]);
  bench.simulation.run(RESTART_MS - 2000);
  t.strictSame(stale(helper), [true, true]);
  bench.simulation.run(2000);
  t.strictSame(stale(helper), []);
});

t.test('the peer is back: End-of-RIB flushes what it did not send again', async (t) => {
  const { bench, helper, other } = await settled();
  const changes: string[] = [];
  await other.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  const again = await restarted(bench, helper, true);
  again.speaker.setAnnouncements([{ prefix: '192.0.2.0/24' }]);
  helper.speaker.on('end-of-rib', ({ family }) => changes.push(family));
  bench.simulation.settle();
  t.strictSame(
    Array.from(helper.speaker.routes(), ({ prefix, stale: old }) => [prefix, old]),
    [['192.0.2.0/24', false]],
  );
  t.strictSame(changes.sort(), families);
});

t.test('back without the F bit: stale routes go when the session is up', async (t) => {
  const { bench, helper, other } = await settled();
  await other.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  let atEstablished: number | undefined;
  helper.speaker.on('peer-state', ({ to }) => {
    if (to === 'Established') atEstablished = bench.simulation.clock.now();
  });
  await restarted(bench, helper, false);
  while (atEstablished === undefined) bench.simulation.run(1);
  bench.simulation.run(1);
  t.strictSame(stale(helper), []);
});

t.test('a session lost twice: what is stale from the first time goes', async (t) => {
  const { bench, helper, other } = await settled();
  await other.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  const again = await restarted(bench, helper, true);
  // Nothing is announced again, and End-of-RIB is held back: selection is deferred until the helper's own comes.
  bench.simulation.network.cut(helper.address, again.address);
  bench.simulation.network.mend(helper.address, again.address);
  t.strictSame(stale(helper), [true, true]);
  let seen = 0;
  helper.speaker.on('peer-state', ({ to }) => {
    if (to !== 'Established' || seen++ > 0) return;
    bench.simulation.network.cut(helper.address, again.address);
  });
  bench.simulation.run(RESTART_MS / 2);
  t.equal(seen, 1, 'it was back once');
  t.strictSame(stale(helper), [], 'RFC 4724 §4.2: consecutive restarts');
});

t.test('consecutive restarts, each with routes', async (t) => {
  const { bench, helper, other } = await settled();
  let current = other;
  for (let round = 0; round < 300; round++) {
    await current.speaker.stop({ graceful: true });
    bench.simulation.run(100);
    if (round % 50 === 0) t.strictSame(stale(helper), [true, true], `round ${round}`);
    current = await restarted(bench, helper, true);
    current.speaker.setAnnouncements(routes);
    while (helper.speaker.peers()[0]?.established !== round + 2) bench.simulation.run(100);
    bench.simulation.run(2000);
    if (round % 50 === 0) t.strictSame(stale(helper), [false, false], `round ${round}`);
  }
});

t.test('a restarting speaker selects when all peers have sent their routes', async (t) => {
  const bench = new Bench();
  const graceful = { gracefulRestart: options };
  const restarting = bench.node('10.0.0.1', 65001, { gracefulRestart: { ...options, restarting: true } });
  const first = bench.node('10.0.0.2', 65001, graceful);
  const second = bench.node('10.0.0.3', 65001, graceful);
  bench.peer(restarting, first);
  bench.peer(restarting, second);
  first.speaker.announce({ prefix: '192.0.2.0/24' });
  second.speaker.announce({ prefix: '198.51.100.0/24' });
  restarting.speaker.announce({ prefix: '203.0.113.0/24' });
  let complete = 0;
  restarting.speaker.on('selection-complete', () => complete++);
  await restarting.speaker.start();
  await first.speaker.start();
  bench.simulation.run(30_000);
  t.equal(restarting.speaker.peers()[0]?.prefixesReceived, 1);
  t.strictSame(bench.table(restarting), [], 'the second one is not there');
  t.strictSame(bench.table(first), ['192.0.2.0/24 local'], 'and nobody is told');
  await second.speaker.start();
  bench.simulation.settle();
  t.equal(complete, 1);
  t.equal(bench.table(restarting).length, 3);
  t.strictSame(bench.table(first), ['192.0.2.0/24 local', '203.0.113.0/24 10.0.0.1']);
});

t.test('or when the deferral time is over', async (t) => {
  const bench = new Bench();
  const restarting = bench.node('10.0.0.1', 65001, {
    gracefulRestart: { ...options, restarting: true, deferralTimeMs: 5000 },
  });
  restarting.speaker.addPeer({ address: '10.0.0.9', asn: 65001 });
  restarting.speaker.announce({ prefix: '203.0.113.0/24' });
  let at = 0;
  restarting.speaker.on('selection-complete', () => {
    at = bench.simulation.clock.now();
  });
  await restarting.speaker.start();
  bench.simulation.run(60_000);
  t.equal(at, 5000);
  t.strictSame(bench.table(restarting), ['203.0.113.0/24 local']);
});

t.test('two that restart at once do not wait for each other', async (t) => {
  const bench = new Bench();
  const restart = { gracefulRestart: { ...options, restarting: true } };
  const a = bench.node('10.0.0.1', 65001, restart);
  const b = bench.node('10.0.0.2', 65001, restart);
  bench.peer(a, b);
  a.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(a, b);
  t.strictSame(bench.table(b), ['192.0.2.0/24 10.0.0.1']);
});

t.test('a peer that restarts too is not waited for by selection, but by who flushes', async (t) => {
  const bench = new Bench();
  const restart = { gracefulRestart: { ...options, restarting: true } };
  const a = bench.node('10.0.0.1', 65001, restart);
  const b = bench.node('10.0.0.2', 65001, restart);
  const late = bench.node('10.0.0.3', 65001, { gracefulRestart: options });
  bench.peer(a, b);
  bench.peer(b, late);
  b.speaker.announce({ prefix: '192.0.2.0/24' });
  const events: string[] = [];
  a.speaker.on('selection-complete', () => events.push('selection'));
  a.speaker.on('peers-complete', () => events.push('peers'));
  await bench.start(a, b);
  t.strictSame(events, ['selection']);
  t.strictSame(bench.table(a), [], 'the peer has not sent its routes: what is left of them must stand');
  await bench.start(late);
  t.strictSame(events, ['selection', 'peers']);
  t.strictSame(bench.table(a), ['192.0.2.0/24 10.0.0.2']);
});
