import t from 'tap';
import { createLab, ManifestCluster, nodeManifests, podRoutes, waitFor } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const [first, second, third] = nodeManifests(3);
if (!first || !second || !third) throw new Error('three manifests were asked for');
const cluster = await ManifestCluster.create(lab, [first, second]);
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
const { node, agent } = cluster.member(first.name);

/**
 * Milliseconds from the moment before `ip route del` is started to the arrival of the kernel's report that the route is
 * there again: an upper bound of the time that it was gone.
 */
async function timeOfRepair(family: '-4' | '-6', destination: string): Promise<number> {
  let back = 0;
  const onLine = (line: string) => {
    if (line.startsWith(`${destination} `)) back = performance.now();
  };
  const monitor = node.spawn('ip monitor', ['stdbuf', '-oL', 'ip', family, 'monitor', 'route'], { onLine });
  const remove = async () => {
    const before = performance.now();
    await node.tryExec(['ip', family, 'route', 'del', destination, 'proto', '17']);
    return before;
  };
  const repaired = (since: number) =>
    waitFor(`${destination} to be back`, (seen) => {
      seen(`${monitor.tail()}\n${agent.process.tail()}`);
      return back > since;
    });
  // The monitor may not listen yet when the first route goes: the act is repeated until it was seen, and then measured.
  await waitFor(`the monitor to see ${destination} go`, async (seen) => {
    await remove();
    seen(monitor.tail());
    return monitor.lines.some((line) => line.startsWith(`Deleted ${destination} `));
  });
  await repaired(0);
  await cluster.routed();
  const before = await remove();
  await repaired(before);
  await monitor.stop();
  return back - before;
}

for (const [family, destination] of [
  ['-4', second.podCIDRs[0]],
  ['-6', second.podCIDRs[1]],
] as const) {
  t.test(`a route of ours that is deleted by hand is back at once: ${destination}`, async (t) => {
    const ms = await timeOfRepair(family, destination ?? '');
    t.comment(`| ip route del ${destination}: back within ${ms.toFixed(1)} ms, the time of the command included`);
    await cluster.routed();
    t.match(await agent.healthz(), { status: 200 });
  });
}

t.test('a route of ours that is replaced by hand is put right', async () => {
  await node.exec(['ip', 'route', 'replace', second.podCIDRs[0] ?? '', 'via', '192.0.2.99', 'proto', '17']);
  await cluster.routed();
});

t.test('an interface that goes down and up has its routes again', async () => {
  await node.sysctl('net/ipv6/conf/eth0/keep_addr_on_down', 1);
  await node.exec(['ip', 'link', 'set', 'eth0', 'down']);
  await node.exec(['ip', 'link', 'set', 'eth0', 'up']);
  await cluster.routed();
});

t.test('routes of others are never touched, and named where they stand in the way', async (t) => {
  const [foreign4 = '', foreign6 = ''] = third.podCIDRs;
  const foreign: readonly (readonly string[])[] = [
    // In the way of the third node's pods.
    ['-4', 'route', 'add', foreign4, 'via', '192.0.2.99', 'proto', 'static'],
    ['-6', 'route', 'add', foreign6, 'via', '2001:db8::99', 'proto', 'static'],
    // Not in the way, but with our protocol number: a node of another cluster, or another daemon.
    ['-4', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.99', 'proto', '17'],
  ];
  for (const words of foreign) await node.exec(['ip', ...words]);
  const dump = async () =>
    (await Promise.all(['-4', '-6'].map((family) => node.exec(['ip', family, 'route', 'show'])))).join('').split('\n');
  const standing = (await dump()).filter((line) => line.includes('::99') || line.includes('192.0.2.99'));
  t.equal(standing.length, 3);

  await cluster.add(third);
  await cluster.established();
  for (const destination of third.podCIDRs) {
    await waitFor(`a log line that names ${destination}`, (seen) => {
      seen(agent.process.tail());
      return agent.logged(['ERROR', 'WARN'], new RegExp(destination.replaceAll('.', '\\.'))).length > 0;
    });
  }
  await waitFor('the metric of foreign routes', async (seen) => {
    const count = await agent.metric('host_routes_foreign');
    seen(count);
    return count === 2;
  });
  t.same(
    (await dump()).filter((line) => line.includes('::99') || line.includes('192.0.2.99')),
    standing,
  );

  await agent.stop();
  agent.start();
  await cluster.established(90_000);
  await waitFor('the foreign routes to be met again', async () => (await agent.metric('host_routes_foreign')) === 2);
  const after = await dump();
  t.same(
    after.filter((line) => line.includes('::99') || line.includes('192.0.2.99')),
    standing,
    'after a restart as well',
  );

  await node.exec(['ip', '-4', 'route', 'del', foreign4, 'proto', 'static']);
  await waitFor(`our route to ${foreign4} when the foreign one is gone`, async (seen) => {
    const routes = await podRoutes(node);
    seen(routes);
    return routes.some(({ dst }) => dst === foreign4);
  });
});
