/** What links and other hands do to our routes is repaired: at once, and completely. */
import t from 'tap';
import { ip, layLinks, liftLink, makeRib, routes, until, via } from './bed.ts';

layLinks();

const wanted = [
  via('10.1.0.0/24', '10.9.0.2'),
  { destination: '10.2.0.0/24', nextHops: [{ gateway: '10.9.0.2', interface: 'v0' }] },
  { destination: '10.3.0.0/24', nextHops: [{ interface: 'v0' }] },
  via('10.4.0.0/24', '10.9.0.2', '10.9.0.3'),
  via('fd01::/64', 'fd00:9::2'),
  { destination: 'fd02::/64', nextHops: [{ interface: 'v0' }] },
  via('fd03::/64', 'fd00:9::2', 'fd00:9::3'),
];

t.test('deleted by hand: back at once', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  const before = routes();
  t.equal(before.length, wanted.length);
  for (const [count, { destination }] of wanted.entries()) {
    ip(`route del ${destination}`);
    await until(`${destination} is back`, () => of('drift').length > count);
    t.match(of('drift')[count], { destination, found: 'missing', repairedMs: Number });
  }
  const times = of('drift').map((event) => event.repairedMs ?? Number.NaN);
  t.comment(`| repaired after the notification in ${times.map((ms) => ms.toFixed(2)).join(', ')} ms`);
  t.strictSame(routes(), before);
  t.equal(await rib.resync(), 0);
});

t.test('changed by hand: put right', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  const before = routes();
  ip('route change 10.1.0.0/24 via 10.9.0.7 proto 17');
  ip('-6 route change fd01::/64 via fd00:9::7 proto 17');
  await until('both are repaired', () => of('drift').length === 2);
  t.match(of('drift'), [{ found: 'changed' }, { found: 'changed' }]);
  t.strictSame(routes(), before);
});

t.test('everything flushed: everything back', async (t) => {
  const { rib } = makeRib(t);
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  const before = routes();
  ip('-4 route flush proto 17');
  ip('-6 route flush proto 17');
  await until('all are back', () => routes().length === before.length);
  t.strictSame(routes(), before);
});

t.test('a link goes down, of which the kernel says nothing for IPv4, and comes up', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  const before = routes();
  ip('link set v0 down');
  await until('all have problems', () => rib.counts().problems.length === wanted.length);
  t.strictSame(routes(), []);
  t.equal(rib.counts().programmed, 0);
  liftLink();
  await until('no problem is left', () => rib.counts().problems.length === 0);
  await rib.settled();
  t.strictSame(routes(), before);
  t.strictSame(of('drift'), [], 'what the kernel does is no drift');
  t.equal(await rib.resync(), 0);
});

t.test('the last address goes, and with it the routes', async (t) => {
  const { rib } = makeRib(t);
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll([via('10.1.0.0/24', '10.9.0.2')]);
  await rib.settled();
  ip('address del 10.9.0.1/24 dev v0');
  await until('it has a problem', () => rib.counts().problems.length === 1);
  ip('address add 10.9.0.1/24 dev v0');
  await until('it is back', () => routes().length === 1);
  t.equal(await rib.resync(), 0);
});

t.test('a link is removed and made again', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  const before = routes();
  ip('link del v0');
  await until('all have problems', () => rib.counts().problems.length === wanted.length);
  t.ok(of('problem').some(({ kind, text }) => kind === 'unresolved' && text === 'interface v0 does not exist'));
  layLinks();
  await until('no problem is left', () => rib.counts().problems.length === 0);
  t.strictSame(routes(), before);
  t.equal(await rib.resync(), 0);
});

t.test('one of two links goes down: the other carries the route alone meanwhile', async (t) => {
  ip('link add w0 type veth peer name w1');
  for (const link of ['w0', 'w1']) ip(`link set ${link} up`);
  ip('address add 10.8.0.1/24 dev w0');
  const { rib } = makeRib(t);
  await rib.start();
  const nextHops = [
    { gateway: '10.9.0.2', interface: 'v0' },
    { gateway: '10.8.0.2', interface: 'w0' },
  ];
  rib.source('bgp', { distance: 20 }).set({ destination: '10.1.0.0/24', nextHops });
  await rib.settled();
  const both = ['10.1.0.0/24 nexthop via 10.9.0.2 dev v0 weight 1 nexthop via 10.8.0.2 dev w0 weight 1'];
  t.strictSame(routes(), both);
  ip('link set w0 down');
  await until('it is noticed', () => rib.counts().problems.length === 1);
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.2 dev v0'], 'v0 has it alone');
  t.match(rib.counts().problems, [{ kind: 'unresolved', text: 'interface w0 is down' }]);
  ip('link set w0 up');
  await until('both have it', () => rib.counts().problems.length === 0);
  t.strictSame(routes(), both);
  ip('link del w0');
});

t.test('notifications are lost: everything is read again', async (t) => {
  const { Rtnetlink } = await import('@routelet/netlink-wire');
  const netlink = await Rtnetlink.open({ receiveBufferBytes: 4096 });
  t.teardown(() => netlink.close());
  const { rib, of } = makeRib(t, { netlink });
  await rib.start();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  const before = routes();
  // The process reads nothing while `ip` runs, so more is told than the buffer holds.
  const { execFileSync } = await import('node:child_process');
  const lines = Array.from({ length: 2000 }, (_, n) => `route add blackhole 172.16.${n >> 8}.${n & 255}/32`);
  execFileSync('ip', ['-batch', '-'], { input: ['route del 10.1.0.0/24', ...lines].join('\n') });
  await until('it is repaired', () => of('drift').length === 1);
  t.match(of('drift'), [{ destination: '10.1.0.0/24', found: 'missing' }]);
  t.strictSame(routes(), before);
});
