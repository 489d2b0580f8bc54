import t from 'tap';
import {
  createLab,
  lossTable,
  ManifestCluster,
  nodeManifests,
  type PingLoss,
  pingLoss,
  waysBetween,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const cluster = await ManifestCluster.create(lab, nodeManifests(3), { flags: ['--bgp-graceful-restart'] });
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
const [subject, ...others] = await cluster.addPods('web');
const { agent } = cluster.member('node-1');
const ways = others.flatMap((other) => (subject === undefined ? [] : waysBetween(subject, other)));
const rows: [string, PingLoss][] = [];

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`restart by ${signal} with graceful restart: no packet is lost to or from the node's pods`, async (t) => {
    const loss = await pingLoss(ways, async () => {
      await agent.stop(signal);
      agent.start();
      await cluster.established(90_000);
      await cluster.routed();
    });
    rows.push([`${signal}, graceful restart on, other nodes as helpers`, loss]);
    t.equal(loss.ways, 8);
    t.equal(loss.lost, 0);
  });
}

t.test('the table', async (t) => {
  for (const line of lossTable(rows)) t.comment(line);
  t.equal(rows.length, 2);
});
