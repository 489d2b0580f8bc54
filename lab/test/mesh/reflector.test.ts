import t from 'tap';
import { createLab, describePing, ManifestCluster, nodeManifests, pingMatrix, waitFor } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

/** One reflector and two clients: the clients have one session each, and every route all the same. */
const lab = await createLab();
const manifests = nodeManifests(3).map((manifest, index) => ({
  ...manifest,
  annotations: { [`kube-router.io/rr.${index === 0 ? 'server' : 'client'}`]: '42' },
}));
const cluster = await ManifestCluster.create(lab, manifests);
watchOver(t, cluster);

t.test('clients of a route reflector have one session and all routes', async (t) => {
  const [reflector = '', ...clients] = cluster.members.map(({ node }) => node.ipv4 ?? '');
  for (const { agent, manifest } of cluster.members) {
    const wanted = manifest.name === 'node-1' ? clients : [reflector];
    await agent.established(wanted);
    const addresses = (await agent.peers()).map(({ address }) => address).sort();
    t.same(addresses, wanted, `the sessions of ${manifest.name}`);
  }
  await cluster.routed();
  const results = await pingMatrix(await cluster.addPods('web'), 3);
  t.equal(results.length, 12);
  t.same(results.filter(({ ok }) => !ok).map(describePing), []);
});

t.test('without the annotations the nodes mesh, without a restart', async (t) => {
  const pids = cluster.members.map(({ agent }) => agent.process.pid);
  for (const { manifest } of cluster.members) await cluster.folder.writeNode({ ...manifest, annotations: {} });
  await waitFor('a full mesh', async () => {
    for (const { agent } of cluster.members) if ((await agent.peers()).length !== 2) return false;
    return true;
  });
  await cluster.established();
  await cluster.routed();
  t.same(
    cluster.members.map(({ agent }) => agent.process.pid),
    pids,
  );
});
