import t from 'tap';
import { createLab, type LabPod, ManifestCluster, nodeManifests, type PingStreamResult } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const cluster = await ManifestCluster.create(lab, nodeManifests(3), { flags: ['--bgp-graceful-restart'] });
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
const pods = await cluster.addPods('web');
const { agent } = cluster.member('node-1');

/** Pings at 100/s between node-1's pod and the others in both directions and families, while `during` runs. */
async function loss(during: () => Promise<void>): Promise<PingStreamResult[]> {
  const [subject, ...others] = pods;
  if (subject === undefined) throw new Error('there is no pod');
  const ways = others.flatMap((other): [LabPod, LabPod][] => [
    [subject, other],
    [other, subject],
  ]);
  const streams = ways.flatMap(([from, to]) => to.addresses.map((address) => from.pingStream(address, 100)));
  await Promise.all(streams.map((stream) => stream.nextAnswer()));
  await during();
  // What comes late would be lost late: the streams go on for a second of answers after the last act.
  for (let answers = 0; answers < 100; answers++) await streams[0]?.nextAnswer();
  return Promise.all(streams.map((stream) => stream.stop()));
}

function describe(what: string, results: readonly PingStreamResult[]): string {
  const total = (pick: (result: PingStreamResult) => number) => results.reduce((sum, result) => sum + pick(result), 0);
  const gap = Math.max(...results.map(({ longestGapMs }) => longestGapMs));
  return `| ${what}: ${total(({ lost }) => lost)} of ${total(({ sent }) => sent)} pings lost on ${results.length} ways, longest gap ${gap} ms`;
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`restart by ${signal} with graceful restart: no packet is lost to or from the node's pods`, async (t) => {
    const results = await loss(async () => {
      await agent.stop(signal);
      agent.start();
      await cluster.established(90_000);
      await cluster.routed();
    });
    t.comment(describe(`${signal}, graceful restart on`, results));
    t.equal(results.length, 8);
    t.same(
      results.map(({ lost }) => lost),
      results.map(() => 0),
    );
  });
}
