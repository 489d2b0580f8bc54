/** What can be asked of a running rib: the place of a destination from the sources' wishes to the kernel's route. */
import { AF_INET, type Route, RTN_UNICAST, RTPROT_STATIC } from '@routelet/netlink-wire';
import t from 'tap';
import { createRib } from '../../src/index.ts';
import { parsePrefix } from '../../src/table/address.ts';
import { SimulatedKernel } from '../simulated-kernel.ts';

const viaOf = (host: number) => [{ gateway: `10.9.0.${host}` }];

function routeOf(destination: string, host: number, protocol: number): Route {
  const { address, length } = parsePrefix(destination);
  return {
    ...{ family: AF_INET, destination: address, destinationLength: length, tos: 0, table: 254 },
    ...{ protocol, scope: 0, type: RTN_UNICAST, flags: 0 },
    nextHops: [{ gateway: Uint8Array.of(10, 9, 0, host), index: 5 }],
  };
}

t.test('programmed, hidden by a nearer source, foreign, held, unknown', async (t) => {
  const kernel = new SimulatedKernel();
  kernel.foreign('add', routeOf('10.3.0.0/24', 9, RTPROT_STATIC));
  kernel.foreign('add', routeOf('10.4.0.0/24', 4, 17));
  const rib = createRib({ netlink: kernel, holdStale: true, adopt: () => true });
  await rib.start();
  const bgp = rib.source('bgp', { distance: 20 });
  const near = rib.source('static', { distance: 1 });
  bgp.set({ destination: '10.1.0.0/24', nextHops: viaOf(2) });
  bgp.set({ destination: '10.2.0.0/24', nextHops: viaOf(2) });
  near.set({ destination: '10.2.0.0/24', nextHops: viaOf(3) });
  bgp.set({ destination: '10.3.0.0/24', nextHops: viaOf(2) });
  kernel.tell();
  await rib.settled();

  t.match(rib.state('10.1.0.0/24'), {
    table: 254,
    candidates: [{ source: 'bgp', distance: 20 }],
    programmed: { nextHops: viaOf(2) },
    foreign: [],
    problem: undefined,
    held: false,
  });
  t.strictSame(
    rib.state('10.2.0.0/24')?.candidates.map(({ source }) => source),
    ['static', 'bgp'],
  );
  t.match(rib.state('10.2.0.0/24')?.programmed, { nextHops: viaOf(3) });
  t.match(rib.state('10.3.0.0/24'), {
    programmed: undefined,
    foreign: ['10.3.0.0/24 via 10.9.0.9 dev index 5 proto static'],
    problem: { kind: 'foreign', code: 'EEXIST' },
  });
  t.match(rib.state('10.4.0.0/24'), { candidates: [], programmed: { nextHops: viaOf(4) }, held: true });
  t.equal(rib.state('10.5.0.0/24'), undefined);
  t.throws(() => rib.state('10.5.0.0'), { name: 'RouteError' });
  t.strictSame([...rib.states()].map(({ destination }) => destination).sort(), [
    '10.1.0.0/24',
    '10.2.0.0/24',
    '10.3.0.0/24',
    '10.4.0.0/24',
  ]);
  await rib.stop();
});
