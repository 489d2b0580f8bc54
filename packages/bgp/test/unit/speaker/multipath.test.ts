import t from 'tap';
import { linkBandwidthCommunity } from '../../../src/attribute/link-bandwidth.ts';
import type { BestPathChange } from '../../../src/speaker/api.ts';
import { Bench } from './pair.ts';

const path = (...asns: number[]) => [{ kind: 'sequence' as const, asns }];
const bandwidth = (bytesPerSecond: number) => [
  linkBandwidthCommunity({ asn: 65001, bytesPerSecond, transitive: true }),
];

async function network(maximumPaths?: number) {
  const bench = new Bench();
  const us = bench.node('10.0.0.1', 65000, maximumPaths === undefined ? {} : { maximumPaths });
  const others = [2, 3, 4, 5].map((last) => bench.node(`10.0.0.${last}`, 65000 + last));
  for (const other of others) bench.peer(us, other);
  await bench.start(us, ...others);
  const announce = (last: number, attributes: object) => {
    others[last - 2]?.speaker.announce({ prefix: '192.0.2.0/24', attributes });
    bench.simulation.run(1_000);
  };
  const used = () =>
    us.speaker
      .paths('192.0.2.0/24')
      .filter(({ multipath }) => multipath)
      .map(({ from, bandwidth: weight }) => (weight === undefined ? from : `${from} ${weight}`))
      .sort();
  return { bench, us, others, announce, used };
}

t.test('paths as good as the best one up to the cost of the next hop', async (t) => {
  const { us, announce, used } = await network(3);
  announce(2, { extendedCommunities: bandwidth(1_000_000) });
  announce(3, { extendedCommunities: bandwidth(3_000_000) });
  t.strictSame(used(), ['10.0.0.2 1000000', '10.0.0.3 3000000'], 'with weights (RFC 10005)');
  t.match(us.speaker.bestPath('192.0.2.0/24'), { from: '10.0.0.2', multipath: true, bandwidth: 1_000_000 });
  const worse: [why: string, attributes: object][] = [
    ['longer', { asPath: path(7) }],
    ['another origin', { origin: 'incomplete' }],
  ];
  for (const [why, attributes] of worse) {
    announce(3, attributes);
    t.strictSame(used(), ['10.0.0.2 1000000'], why);
  }
  announce(3, {});
  announce(4, {});
  announce(5, {});
  t.strictSame(used(), ['10.0.0.2 1000000', '10.0.0.3', '10.0.0.4'], 'at most three, by identifier');
  announce(3, { multiExitDisc: 9 });
  t.equal(used().length, 3, 'MED is for one neighbouring AS (RFC 4271 §9.1.2.2 c)');
});

t.test('one path without the option; next hops count once', async (t) => {
  const { announce, used } = await network();
  announce(2, {});
  announce(3, {});
  t.strictSame(used(), ['10.0.0.2']);
  const same = await network(4);
  for (const last of [2, 3]) {
    same.others[last - 2]?.speaker.announce({ prefix: '192.0.2.0/24', nextHop: '10.9.9.9' });
  }
  same.bench.simulation.run(1_000);
  t.strictSame(same.used(), ['10.0.0.2']);
});

t.test('a change of another path than the best one is told', async (t) => {
  const { bench, us, announce } = await network(2);
  const told: BestPathChange[][] = [];
  const controller = new AbortController();
  const watch = (async () => {
    for await (const changes of us.speaker.bestPathChanges({ signal: controller.signal })) told.push([...changes]);
  })();
  const turn = async () => {
    for (let count = 0; count < 5; count++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      bench.simulation.run(100);
    }
  };
  announce(2, {});
  await turn();
  const before = told.length;
  t.ok(before > 0);
  announce(3, {});
  await turn();
  t.equal(told.length, before + 1);
  t.match(told.at(-1), [{ kind: 'best', prefix: '192.0.2.0/24', path: { from: '10.0.0.2' } }]);
  controller.abort();
  await watch;
});
