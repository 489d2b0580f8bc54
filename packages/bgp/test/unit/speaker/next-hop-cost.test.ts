import t from 'tap';
import { Bench } from './pair.ts';

const PREFIX = '192.0.2.0/24';

t.test('costs of next hops are asked again, and paths selected by them', async (t) => {
  const bench = new Bench();
  const costs = new Map<string, number | undefined>([
    ['10.0.0.2', 5],
    ['10.0.0.3', 7],
  ]);
  const node = bench.node('10.0.0.1', 65001, { nextHopCost: (nextHop) => costs.get(nextHop) });
  const near = bench.node('10.0.0.2', 65001);
  const far = bench.node('10.0.0.3', 65001);
  const below = bench.node('10.0.0.4', 65004);
  for (const each of [near, far, below]) bench.peer(node, each);
  near.speaker.announce({ prefix: PREFIX });
  far.speaker.announce({ prefix: PREFIX });
  await bench.start(node, near, far, below);
  const again = (address: string, cost: number | undefined): string | undefined => {
    costs.set(address, cost);
    node.speaker.reevaluateNextHops();
    bench.simulation.run(100);
    return node.speaker.bestPath(PREFIX)?.from;
  };
  const accepted = (): (number | undefined)[] => node.speaker.peers().map(({ prefixesAccepted }) => prefixesAccepted);
  t.equal(node.speaker.bestPath(PREFIX)?.from, '10.0.0.2');
  t.equal(again('10.0.0.2', 9), '10.0.0.3', 'RFC 4271 §9.1.2.2 e');
  t.equal(again('10.0.0.2', 7), '10.0.0.2', 'equal: the lower BGP Identifier');
  t.equal(again('10.0.0.2', undefined), '10.0.0.3', '§9.1.2.1: not reachable, no candidate');
  t.strictSame(accepted(), [0, 1, 0]);
  t.equal(again('10.0.0.3', undefined), undefined);
  t.equal(below.speaker.bestPath(PREFIX), undefined, 'and it is withdrawn');
  t.equal(node.speaker.peers()[0]?.prefixesReceived, 1, 'Adj-RIB-In keeps it');
  t.equal(again('10.0.0.2', 1), '10.0.0.2', 'reachable again');
  t.equal(below.speaker.bestPath(PREFIX)?.from, '10.0.0.1');
  t.strictSame(accepted(), [1, 0, 0]);
});

t.test('after stop the tables hold what is announced here, and nothing of peers', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001, { gracefulRestart: { restartTimeMs: 60_000 } });
  const b = bench.node('10.0.0.2', 65001, { gracefulRestart: { restartTimeMs: 60_000 } });
  const c = bench.node('10.0.0.3', 65001, { gracefulRestart: { restartTimeMs: 60_000 } });
  bench.peer(a, b, { addPath: { send: true, receive: true } });
  bench.peer(a, c);
  a.speaker.announce({ prefix: '198.51.100.0/24' });
  b.speaker.announce({ prefix: PREFIX });
  c.speaker.announce({ prefix: PREFIX });
  await bench.start(a, b, c);
  bench.simulation.network.cut(a.address, c.address);
  bench.simulation.run(1000);
  t.strictSame(
    a.speaker.paths(PREFIX).map(({ stale }) => stale),
    [false, true],
    'one of them stale',
  );
  await a.speaker.stop({ graceful: true });
  t.strictSame(
    Array.from(a.speaker.routes(), ({ prefix }) => prefix),
    ['198.51.100.0/24'],
  );
  t.strictSame(a.speaker.paths(PREFIX), []);
  t.strictSame(
    a.speaker.peers().map(({ prefixesReceived, prefixesSent }) => [prefixesReceived, prefixesSent]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  bench.simulation.network.mend(a.address, c.address);
  await a.speaker.start();
  bench.simulation.settle();
  t.equal(a.speaker.paths(PREFIX).length, 2, 'it can be started again');
  t.equal(b.speaker.bestPath('198.51.100.0/24')?.from, a.address);
});
