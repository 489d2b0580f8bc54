/** What each large network is put through: all comes up, links flap, links are cut for good, prefixes are withdrawn. */
import t from 'tap';
import { losingOneWithdraw } from '../unit/simulator/losing-transport.ts';
import { LargeNetwork, type LargeTopology } from './large-network.ts';

const prefixes = 6;
const prefix = (number: number): string => `192.0.${number}.0/24`;

async function life(topology: LargeTopology, seed: number): Promise<{ network: LargeNetwork; faults: string[][] }> {
  const network = await LargeNetwork.start(topology, seed);
  const { simulation, random } = network;
  const faults: string[][] = [];
  const rest = (): void => {
    const isQuiet = simulation.settle();
    faults.push(isQuiet ? network.faults() : ['it does not come to rest']);
  };
  for (let each = 0; each < prefixes; each++) {
    network.announce(prefix(each), Math.floor(random.next() * topology.routers.length));
  }
  network.flap(20, 10_000);
  rest();
  network.flap(30, 3_000);
  for (let each = 0; each < 4; each++) {
    const link = topology.spare[Math.floor(random.next() * topology.spare.length)];
    if (link !== undefined) network.cut(link);
  }
  network.withdraw(prefix(0));
  network.withdraw(prefix(1));
  rest();
  return { network, faults };
}

/** `topology` at full size, and a `small` one of its kind for what takes two runs. */
export async function runLargeScenario(topology: LargeTopology, small: LargeTopology): Promise<void> {
  await t.test(topology.name, { timeout: 120_000 }, async (t) => {
    const { network, faults } = await life(topology, 1);
    t.strictSame(
      faults.map((of) => of.slice(0, 5)),
      [[], []],
      'at rest after the start with flapping links, and after cuts and withdraws',
    );
    const { routes, sessions, simulation } = network;
    t.ok(sessions > topology.links.length - 5, `${sessions} sessions`);
    t.ok(routes > topology.routers.length, `${routes} routes`);
    const { rss, heapUsed } = process.memoryUsage();
    const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
    t.comment(
      `${topology.routers.length} speakers, ${sessions} sessions, ${routes} routes, ${simulation.trace.events} events in ` +
        `${Math.round(simulation.clock.now() / 1000)} s of simulated time: ${megabytes(rss)} resident, ${megabytes(heapUsed)} of heap`,
    );
  });

  await t.test(`${small.name}: the same seed gives the same trace, another one another`, async (t) => {
    const traceOf = async (seed: number): Promise<string> => (await life(small, seed)).network.simulation.trace.hash;
    const first = await traceOf(5);
    t.equal(await traceOf(5), first);
    t.not(await traceOf(6), first);
  });

  await t.test(`${small.name}: one lost withdraw is seen`, async (t) => {
    const loss = { armed: false, lost: 0 };
    const network = await LargeNetwork.start(small, 3, ({ transport }) => ({
      transport: losingOneWithdraw(transport, loss),
    }));
    network.announce(prefix(0), small.routers.length - 1);
    network.simulation.settle();
    t.strictSame(network.faults(), []);
    loss.armed = true;
    network.withdraw(prefix(0));
    network.simulation.settle();
    t.equal(loss.lost, 1);
    t.match(network.faults().join('\n'), /which nobody can have told it of/);
  });
}
