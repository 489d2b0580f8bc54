/** Ten thousand routes: made, found right by a comparison, flushed by another hand and back, taken over by a new life, removed. */
import t from 'tap';
import { ip, layLinks, makeRib, routes, until } from './bed.ts';

layLinks();
const COUNT = 10_000;
const wanted = Array.from({ length: COUNT }, (_, n) => ({
  destination: n % 2 === 0 ? `11.0.${n >> 8}.${n & 255}/32` : `fd11::${n.toString(16)}/128`,
  nextHops: [{ gateway: n % 2 === 0 ? '10.9.0.2' : 'fd00:9::2', interface: 'v0' }],
}));

t.test('ten thousand routes', async (t) => {
  const { rib, of } = makeRib(t);
  await rib.start();
  const startMs = performance.now();
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.settled();
  t.comment(`| ${COUNT} routes in ${(performance.now() - startMs).toFixed(0)} ms`);
  t.equal(routes().length, COUNT);
  t.equal(await rib.resync(), 0);
  ip('-4 route flush proto 17');
  await until('the flushed ones are back', () => routes().length === COUNT);
  await rib.settled();
  t.equal(await rib.resync(), 0);
  t.strictSame(of('problem'), []);
  await rib.stop();

  const next = makeRib(t, { adopt: () => true });
  next.rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await next.rib.start();
  t.strictSame(next.of('programmed'), [], 'a new life changes nothing');
  next.rib.source('bgp', { distance: 20 }).replaceAll([]);
  await next.rib.settled();
  t.strictSame(routes(), []);
});
