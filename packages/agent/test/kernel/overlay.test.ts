/**
 * What of the overlay every kernel can do, on the real one: rules, table 77, names of tables, routes of several weighted
 * ways. `ip` is the judge. Tunnels themselves need a kernel that has them: test/emulated.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BestPathChange, Path, Speaker } from '@routelet/bgp';
import { Rtnetlink } from '@routelet/netlink-wire';
import { createRib } from '@routelet/rib';
import t, { type Test } from 'tap';
import { parsePrefix } from '../../src/annotations/prefix.ts';
import type { Problem } from '../../src/problem.ts';
import { LearnedRoutes } from '../../src/router/learned-routes.ts';
import { Overlay } from '../../src/router/overlay/overlay.ts';
import { planTableRoutes } from '../../src/router/overlay/rules.ts';
import { routeContext } from '../../src/router/route-context.ts';
import { capturedLog } from '../unit/captured-log.ts';
import { facts, identity } from '../unit/router/fixture.ts';

const ip = (words: string) => execFileSync('ip', words.split(' '), { encoding: 'utf8' });
/** Lines without what differs between versions of `ip`. */
const lines = (words: string) =>
  ip(words)
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').replace(' pref medium', '').trim())
    .filter((line) => line !== '');
const rules = () => [...lines('-N rule'), ...lines('-6 -N rule')];

ip('link add v0 type veth peer name v1');
for (const words of [
  'link set v1 up',
  'link set v0 up',
  'address add 10.0.0.1/24 dev v0',
  'address add fd00::1/64 dev v0 nodad',
])
  ip(words);

const own = facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] });
const folder = await mkdtemp(join(tmpdir(), 'routelet-overlay-'));
const tables = join(folder, 'rt_tables');
await writeFile(tables, '254\tmain\n');

async function life(t: Test, enableOverlay: boolean, podCidrs = ['10.244.1.0/24', 'fd00:1::/64']) {
  const netlink = await Rtnetlink.open();
  const { log, lines: logged } = capturedLog();
  let problems: readonly Problem[] = [];
  const overlay = new Overlay({
    options: { enableOverlay, overlayEncap: 'ipip', overlayEncapPort: 5555 },
    netlink,
    guePorts: { list: async () => [], add: async () => undefined, remove: async () => undefined },
    run: async () => '',
    log,
    devices: () => undefined,
    routesSettled: async () => undefined,
    report: (found) => {
      problems = found;
    },
    routeTablesFiles: [tables],
  });
  overlay.setIdentity(identity(facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs })));
  await overlay.idle();
  await overlay.stop();
  netlink.close();
  t.strictSame(problems, []);
  return logged.length;
}

const ordinary = ['0: from all lookup 255', '32766: from all lookup 254', '32767: from all lookup 253'];
const ordinary6 = ['0: from all lookup 255', '32766: from all lookup 254'];

await t.test('T-4: `ip rule` and rt_tables as the original leaves them, overlay on and off', async (t) => {
  ip('rule add from 10.244.1.0/24 iif v0 lookup 77 pref 100');
  const foreign = '100: from 10.244.1.0/24 iif v0 lookup 77';
  const [first = '', ...rest] = ordinary;
  const [first6 = '', ...rest6] = ordinary6;
  await life(t, true);
  const on = [first, '99: from 10.244.1.0/24 lookup 77', foreign, ...rest];
  const on6 = [first6, '32765: from fd00:1::/64 lookup 77', ...rest6];
  t.strictSame(rules(), [...on, ...on6]);
  t.equal(await readFile(tables, 'utf8'), '254\tmain\n77 kube-router\n');
  t.equal(await life(t, true), 0, 'a second life changes nothing');
  t.strictSame(rules(), [...on, ...on6]);
  await life(t, true, ['10.244.7.0/24']);
  t.strictSame(rules(), [first, '99: from 10.244.7.0/24 lookup 77', foreign, ...rest, ...ordinary6], 'other pod CIDRs');
  await life(t, false);
  t.strictSame(rules(), [first, foreign, ...rest, ...ordinary6], 'off: the rule of somebody else stays');
  ip('rule del pref 100');
});

await t.test('rules that `ip` made are taken over', async (t) => {
  ip('rule add from 10.244.1.0/24 lookup 77');
  ip('-6 rule add from fd00:1::/64 lookup 77');
  t.equal(await life(t, true), 0);
  await life(t, false);
  t.strictSame(rules(), [...ordinary, ...ordinary6]);
});

await t.test('table 77: routes as `ip route add ADDRESS dev DEVICE table 77` makes them', async (t) => {
  const netlink = await Rtnetlink.open();
  t.teardown(() => netlink.close());
  const index = (await netlink.links()).find(({ name }) => name === 'v0')?.index ?? 0;
  const tunnels = [
    { remote: '10.9.0.2', index },
    { remote: 'fd09::2', index },
  ];
  const plan = async () => planTableRoutes(tunnels, await netlink.routes({ table: 77 }));
  const operations = await plan();
  t.equal(operations.length, 2);
  t.strictSame(await netlink.apply(operations), [undefined, undefined]);
  const table = () => [...lines('-N route show table 77'), ...lines('-6 -N route show table 77')];
  const made = table();
  t.strictSame(await plan(), [], 'nothing left to do');
  ip('route flush table 77');
  ip('-6 route flush table 77');
  ip('route add 10.9.0.2 dev v0 table 77');
  ip('-6 route add fd09::2 dev v0 table 77');
  t.strictSame(made, table());
  t.strictSame(made, ['10.9.0.2 dev v0 scope 253', 'fd09::2 dev v0 metric 1024']);
  t.strictSame(await plan(), [], 'those of the original are taken over');
});

await t.test('several ways with weights, and what is left of them when one goes', async (t) => {
  const rib = createRib();
  await rib.start();
  t.teardown(() => rib.stop());
  const subnets = ['10.0.0.1/24', 'fd00::1/64'].flatMap((text) => parsePrefix(text) ?? []);
  const context = routeContext(identity(own), [own], subnets, { enableOverlay: true, overlayType: 'subnet' });
  const learned = new LearnedRoutes(rib.source('bgp', { distance: 20 }), context, 4, {
    changed: () => undefined,
    tunnelsWanted: () => undefined,
  });
  const path = (prefix: string, nextHop: string, bandwidth?: number): Path => ({
    ...{ prefix, nextHop, from: nextHop, attributes: {}, stale: false, multipath: true },
    family: prefix.includes(':') ? 'ipv6-unicast' : 'ipv4-unicast',
    fromType: 'ebgp',
    ...(bandwidth !== undefined && { bandwidth }),
  });
  const follow = async (paths: readonly Path[]) => {
    const best = [...new Map(paths.toReversed().map((one) => [one.prefix, one])).values()];
    const changes = best.map((one): BestPathChange => ({ kind: 'best', prefix: one.prefix, path: one }));
    const speaker: Pick<Speaker, 'routes' | 'paths' | 'bestPathChanges'> = {
      routes: () => best,
      paths: (prefix) => paths.filter((one) => one.prefix === prefix),
      async *bestPathChanges() {
        yield changes;
      },
    };
    await learned.follow(speaker as Speaker);
    await rib.settled();
    return [...lines('-N -o route show proto 17'), ...lines('-6 -N -o route show proto 17')].map((line) =>
      line.replaceAll('\\', '').replaceAll(/ +/g, ' '),
    );
  };
  const both = await follow([
    path('192.0.2.0/24', '10.0.0.2', 1e9),
    path('192.0.2.0/24', '10.0.0.3', 3e9),
    path('2001:db8::/64', 'fd00::2'),
    path('2001:db8::/64', 'fd00::3'),
  ]);
  t.strictSame(both, [
    '192.0.2.0/24 nexthop via 10.0.0.2 dev v0 weight 1 nexthop via 10.0.0.3 dev v0 weight 3',
    '2001:db8::/64 metric 1024 nexthop via fd00::2 dev v0 weight 1 nexthop via fd00::3 dev v0 weight 1',
  ]);
  const left = await follow([path('192.0.2.0/24', '10.0.0.3', 3e9), path('2001:db8::/64', 'fd00::3')]);
  t.strictSame(left, ['192.0.2.0/24 via 10.0.0.3 dev v0', '2001:db8::/64 via fd00::3 dev v0 metric 1024']);
  t.strictSame(rib.counts().problems, []);
  await follow([]);
  learned.settle();
  await rib.settled();
});

await t.test('the interface of next hops goes down and comes up, loses its address and gets it back', async (t) => {
  const rib = createRib();
  await rib.start();
  t.teardown(() => rib.stop());
  const source = rib.source('bgp', { distance: 20 });
  source.set({ destination: '198.51.100.0/24', nextHops: [{ gateway: '10.0.0.2' }] });
  source.set({ destination: '203.0.113.0/24', nextHops: [{ interface: 'v0' }], source: '10.0.0.1' });
  await rib.settled();
  const standing = () => lines('route show proto 17').length;
  t.equal(standing(), 2);
  const back = async (what: string) => {
    const startedMs = performance.now();
    while (standing() < 2) {
      if (performance.now() - startedMs > 10_000) throw new Error(`${what}: routes are not back`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    t.comment(`| ${what}: routes back after ${(performance.now() - startedMs).toFixed(0)} ms`);
  };
  ip('link set v0 down');
  t.equal(standing(), 0, 'the kernel drops them');
  ip('link set v0 up');
  await back('link up again');
  ip('address del 10.0.0.1/24 dev v0');
  t.equal(standing(), 0);
  ip('address add 10.0.0.1/24 dev v0');
  await back('address again');
  t.pass();
});
