import t from 'tap';
import type { Model } from './fixpoint.ts';
import { solve } from './fixpoint.ts';
import { losingOneWithdraw } from './losing-transport.ts';
import { build, randomTopology, swapped, type Topology, tableOf } from './topology.ts';

const seeds = [...Array(25).keys()].map((index) => index + 1);

function expected(topology: Topology, withoutLink?: readonly [string, string]): string[] {
  const links = topology.links.filter((link) => link !== withoutLink);
  return lines(solve(topology.routers, links));
}

function lines(model: Model): string[] {
  const all: string[] = [];
  for (const [address, routes] of model) {
    for (const [prefix, { from, nextHop, path }] of routes) {
      all.push(`${address} ${prefix} from ${from} via ${nextHop} path ${path.join(' ')}`);
    }
  }
  return all.sort();
}

t.test('tables at rest are the fixpoint', async (t) => {
  let routes = 0;
  for (const seed of seeds) {
    const topology = randomTopology(seed);
    const { simulation, speakers } = await build(topology, seed);
    t.ok(simulation.settle(), `seed ${seed} comes to rest`);
    const model = expected(topology);
    t.strictSame(tableOf(speakers), model, `seed ${seed}`);
    routes += model.length;
  }
  t.ok(routes > 500, `${routes} best paths compared`);
});

t.test('a cut link, a withdrawn route, and the link mended', async (t) => {
  let cuts = 0;
  for (const seed of seeds.slice(0, 12)) {
    const topology = randomTopology(seed);
    const { simulation, speakers } = await build(topology, seed);
    simulation.settle();
    const link = topology.links[seed % topology.links.length];
    if (link === undefined) continue;
    simulation.network.cut(...link);
    t.ok(simulation.settle(), `seed ${seed} comes to rest without ${link.join('-')}`);
    // A link inside an AS that is cut leaves its routers without each other's routes: the model says the same.
    t.strictSame(tableOf(speakers), expected(topology, link), `seed ${seed} without ${link.join('-')}`);
    simulation.network.mend(...link);
    const origin = topology.routers.find(({ originates }) => originates.length > 0);
    const [prefix] = origin?.originates ?? [];
    if (origin === undefined || prefix === undefined) continue;
    speakers.get(origin.address)?.withdraw(prefix.prefix);
    t.ok(simulation.settle());
    const routers = topology.routers.map((router) => (router === origin ? { ...router, originates: [] } : router));
    t.strictSame(tableOf(speakers), lines(solve(routers, topology.links)), `seed ${seed} without ${prefix.prefix}`);
    cuts++;
  }
  t.ok(cuts > 5, `${cuts} topologies`);
});

t.test('links that flap leave nothing behind', async (t) => {
  for (const seed of seeds.slice(0, 10)) {
    const topology = randomTopology(seed);
    const { simulation, speakers } = await build(topology, seed);
    for (let flap = 0; flap < 6; flap++) {
      const link = topology.links[(seed * 7 + flap * 3) % topology.links.length];
      if (link === undefined) continue;
      simulation.run(flap * 300);
      simulation.network.cut(...link);
      simulation.run(flap * 40);
      simulation.network.mend(...link);
    }
    t.ok(simulation.settle());
    t.strictSame(tableOf(speakers), expected(topology), `seed ${seed}`);
  }
});

t.test('the same seed gives the same trace, another one another', async (t) => {
  const run = async (seed: number): Promise<string> => {
    const { simulation } = await build(randomTopology(3), seed);
    simulation.settle();
    return simulation.trace.hash;
  };
  t.equal(await run(7), await run(7));
  t.not(await run(7), await run(8));
});

t.test('the comparison sees a decision step in the wrong place', async (t) => {
  for (const [first, second] of [
    ['AS path length', 'BGP identifier'],
    ['multi exit discriminator', 'peer address'],
    ['external over internal', 'BGP identifier'],
  ] as const) {
    let different = 0;
    for (const seed of seeds) {
      const topology = randomTopology(seed);
      const { simulation, speakers } = await build(topology, seed, () => ({ decisionSteps: swapped(first, second) }));
      const rests = simulation.settle();
      if (!rests || tableOf(speakers).join('\n') !== expected(topology).join('\n')) different++;
    }
    t.ok(different > 0, `${first} and ${second} swapped: seen in ${different} of ${seeds.length}`);
  }
});

t.test('the comparison sees one lost withdraw', async (t) => {
  let seen = 0;
  for (const seed of seeds.slice(0, 12)) {
    const topology = randomTopology(seed);
    const loss = { armed: false, lost: 0 };
    const { simulation, speakers } = await build(topology, seed, ({ transport }) => ({
      transport: losingOneWithdraw(transport, loss),
    }));
    simulation.settle();
    loss.armed = true;
    const origin = topology.routers.find(({ originates }) => originates.length > 0);
    const [prefix] = origin?.originates ?? [];
    if (origin === undefined || prefix === undefined) continue;
    speakers.get(origin.address)?.withdraw(prefix.prefix);
    simulation.settle();
    const routers = topology.routers.map((router) => (router === origin ? { ...router, originates: [] } : router));
    const same = tableOf(speakers).join('\n') === lines(solve(routers, topology.links)).join('\n');
    if (loss.lost > 0 && !same) seen++;
  }
  t.ok(seen > 0, `seen in ${seen} topologies`);
});
