/** What sources want stands in the real kernel, as `ip` shows it: both families, several next hops, metrics, tables. */
import t from 'tap';
import { ip, layLinks, makeRib, routes, until, via } from './bed.ts';

layLinks();

t.test('routes of all kinds are made, replaced and removed', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  const source = rib.source('bgp', { distance: 20 });
  source.replaceAll([
    via('10.1.0.0/24', '10.9.0.2'),
    {
      destination: '10.2.0.0/24',
      nextHops: [
        { gateway: '10.9.0.2', weight: 1 },
        { gateway: '10.9.0.3', weight: 3 },
      ],
    },
    { ...via('10.3.0.0/24', '10.9.0.2'), metric: 50, mtu: 1400, source: '10.9.0.1' },
    { destination: '10.4.0.0/24', nextHops: [{ interface: 'v0' }] },
    { ...via('10.5.0.0/24', '10.9.0.2'), table: 1000 },
    { destination: '10.6.0.0/24', nextHops: [{ gateway: 'fd00:9::2', interface: 'v0' }] },
    via('0.0.0.0/0', '10.9.0.2'),
    via('fd01::/64', 'fd00:9::2'),
    via('FD02:0::/64', 'fd00:9::2', 'fd00:9::3'),
    { ...via('fd03::/64', 'fd00:9::2'), metric: 7, mtu: 1300 },
    { destination: 'fd04::/64', nextHops: [{ interface: 'v0' }] },
  ]);
  await rib.settled();
  t.strictSame(rib.counts().problems, []);
  t.strictSame(routes(), [
    'default via 10.9.0.2 dev v0',
    '10.1.0.0/24 via 10.9.0.2 dev v0',
    '10.2.0.0/24 nexthop via 10.9.0.2 dev v0 weight 1 nexthop via 10.9.0.3 dev v0 weight 3',
    '10.3.0.0/24 via 10.9.0.2 dev v0 src 10.9.0.1 metric 50 mtu 1400',
    '10.4.0.0/24 dev v0 scope link',
    '10.6.0.0/24 via inet6 fd00:9::2 dev v0',
    'fd01::/64 via fd00:9::2 dev v0 metric 1024',
    'fd02::/64 metric 1024 nexthop via fd00:9::2 dev v0 weight 1 nexthop via fd00:9::3 dev v0 weight 1',
    'fd03::/64 via fd00:9::2 dev v0 metric 7 mtu 1300',
    'fd04::/64 dev v0 metric 1024',
  ]);
  t.strictSame(routes('table 1000'), ['10.5.0.0/24 via 10.9.0.2 dev v0 proto 17']);
  t.equal(
    of('programmed').reduce((sum, event) => sum + event.added, 0),
    11,
  );
  t.equal(await rib.resync(), 0, 'the kernel shows what was asked for');

  source.replaceAll([
    via('10.1.0.0/24', '10.9.0.3'),
    via('10.2.0.0/24', '10.9.0.3', '10.9.0.4'),
    { ...via('10.3.0.0/24', '10.9.0.2'), metric: 60 },
    via('fd01::/64', 'fd00:9::3', 'fd00:9::4'),
    via('fd02::/64', 'fd00:9::3'),
    via('fd04::/64', 'fd00:9::2'),
  ]);
  await rib.settled();
  t.strictSame(rib.counts().problems, []);
  t.strictSame(routes(), [
    '10.1.0.0/24 via 10.9.0.3 dev v0',
    '10.2.0.0/24 nexthop via 10.9.0.3 dev v0 weight 1 nexthop via 10.9.0.4 dev v0 weight 1',
    '10.3.0.0/24 via 10.9.0.2 dev v0 metric 60',
    'fd01::/64 metric 1024 nexthop via fd00:9::3 dev v0 weight 1 nexthop via fd00:9::4 dev v0 weight 1',
    'fd02::/64 via fd00:9::3 dev v0 metric 1024',
    'fd04::/64 via fd00:9::2 dev v0 metric 1024',
  ]);
  t.equal(rib.counts().replaced, 5);
  t.equal(await rib.resync(), 0);

  source.replaceAll([]);
  await rib.settled();
  t.strictSame(routes(), []);
  t.strictSame(routes('table 1000'), []);
});

t.test('of two sources the smaller distance wins, and the other takes over', async (t) => {
  const { rib } = makeRib(t);
  await rib.start();
  const near = rib.source('static', { distance: 1 });
  const far = rib.source('bgp', { distance: 20 });
  far.set(via('10.1.0.0/24', '10.9.0.2'));
  near.set(via('10.1.0.0/24', '10.9.0.3'));
  await rib.settled();
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.3 dev v0']);
  near.delete('10.1.0.0/24');
  await rib.settled();
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.2 dev v0']);
  far.delete('10.1.0.0/24');
  await rib.settled();
  t.strictSame(routes(), []);
});

t.test('one bad route stops no other and comes right when its gateway can be reached', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  const source = rib.source('bgp', { distance: 20 });
  source.replaceAll([
    via('10.1.0.0/24', '10.9.0.2'),
    via('10.2.0.0/24', '10.77.0.2'),
    via('10.3.0.0/33', '10.9.0.2'),
    via('10.4.0.1/24', '10.9.0.2'),
    { destination: '10.5.0.0/24', nextHops: [] },
    { destination: '10.6.0.0/24', nextHops: [{ interface: 'absent0' }] },
    via('10.7.0.0/24', 'fe80::1'),
    via('fd01::/64', '10.9.0.2'),
    via('10.8.0.0/24', '10.9.0.2'),
  ]);
  await rib.settled();
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.2 dev v0', '10.8.0.0/24 via 10.9.0.2 dev v0']);
  t.match(
    new Map(of('problem').map((problem) => [problem.route.destination, `${problem.kind} ${problem.code ?? ''}`])),
    new Map([
      ['10.2.0.0/24', 'kernel ENETUNREACH'],
      ['10.3.0.0/33', 'invalid '],
      ['10.4.0.1/24', 'invalid '],
      ['10.5.0.0/24', 'invalid '],
      ['10.6.0.0/24', 'unresolved '],
      ['10.7.0.0/24', 'kernel EINVAL'],
      ['fd01::/64', 'invalid '],
    ]),
  );
  t.equal(rib.counts().problems.length, 7);
  ip('address add 10.77.0.1/24 dev v0');
  await until('it is made', () => of('resolved').length === 1);
  t.match(routes(), ['10.1.0.0/24', '10.2.0.0/24 via 10.77.0.2 dev v0', '10.8.0.0/24']);
  source.replaceAll([]);
  await rib.settled();
  t.strictSame(rib.counts().problems, []);
  ip('address del 10.77.0.1/24 dev v0');
});
