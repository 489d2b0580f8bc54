/** A new life takes over what stands: nothing is changed that is right, what is ours and wrong goes, the rest stays. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ip, layLinks, makeRib, routes, startMonitor, until, via } from './bed.ts';

layLinks();
const folder = mkdtempSync(join(tmpdir(), 'routelet-rib-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const statePath = join(folder, 'fib.json');

const wanted = [
  via('10.1.0.0/24', '10.9.0.2'),
  via('10.2.0.0/24', '10.9.0.2', '10.9.0.3'),
  via('fd01::/64', 'fd00:9::2', 'fd00:9::3'),
];

/** Another life: a process that programs the routes and is killed without warning. */
async function liveAndDie(): Promise<void> {
  const script = `
    const { createRib } = await import(${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)});
    const rib = createRib({ statePath: ${JSON.stringify(statePath)} });
    await rib.start();
    rib.source('bgp', { distance: 20 }).replaceAll(${JSON.stringify(wanted)});
    await rib.settled();
    console.log('settled');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => resolve());
    child.on('exit', () => reject(new Error('the other life ended by itself')));
  });
  child.kill('SIGKILL');
  await ended;
}

t.test('killed, and nothing changed in between: not one change of the kernel', async (t) => {
  await liveAndDie();
  const before = routes();
  t.equal(before.length, wanted.length);
  const monitor = await startMonitor();
  t.teardown(() => monitor.stop());
  const { rib, of } = makeRib(t, { statePath });
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.start();
  t.equal(await rib.resync(), 0);
  t.strictSame(of('programmed'), []);
  t.strictSame(of('problem'), []);
  t.strictSame(routes(), before);
  t.strictSame(monitor.lines(), [], 'ip monitor says nothing');
  ip('route del 10.1.0.0/24');
  await until('the same monitor sees a repair', () => monitor.lines().length === 2);
});

t.test('killed, and other routes are wanted: what was ours goes', async (t) => {
  await liveAndDie();
  ip('route add 10.66.0.0/24 via 10.9.0.2 proto 17');
  const { rib, of } = makeRib(t, { statePath });
  rib.source('bgp', { distance: 20 }).set(via('10.1.0.0/24', '10.9.0.3'));
  await rib.start();
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.3 dev v0', '10.66.0.0/24 via 10.9.0.2 dev v0']);
  t.equal(rib.counts().replaced, 1);
  t.equal(rib.counts().removed, 2);
  t.match(
    of('warning'),
    [{ code: 'unclaimed-route', text: /10\.66\.0\.0\/24/ }],
    'a stranger with our number is named',
  );
  t.equal(await rib.resync(), 0);
  t.equal(of('warning').length, 1, 'once');
});

t.test('without a state file the daemon says which destinations are ours', async (t) => {
  await liveAndDie();
  rmSync(statePath);
  const asked: string[] = [];
  const { rib } = makeRib(t, {
    adopt: (route) => {
      asked.push(route.destination);
      return route.destination !== '10.2.0.0/24';
    },
  });
  rib.source('bgp', { distance: 20 }).set(via('fd01::/64', 'fd00:9::3'));
  await rib.start();
  t.strictSame(asked.toSorted(), ['10.1.0.0/24', '10.2.0.0/24', 'fd01::/64']);
  t.strictSame(routes(), [
    '10.2.0.0/24 nexthop via 10.9.0.2 dev v0 weight 1 nexthop via 10.9.0.3 dev v0 weight 1',
    'fd01::/64 via fd00:9::3 dev v0 metric 1024',
  ]);
});

t.test('what the daemon said is ours stands in the state file from then on', async (t) => {
  await liveAndDie();
  rmSync(statePath);
  const { rib } = makeRib(t, { statePath, adopt: () => true });
  rib.source('bgp', { distance: 20 }).replaceAll(wanted);
  await rib.start();
  const text = readFileSync(statePath, 'utf8');
  for (const { destination } of wanted) t.match(text, destination);
});

t.test('an adopted IPv6 route with a foreign next hop keeps it', async (t) => {
  await liveAndDie();
  ip('-6 route append fd01::/64 via fd00:9::9');
  const { rib, of } = makeRib(t, { statePath });
  rib.source('bgp', { distance: 20 }).set(via('fd01::/64', 'fd00:9::4'));
  await rib.start();
  await rib.settled();
  t.strictSame(
    routes('table main').filter((line) => line.startsWith('fd01')),
    ['fd01::/64 via fd00:9::9 dev v0 metric 1024'],
  );
  t.match(of('problem'), [{ kind: 'foreign' }]);
  ip('-6 route del fd01::/64');
  await until('ours is in', () => of('resolved').length === 1);
});

t.test('stale routes are held until release', async (t) => {
  await liveAndDie();
  const before = routes();
  const { rib } = makeRib(t, { statePath, holdStale: true });
  const source = rib.source('bgp', { distance: 20 });
  await rib.start();
  t.equal(await rib.resync(), 0);
  t.strictSame(routes(), before, 'nothing is removed yet');
  source.set(via('10.1.0.0/24', '10.9.0.2'));
  source.set(via('10.2.0.0/24', '10.9.0.2', '10.9.0.3'));
  source.delete('10.2.0.0/24');
  await rib.settled();
  t.equal(routes().length, 2, 'what a source wanted and withdrew is not held');
  rib.release();
  await rib.settled();
  t.strictSame(routes(), ['10.1.0.0/24 via 10.9.0.2 dev v0']);
});

t.test('a broken state file costs one warning', async (t) => {
  for (const text of [
    '',
    '{"version":',
    '{"version":2,"protocol":17,"routes":[]}',
    '{"version":1,"protocol":17,"routes":["10.0.0.0/99"]}',
  ]) {
    writeFileSync(statePath, text);
    const { rib, of } = makeRib(t, { statePath });
    rib.source('bgp', { distance: 20 }).set(via('10.1.0.0/24', '10.9.0.2'));
    await rib.start();
    t.equal(routes().length, 1);
    t.match(of('warning'), [{ code: 'state-file', text: statePath }]);
    t.match(JSON.parse(readFileSync(statePath, 'utf8')), { version: 1, routes: ['10.1.0.0/24'] });
    await rib.stop();
    ip('route flush proto 17');
  }
  const { rib, of } = makeRib(t, { statePath: join(folder, 'absent', 'fib.json') });
  const source = rib.source('bgp', { distance: 20 });
  await rib.start();
  source.set(via('10.1.0.0/24', '10.9.0.2'));
  await rib.settled();
  source.set(via('10.2.0.0/24', '10.9.0.2'));
  await rib.settled();
  t.equal(routes().length, 2);
  t.match(of('warning'), [{ code: 'state-file' }]);
  t.equal(of('warning').length, 1);
});
