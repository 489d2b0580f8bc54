import t from 'tap';
import { createLab, ManifestCluster, nodeManifests } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const cluster = await ManifestCluster.create(lab, nodeManifests(2));
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
const [left, right] = await cluster.addPods('web');
if (left?.ipv4 === undefined || right?.ipv4 === undefined) throw new Error('two pods with IPv4 were asked for');

t.test('restart without graceful restart (the default): the loss is measured, and all is well again', async (t) => {
  const { agent } = cluster.member('node-1');
  const streams = [left.pingStream(right.ipv4 ?? '', 100), right.pingStream(left.ipv4 ?? '', 100)];
  await Promise.all(streams.map((stream) => stream.nextAnswer()));
  await agent.stop();
  agent.start();
  await cluster.established(90_000);
  await cluster.routed();
  await Promise.all(streams.map((stream) => stream.nextAnswer()));
  for (const { lost, sent, longestGapMs } of await Promise.all(streams.map((stream) => stream.stop()))) {
    t.comment(
      `| SIGTERM, graceful restart off (the default): ${lost} of ${sent} pings lost, longest gap ${longestGapMs} ms`,
    );
    t.ok(sent > lost, 'answers came back');
  }
});
