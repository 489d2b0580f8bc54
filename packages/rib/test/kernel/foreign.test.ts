/** A route that somebody else made is never touched: left, named, and our own put in when it goes. */
import t from 'tap';
import { ip, layLinks, makeRib, routes, until, via } from './bed.ts';

layLinks();

const cases = [
  {
    name: 'IPv4',
    make: 'route add 10.1.0.0/24 via 10.9.0.9',
    show: '10.1.0.0/24 via 10.9.0.9 dev v0',
    ours: via('10.1.0.0/24', '10.9.0.2'),
  },
  {
    name: 'IPv4 blackhole',
    make: 'route add blackhole 10.1.0.0/24',
    show: 'blackhole 10.1.0.0/24',
    ours: via('10.1.0.0/24', '10.9.0.2'),
  },
  {
    name: 'IPv4 multipath',
    make: 'route add 10.1.0.0/24 nexthop via 10.9.0.8 nexthop via 10.9.0.9',
    show: '10.1.0.0/24 nexthop via 10.9.0.8',
    ours: via('10.1.0.0/24', '10.9.0.2', '10.9.0.3'),
  },
  {
    name: 'IPv6',
    make: '-6 route add fd01::/64 via fd00:9::9',
    show: 'fd01::/64 via fd00:9::9 dev v0',
    ours: via('fd01::/64', 'fd00:9::2'),
  },
  {
    name: 'IPv6 device',
    make: '-6 route add fd01::/64 dev v0',
    show: 'fd01::/64 dev v0',
    ours: via('fd01::/64', 'fd00:9::2'),
  },
  {
    name: 'IPv6 multipath',
    make: '-6 route add fd01::/64 nexthop via fd00:9::8 nexthop via fd00:9::9',
    show: 'fd01::/64 metric 1024 nexthop via fd00:9::8',
    ours: via('fd01::/64', 'fd00:9::2', 'fd00:9::3'),
  },
  {
    name: 'of our protocol number',
    make: 'route add 10.1.0.0/24 via 10.9.0.9 proto 17',
    show: '10.1.0.0/24 via 10.9.0.9 dev v0 proto 17',
    ours: via('10.1.0.0/24', '10.9.0.2'),
  },
];
t.ok(cases.length > 0);

for (const { name, make, show, ours } of cases) {
  t.test(`a foreign route stands first: ${name}`, async (t) => {
    ip(make);
    const line = (): string | undefined => routes('table main').find((one) => one.startsWith(show));
    const before = line();
    t.type(before, 'string', 'ip shows the foreign route');
    const { rib, of } = makeRib(t);
    const source = rib.source('bgp', { distance: 20 });
    source.set(ours);
    source.set(via('10.50.0.0/24', '10.9.0.2'));
    await rib.start();
    await rib.settled();
    t.equal(line(), before);
    const [problem] = of('problem');
    t.match(problem, { kind: 'foreign', code: 'EEXIST', route: { destination: ours.destination } });
    t.ok(problem?.text.includes(ours.destination), 'the text names the route');
    t.ok(
      routes().some((one) => one.startsWith('10.50.0.0/24')),
      'the other route is made',
    );
    t.equal(await rib.resync(), 0);

    ip(make.replace('route add', 'route del').replace('blackhole ', ''));
    await until('ours takes its place', () => of('resolved').length === 1);
    t.ok(routes().some((one) => one.startsWith(ours.destination)));
    t.strictSame(rib.counts().problems, []);
    source.replaceAll([]);
    await rib.settled();
    t.strictSame(routes(), []);
  });
}

t.test('a foreign route comes while ours stands: IPv4', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  const source = rib.source('bgp', { distance: 20 });
  source.set(via('10.1.0.0/24', '10.9.0.2'));
  await rib.settled();
  // Before ours in the kernel's list, where NLM_F_REPLACE would take its place.
  ip('route prepend 10.1.0.0/24 via 10.9.0.9');
  await until('it is named', () => of('problem').length === 1);
  t.match(of('problem')[0], { kind: 'foreign', text: /beside ours.*10\.9\.0\.9/ });
  source.set(via('10.1.0.0/24', '10.9.0.3'));
  await rib.settled();
  t.strictSame(
    routes('table main').filter((one) => one.startsWith('10.1.')),
    ['10.1.0.0/24 via 10.9.0.9 dev v0'],
    'ours, now wrong, is gone; the foreign one stays',
  );
  ip('route del 10.1.0.0/24 via 10.9.0.9');
  await until('ours is back', () => of('resolved').length === 1);
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.3 dev v0']);
  source.replaceAll([]);
  await rib.settled();
});

t.test('a foreign next hop joins ours: IPv6', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  const source = rib.source('bgp', { distance: 20 });
  source.set(via('fd01::/64', 'fd00:9::2'));
  source.set(via('fd02::/64', 'fd00:9::2', 'fd00:9::3'));
  await rib.settled();
  ip('-6 route append fd01::/64 via fd00:9::9');
  ip('-6 route append fd02::/64 via fd00:9::9');
  await until('both are named', () => of('problem').length === 2);
  t.equal(await rib.resync(), 0);
  source.set(via('fd01::/64', 'fd00:9::4'));
  source.delete('fd02::/64');
  await rib.settled();
  const left = ['fd01::/64 via fd00:9::9 dev v0 metric 1024', 'fd02::/64 via fd00:9::9 dev v0 metric 1024'];
  t.strictSame(
    routes('table main')
      .filter((one) => one.startsWith('fd0'))
      .filter((one) => !one.startsWith('fd00')),
    left,
  );
  ip('-6 route del fd01::/64 via fd00:9::9');
  await until('ours is back', () => routes().length === 1);
  t.strictSame(routes(), ['fd01::/64 via fd00:9::4 dev v0 metric 1024']);
  ip('-6 route del fd02::/64 via fd00:9::9');
  source.replaceAll([]);
  await rib.settled();
});

t.test('a foreign hand replaces ours, and is left alone until it lets go', async (t) => {
  for (const [destination, ours, theirs] of [
    ['10.1.0.0/24', '10.9.0.2', '10.9.0.9'],
    ['fd01::/64', 'fd00:9::2', 'fd00:9::9'],
  ] as const) {
    const { rib, of } = makeRib(t);
    await rib.start();
    const source = rib.source('bgp', { distance: 20 });
    source.set(via(destination, ours));
    await rib.settled();
    ip(`route replace ${destination} via ${theirs}`);
    await until('it is named', () => of('problem').length === 1);
    t.equal(of('problem')[0]?.kind, 'foreign');
    source.set({ ...via(destination, ours), mtu: 1400 });
    await rib.settled();
    t.match(
      routes('table main').find((one) => one.startsWith(destination)),
      `via ${theirs}`,
    );
    ip(`route del ${destination}`);
    await until('ours is back', () => of('resolved').length === 1);
    t.match(routes(), [`${destination} via ${ours}`]);
    source.replaceAll([]);
    await rib.settled();
    await rib.stop();
  }
});

t.test('ours withdrawn while a foreign route of another metric stands', async (t) => {
  ip('route add 10.1.0.0/24 via 10.9.0.2 metric 5');
  ip('-6 route add fd01::/64 via fd00:9::2 metric 5');
  const { rib } = makeRib(t);
  await rib.start();
  const source = rib.source('bgp', { distance: 20 });
  source.replaceAll([via('10.1.0.0/24', '10.9.0.2'), via('fd01::/64', 'fd00:9::2')]);
  await rib.settled();
  t.equal(routes().length, 2);
  source.replaceAll([]);
  await rib.settled();
  t.strictSame(routes(), []);
  t.equal(routes('table main').filter((one) => /metric 5$/.test(one)).length, 2);
});
