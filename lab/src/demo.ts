/**
 * The demo: three nodes from the manifests of examples/demo, each with an agent, in network namespaces of this machine.
 * It shows what a newcomer would want to see, checks each of its claims, and ends with status 0 only when all held.
 */
import { fileURLToPath } from 'node:url';
import { openBgp, shutBgp } from './bgp-gate.ts';
import { enterLab } from './enter.ts';
import { createLab } from './lab.ts';
import { ManifestCluster, podRoutes, readNodeManifests } from './manifest-cluster.ts';
import { type PingResult, pingMatrix } from './ping-matrix.ts';
import type { LabPod } from './pod.ts';
import { Screen } from './screen.ts';
import { waitFor } from './wait.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/demo/', import.meta.url));
const REMOVED = 'node-3';

/** A claim of the demo did not hold. */
class DemoError extends Error {
  override readonly name = 'DemoError';
}

await enterLab();
process.on('SIGINT', () => {
  console.log('\ninterrupted: everything the demo made goes with it');
  process.exit(130);
});

const screen = new Screen();
const nodes = await readNodeManifests(EXAMPLES);
const lab = await createLab();
const cluster = await startNodes();
try {
  await showSessions();
  await showRoutes();
  const pods = await showPods();
  await showShutSessions(pods);
  await showRemovedNode(pods);
} catch (error) {
  screen.bad(error instanceof Error ? error.message : String(error));
  if (!(error instanceof DemoError)) console.log(cluster.tails(15));
  console.log('\nThe demo failed.');
  process.exit(1);
}
console.log(`\nAll of it held. It took ${screen.seconds()} s, and nothing of it is left on this machine.`);
process.exit(0);

async function startNodes(): Promise<ManifestCluster> {
  screen.step(
    `${nodes.length} nodes start`,
    'Each is a network namespace on one bridge, with a routelet-agent that watches a folder of Node manifests',
    `(copies of ${EXAMPLES.replace(`${process.cwd()}/`, '')}*.yaml). There is no Kubernetes here: the folder stands for it.`,
  );
  const started = await ManifestCluster.create(lab, nodes);
  screen.table([
    ['node', 'addresses', 'pod CIDRs'],
    ...nodes.map(({ name, addresses, podCIDRs }) => [name, addresses.join(', '), podCIDRs.join(', ')]),
  ]);
  return started;
}

async function showSessions(): Promise<void> {
  screen.step('The agents peer by BGP', 'A full mesh: every agent has a session with every other node.');
  await cluster.established();
  const rows = await Promise.all(
    cluster.members.map(async ({ manifest, agent }) =>
      (await agent.peers()).map(({ address, asn, state }) => [manifest.name, address, asn, capitalized(state)]),
    ),
  );
  screen.table([['node', 'peer', 'AS', 'session'], ...rows.flat()]);
  screen.good(`${rows.flat().length} ends of ${rows.flat().length / 2} sessions are Established`);
}

async function showRoutes(): Promise<void> {
  screen.step(
    'What they learn becomes kernel routes',
    'Shown by `ip route` on each node; 17 is the protocol number of routelet.',
  );
  await cluster.routed();
  for (const { manifest, node } of cluster.members) {
    const texts = await Promise.all(['-4', '-6'].map((family) => node.exec(['ip', '-N', family, 'route', 'show'])));
    const ours = texts.flatMap((text) => text.split('\n')).filter((line) => line.includes('proto 17'));
    for (const line of ours) screen.line(`${manifest.name}: ${line.trim()}`);
  }
  screen.good('every node has a route to the pods of every other node, in both families');
}

async function showPods(): Promise<LabPod[]> {
  screen.step(
    'Pods on different nodes reach each other',
    'One pod a node, attached by the CNI plugins with the file that the agent wrote. One ping each way.',
  );
  const pods = await cluster.addPods('pod');
  await expectPings(pods, true);
  return pods;
}

async function showShutSessions(pods: readonly LabPod[]): Promise<void> {
  screen.step(
    'The BGP sessions are shut',
    'To see that it is BGP that connects them: TCP port 179 is refused on every node, open connections are reset.',
  );
  await Promise.all(cluster.members.map(({ node }) => shutBgp(node)));
  for (const { manifest, node } of cluster.members) {
    await waitFor(`the routes of ${manifest.name} to go`, async (seen) => {
      const routes = await podRoutes(node);
      seen(routes);
      return routes.length === 0;
    });
  }
  await expectPings(pods, false);

  screen.step('The sessions may come up again');
  await Promise.all(cluster.members.map(({ node }) => openBgp(node)));
  await cluster.established(120_000);
  await cluster.routed();
  await expectPings(pods, true);
}

async function showRemovedNode(pods: readonly LabPod[]): Promise<void> {
  const { podCIDRs } = cluster.member(REMOVED).manifest;
  screen.step(`${REMOVED} is removed`, 'Its manifest is deleted, as `kubectl delete node` would do with a Node.');
  await cluster.remove(REMOVED);
  await cluster.routed();
  for (const { manifest, node } of cluster.members) {
    const routes = await podRoutes(node);
    screen.line(`${manifest.name}: ${routes.map(({ dst, gateway }) => `${dst} via ${gateway}`).join(', ')}`);
  }
  screen.good(`the routes to ${podCIDRs.join(' and ')} are gone`);
  await expectPings(
    pods.filter((pod) => !pod.name.startsWith(REMOVED)),
    true,
  );
}

/** Pings every pair of pods both ways, shows the answers, and fails when one is not as expected. */
async function expectPings(pods: readonly LabPod[], answered: boolean): Promise<void> {
  const results = await pingMatrix(pods, answered ? 3 : 1);
  const pairs = Map.groupBy(results, ({ from, to }) => `${from.name} -> ${to.name}`);
  const word = (result: PingResult | undefined) => (result?.ok ? 'answered' : 'no answer');
  screen.table([
    ['from', 'to', 'IPv4', 'IPv6'],
    ...[...pairs.values()].map((both) => {
      const [{ from, to } = { from: undefined, to: undefined }] = both;
      const family = (name: PingResult['family']) => word(both.find((result) => result.family === name));
      return [from?.name ?? '', to?.name ?? '', family('IPv4'), family('IPv6')];
    }),
  ]);
  const wrong = results.filter(({ ok }) => ok !== answered);
  if (results.length === 0 || wrong.length > 0) {
    throw new DemoError(
      `${wrong.length} of ${results.length} pings were ${answered ? 'not answered' : 'answered all the same'}`,
    );
  }
  screen.good(
    answered ? `all ${results.length} pings were answered` : `none of the ${results.length} pings was answered`,
  );
}

function capitalized(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1).toLowerCase()}`;
}
