import { join } from 'node:path';
import t from 'tap';
import {
  changesInTrace,
  createLab,
  KernelWatch,
  ManifestCluster,
  type Member,
  nodeManifests,
  podRoutes,
  straceInto,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

// Short periods: a full pass of everything is part of what must change nothing.
const flags = ['--routes-sync-period=2s', '--injected-routes-sync-period=1s'];

const lab = await createLab();
const cluster = await ManifestCluster.create(lab, nodeManifests(3), { flags });
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
await cluster.addPods('web');
const subject = cluster.member('node-1');

interface Counted {
  readonly kernel: readonly string[];
  readonly asked: readonly string[];
}

/** What no monitor reports: sets, packet filter rules as their tools print them, and the CNI file with its time. */
async function configured(node: Member['node']): Promise<string> {
  const dump = 'ipset save; iptables-save; ip6tables-save; cat "$1"; stat -c %y "$1"';
  const text = await node.exec(['sh', '-c', dump, 'dump', node.cniConfFile]);
  // Counters of packets and the time of the dump are no configuration.
  return text.replaceAll(/\[\d+:\d+\]|^#.*$/gm, '');
}

/** Stops the subject's agent, does `between`, starts it again, and counts until two full passes of everything are done. */
async function countRestart({ node, agent }: Member, between: () => Promise<void>): Promise<Counted> {
  await agent.stop();
  await between();
  const before = await configured(node);
  const watch = await KernelWatch.start(node);
  const trace = join(node.folder, 'strace');
  agent.start({ under: straceInto(trace) });
  await cluster.established(90_000);
  await cluster.routed();
  await waitFor(
    'two full passes of the restarted agent',
    async (seen) => {
      const passes = [
        await agent.metric('controller_routes_sync_time_count'),
        await agent.metric('host_routes_sync_time_count'),
      ];
      seen(passes);
      return passes.every((count = 0) => count >= 2);
    },
    { deadlineMs: 60_000 },
  );
  const kernel = [...(await watch.changes())];
  if ((await configured(node)) !== before) kernel.push('ipset, iptables or the CNI file are not as before');
  await watch.stop();
  return { kernel, asked: await changesInTrace(trace) };
}

t.test('an agent that is restarted in an unchanged cluster changes nothing and asks for no change', async (t) => {
  const { kernel, asked } = await countRestart(subject, async () => undefined);
  t.same(kernel, [], 'ip monitor and nft monitor');
  t.same(asked, [], 'strace');
});

t.test('the same counters see a route that was removed in between', async (t) => {
  const routes = await podRoutes(subject.node);
  t.equal(routes.length, 4);
  const { kernel, asked } = await countRestart(subject, async () => {
    await subject.node.exec(['ip', 'route', 'del', '10.244.2.0/24']);
  });
  t.match(kernel, [/^\[ROUTE\]10\.244\.2\.0\/24 via 192\.0\.2\.12 .*proto (?:17|mrouted)/]);
  t.equal(kernel.length, 1, 'ip monitor and nft monitor');
  t.same(asked, ['RTM_NEWROUTE'], 'strace');
  t.comment(`| removed by hand before the restart: ${kernel.length} change in the kernel, ${asked.length} request`);
});
