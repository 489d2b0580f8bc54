import t from 'tap';
import { createLab, describePing, ManifestCluster, nodeManifests, pingMatrix } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const cluster = await ManifestCluster.create(lab, nodeManifests(3, ['ipv6']));
watchOver(t, cluster);

t.test('a cluster of IPv6 alone: sessions, routes and pings', async (t) => {
  await cluster.established();
  await cluster.routed();
  const pods = await cluster.addPods('web');
  t.same(
    pods.map(({ ipv4 }) => ipv4),
    [undefined, undefined, undefined],
  );
  const results = await pingMatrix(pods, 3);
  t.equal(results.length, 6);
  t.same(results.filter(({ ok }) => !ok).map(describePing), []);
});
