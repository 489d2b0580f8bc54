import t from 'tap';
import {
  createLab,
  describePing,
  ManifestCluster,
  nodeManifests,
  openBgp,
  pingMatrix,
  podRoutes,
  shutBgp,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const [first, second, third, fourth] = nodeManifests(4);
if (!first || !second || !third || !fourth) throw new Error('four manifests were asked for');

const cluster = await ManifestCluster.create(lab, [first, second, third]);
watchOver(t, cluster);

/** Results that are not what was expected, as text. */
async function unexpected(pods: Parameters<typeof pingMatrix>[0], answered: boolean, pairs: number): Promise<string[]> {
  const results = await pingMatrix(pods, answered ? 3 : 1);
  if (results.length !== pairs) throw new Error(`${results.length} pings instead of ${pairs}`);
  return results.filter(({ ok }) => ok !== answered).map(describePing);
}

t.test('three nodes from manifests peer with each other and have the routes of both families', async (t) => {
  await cluster.established();
  for (const { agent } of cluster.members) {
    t.same(
      new Set((await agent.peers()).map(({ type }) => type)),
      new Set(['internal']),
      `peers of ${agent.node.name}`,
    );
    t.match(await agent.healthz(), { status: 200, body: 'OK\n' });
  }
  await cluster.routed();
  for (const { manifest, node } of cluster.members) {
    t.same(await podRoutes(node), cluster.wantedRoutes(manifest.name), manifest.name);
  }
});

t.test('B-61: the overlay is on, and in one subnet nothing goes through it', async (t) => {
  const [member] = cluster.members;
  if (!member) throw new Error('no node');
  const { node } = member;
  t.notMatch(await node.exec(['ip', 'link', 'show']), /tun-/);
  t.match(await node.exec(['ip', '-N', 'rule']), /from 10\.244\.1\.0\/24 lookup 77/);
  t.match(await node.exec(['ip', 'rule']), /from 10\.244\.1\.0\/24 lookup kube-router/, 'by its name');
});

const pods = await cluster.addPods('web');

t.test('every pair of pods on different nodes answers in both directions and both families', async (t) => {
  t.same(await unexpected(pods, true, 12), []);
});

t.test('with the sessions shut the routes go and no pair answers; with them open again, all do', async (t) => {
  await Promise.all(cluster.members.map(({ node }) => shutBgp(node)));
  for (const { node } of cluster.members) {
    await waitFor(`no pod route on ${node.name}`, async (seen) => {
      const routes = await podRoutes(node);
      seen(routes);
      return routes.length === 0;
    });
  }
  t.same(await unexpected(pods, false, 12), []);
  await Promise.all(cluster.members.map(({ node }) => openBgp(node)));
  await cluster.established(90_000);
  await cluster.routed();
  t.same(await unexpected(pods, true, 12), []);
});

t.test('a node that joins is reached, without a restart of the others', async (t) => {
  const pids = cluster.members.map(({ agent }) => agent.process.pid);
  await cluster.add(fourth);
  await cluster.established();
  await cluster.routed();
  const [pod] = await cluster.addPods('web', [fourth.name]);
  t.same(await unexpected([...pods, ...(pod ? [pod] : [])], true, 24), []);
  t.same(
    cluster.members.slice(0, 3).map(({ agent }) => agent.process.pid),
    pids,
  );
});

t.test('a node that leaves takes its routes with it, and nothing else', async (t) => {
  await cluster.remove(fourth.name);
  await cluster.routed();
  await waitFor('no session with the removed node', async (seen) => {
    const peers = await Promise.all(cluster.members.map(({ agent }) => agent.peers()));
    seen(peers);
    return peers.flat().every(({ address }) => !fourth.addresses.includes(address));
  });
  t.same(await unexpected(pods, true, 12), []);
});
