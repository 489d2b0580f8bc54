/**
 * What happens to a node that runs, and what it costs its pods: peers that change their minds, links that go, somebody who
 * flushes routes, nodes that leave.
 */
import { createSpeaker } from '@routelet/bgp';
import t from 'tap';
import {
  createLab,
  KernelWatch,
  lossTable,
  ManifestCluster,
  nodeManifests,
  type PingLoss,
  peersAnnotation,
  pingLoss,
  podRoutes,
  waitFor,
  waysBetween,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

/** The lab itself is the outside: it has two addresses beside the nodes, one behind them, and a speaker of its own. */
const OUTSIDE = '198.51.100.1';
const NEXT_HOPS = ['192.0.2.254', '192.0.2.253'] as const;
const PREFIX = '198.51.100.0/24';
const UPDATES = 1000;
/** Bound on what must take less than a second; the time itself is printed. */
const REPAIR_MS = 10_000;

const lab = await createLab();
await lab.bridge({ name: 'lab0', ipv4: `${NEXT_HOPS[0]}/24` });
const outside = await lab.node({ name: 'outside', ipv4: `${NEXT_HOPS[1]}/24`, forwarding: true });
await outside.exec(['ip', 'address', 'add', OUTSIDE, 'dev', 'lo']);

const acceptAll = { name: 'all', statements: [], defaultVerdict: 'accept' } as const;
const router = createSpeaker({
  asn: 64600,
  routerId: NEXT_HOPS[0],
  listen: [{ address: NEXT_HOPS[0], port: 179 }],
  importPolicy: acceptAll,
  exportPolicy: acceptAll,
});
router.addPeer({ address: '192.0.2.11', asn: 64512, passive: true });
await router.start();
t.teardown(() => router.stop());

const [first, ...others] = nodeManifests(3);
if (first === undefined) throw new Error('three manifests were asked for');
const annotations = peersAnnotation([{ remoteip: NEXT_HOPS[0], remoteasn: 64600 }]);
const cluster = await ManifestCluster.create(lab, [{ ...first, annotations }, ...others]);
watchOver(t, cluster);
const { node, agent } = cluster.member('node-1');
await cluster.established();
await cluster.routed();
const [pod, second, third] = await cluster.addPods('web');
if (pod === undefined || second === undefined || third === undefined) throw new Error('three pods were asked for');
const near = waysBetween(pod, second);
const rows: [string, PingLoss][] = [];

/** Announces the prefix `UPDATES` times, each time as `route` says, one UPDATE each. */
async function flap(route: (index: number) => { readonly nextHop: string; readonly med: number }): Promise<number> {
  const sent = () => router.peers()[0]?.updates.sent ?? 0;
  const before = sent();
  for (let index = 1; index <= UPDATES; index++) {
    const { nextHop, med } = route(index);
    const update = sent();
    router.announce({ prefix: PREFIX, nextHop, attributes: { multiExitDisc: med } });
    await waitFor('the UPDATE to leave', () => sent() > update, { everyMs: 0 });
  }
  return sent() - before;
}

/** Resolves when what was sent so far has reached the kernel: UPDATEs of a session are taken in order. */
async function arrived(mark: string): Promise<void> {
  router.announce({ prefix: mark, nextHop: NEXT_HOPS[1] });
  await waitFor(`the route to ${mark}`, async (seen) => {
    seen(agent.process.tail());
    return (await podRoutes(node)).some(({ dst }) => dst === mark);
  });
}

/** Changes of the kernel's routes to the prefix. */
async function changesOf(watch: KernelWatch): Promise<readonly string[]> {
  return (await watch.changes()).filter((line) => line.startsWith('[ROUTE]') && line.includes(PREFIX));
}

await t.test('T-29: 1,000 UPDATEs that change attributes only change nothing in the kernel', async (t) => {
  router.announce({ prefix: PREFIX, nextHop: NEXT_HOPS[1], attributes: { multiExitDisc: 0 } });
  await waitFor(`the way to ${OUTSIDE}`, () => pod.ping(OUTSIDE));
  const watch = await KernelWatch.start(node);
  const loss = await pingLoss([{ from: pod, to: OUTSIDE }], async () => {
    t.ok((await flap((index) => ({ nextHop: NEXT_HOPS[1], med: index }))) >= UPDATES);
    await arrived('203.0.113.0/25');
  });
  rows.push([`${UPDATES} UPDATEs, other attributes`, loss]);
  t.equal(loss.lost, 0);
  const changes = await changesOf(watch);
  t.same(changes, []);
  await watch.stop();
});

await t.test('1,000 UPDATEs with another next hop each are replaced in place', async (t) => {
  // Both ways lead there: the bridge hands what comes to the lab on to the outside.
  await node.exec(['ip', 'neighbor', 'replace', NEXT_HOPS[0], 'lladdr', await hardwareAddress(), 'dev', 'eth0']);
  const watch = await KernelWatch.start(node);
  const loss = await pingLoss([{ from: pod, to: OUTSIDE }], async () => {
    t.ok((await flap((index) => ({ nextHop: NEXT_HOPS[index % 2] ?? '', med: UPDATES + index }))) >= UPDATES);
    await arrived('203.0.113.128/25');
  });
  rows.push([`${UPDATES} UPDATEs, another next hop each`, loss]);
  t.equal(loss.lost, 0);
  const changes = await changesOf(watch);
  t.ok(changes.length > 0, `${changes.length} changes of the kernel's route`);
  t.same(
    changes.filter((line) => line.includes('Deleted')),
    [],
  );
  await watch.stop();
});

async function hardwareAddress(): Promise<string> {
  const [link] = await outside.ipJson<{ address: string }>('link', 'show', 'eth0');
  return link?.address ?? '';
}

/** Milliseconds from the return of `act` until the kernel reports the route to the second node's pods. */
async function repair(act: () => Promise<unknown>): Promise<number> {
  const [destination = ''] = cluster.member('node-2').manifest.podCIDRs;
  let back = Number.POSITIVE_INFINITY;
  const onLine = (line: string) => {
    if (line.startsWith(`${destination} `)) back = performance.now();
  };
  const monitor = node.spawn('ip monitor', ['stdbuf', '-oL', 'ip', 'monitor', 'route'], { onLine });
  await waitFor('the monitor', async () => {
    for (const verb of ['add', 'del']) await node.exec(['ip', 'route', verb, 'blackhole', '192.0.2.255/32']);
    return monitor.lines.some((line) => line.startsWith('Deleted blackhole 192.0.2.255'));
  });
  back = Number.POSITIVE_INFINITY;
  await act();
  const since = performance.now();
  await waitFor(`the route to ${destination}`, () => back < Number.POSITIVE_INFINITY, {
    deadlineMs: REPAIR_MS,
    everyMs: 10,
  });
  await monitor.stop();
  return Math.max(0, back - since);
}

await t.test('T-30: a link that goes and comes back has its routes again at once', async (t) => {
  await node.sysctl('net/ipv6/conf/eth0/keep_addr_on_down', 1);
  let ms = 0;
  const loss = await pingLoss(near, async () => {
    await node.exec(['ip', 'link', 'set', 'eth0', 'down']);
    await waitFor('its routes to be gone', async () => (await podRoutes(node)).length === 0);
    ms = await repair(() => node.exec(['ip', 'link', 'set', 'eth0', 'up']));
    await cluster.established(90_000);
  });
  rows.push(['link of the node down and up', loss]);
  t.comment(`| link down and up: routes are back ${ms.toFixed(1)} ms after the link is up`);
  t.ok(loss.lost > 0, 'the link was down');
});

await t.test('somebody flushes every route of ours', async (t) => {
  let ms = 0;
  const loss = await pingLoss(near, async () => {
    ms = await repair(() => node.exec(['ip', 'route', 'flush', 'proto', '17']));
    await node.exec(['ip', '-6', 'route', 'flush', 'proto', '17']);
    await waitFor('all routes', async (seen) => {
      const routes = await podRoutes(node);
      seen(routes);
      return routes.length === cluster.wantedRoutes('node-1').length + 3;
    });
  });
  rows.push(['ip route flush proto 17', loss]);
  t.comment(`| ip route flush proto 17: the route is back ${ms.toFixed(1)} ms after the command`);
});

await t.test('a node that leaves: its routes, set entries and sessions go, the others lose nothing', async (t) => {
  const gone = cluster.member('node-3').manifest;
  const sets = () => node.exec(['ipset', 'save']);
  for (const text of [...gone.podCIDRs, ...gone.addresses]) t.match(await sets(), text);
  const loss = await pingLoss(near, async () => {
    await cluster.remove('node-3');
    await waitFor('node-3 to be forgotten', async (seen) => {
      const left = [
        ...(await podRoutes(node)).map(({ dst }) => dst),
        await sets(),
        JSON.stringify(await agent.peers()),
      ];
      seen(left.join('\n'));
      const words = new Set(left.join('\n').split(/[\s",]+/));
      return [...gone.podCIDRs, ...gone.addresses].every((text) => !words.has(text));
    });
  });
  rows.push(['another node leaves', loss]);
  t.equal(loss.lost, 0);
});

t.test('the table', async (t) => {
  for (const line of lossTable(rows)) t.comment(line);
  t.equal(rows.length, 5);
});
