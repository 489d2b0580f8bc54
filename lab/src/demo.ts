/**
 * The demo: three nodes from the manifests of examples/demo, each with an agent, in network namespaces of this machine.
 * It shows what a newcomer would want to see, checks each of its claims, and ends with status 0 only when all held.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { openBgp, shutBgp } from './bgp-gate.ts';
import { enterLab } from './enter.ts';
import { createLab } from './lab.ts';
import { ManifestCluster, podRoutes, readNodeManifests } from './manifest-cluster.ts';
import { type PingResult, pingMatrix } from './ping-matrix.ts';
import type { LabPod } from './pod.ts';
import { Prober } from './prober.ts';
import { tryRun } from './process.ts';
import { Screen } from './screen.ts';
import { waitFor } from './wait.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/demo/', import.meta.url));
const REMOVED = 'node-3';
const WEB_PORT = 80;
const SERVICE_ADDRESSES = ['10.96.0.80', 'fd00:10:96::80'];

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
const hasIpvs = await kernelHasIpvs();
const cluster = await startNodes();
const probers = new Map<LabPod, Prober>();
try {
  await showSessions();
  await showRoutes();
  const pods = await showPods();
  await showPolicy(pods);
  await showService(pods);
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
  const started = await ManifestCluster.create(lab, nodes, {
    flags: [
      '--run-firewall=true',
      `--run-service-proxy=${hasIpvs}`,
      '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112',
    ],
  });
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
  await Promise.all(pods.map(async (pod) => probers.set(pod, await Prober.start(pod, [WEB_PORT]))));
  // A pod that the firewall does not know yet is closed: the API server would tell of these pods.
  const documents = pods.map((pod) => stringify(podObject(pod)));
  await cluster.folder.writeText('pods.yaml', documents.join('---\n'));
  await untilOpen(pods, () => true);
  await expectPings(pods, true);
  return pods;
}

async function showPolicy(pods: readonly LabPod[]): Promise<void> {
  screen.step(
    'A NetworkPolicy says who may come in',
    "examples/demo/later/policy.yaml is added: node-1's pod takes TCP port 80 from node-2's pod alone.",
  );
  await addLater('policy.yaml');
  await untilOpen(pods, (from, to) => !to.startsWith('node-1') || from.startsWith('node-2'));
  await showConnections(pods);
  screen.good('what it does not allow is refused, and everything else goes on');
  await cluster.folder.remove('policy.yaml');
  await untilOpen(pods, () => true);
  screen.good('it is deleted again, and all connections are open');
}

async function showService(pods: readonly LabPod[]): Promise<void> {
  if (!hasIpvs) {
    screen.step('A Service has one address for all pods: left out', 'The kernel of this machine has no IPVS (ip_vs).');
    return;
  }
  screen.step(
    'A Service has one address for all pods',
    `examples/demo/later/service.yaml is added, and the slices of its endpoints: every node balances ${SERVICE_ADDRESSES.join(' and ')} by IPVS.`,
  );
  const slices = (['IPv4', 'IPv6'] as const).map((family) => stringify(endpointSlice(family, pods)));
  await cluster.folder.writeText('slices.yaml', slices.join('---\n'));
  await addLater('service.yaml');
  for (const [pod, prober] of probers) {
    await waitFor(`${pod.name} to reach the Service`, async (seen) => {
      const open = await prober.probe(SERVICE_ADDRESSES.map(webProbe));
      seen(open);
      return open.every((one) => one);
    });
  }
  screen.good(`every pod is answered at ${SERVICE_ADDRESSES.join(' and ')}`);
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

/** Adds a file of examples/demo/later to the folder of manifests. */
async function addLater(file: string): Promise<void> {
  await cluster.folder.writeText(file, await readFile(join(EXAMPLES, 'later', file), 'utf8'));
}

/** Each connection from pod to pod, by the names of both, in both families. */
async function connections(pods: readonly LabPod[]): Promise<{ from: string; to: string; open: readonly boolean[] }[]> {
  const rows = pods.map(async (from) => {
    const others = pods.filter((pod) => pod !== from);
    const open = await probers.get(from)?.probe(others.flatMap(({ addresses }) => addresses.map(webProbe)));
    return others.map((to, index) => ({
      from: from.name,
      to: to.name,
      open: open?.slice(index * to.addresses.length, (index + 1) * to.addresses.length) ?? [],
    }));
  });
  return (await Promise.all(rows)).flat();
}

async function untilOpen(pods: readonly LabPod[], wanted: (from: string, to: string) => boolean): Promise<void> {
  await waitFor('TCP between the pods to be as it should', async (seen) => {
    const found = await connections(pods);
    seen(found);
    return found.every(({ from, to, open }) => open.length > 0 && open.every((one) => one === wanted(from, to)));
  });
}

async function showConnections(pods: readonly LabPod[]): Promise<void> {
  const words = (await connections(pods)).map(({ from, to, open }) => [
    from,
    to,
    ...open.map((one) => (one ? 'connected' : 'refused')),
  ]);
  screen.table([['from', `to, TCP ${WEB_PORT}`, 'IPv4', 'IPv6'], ...words]);
}

function webProbe(address: string) {
  return { protocol: 'TCP', address, port: WEB_PORT } as const;
}

function podObject(pod: LabPod): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: 'default', labels: { pod: pod.name } },
    spec: { nodeName: nodeOf(pod), containers: [] },
    status: { phase: 'Running', podIP: pod.addresses[0], podIPs: pod.addresses.map((ip) => ({ ip })) },
  };
}

function endpointSlice(addressType: 'IPv4' | 'IPv6', pods: readonly LabPod[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `web-${addressType.toLowerCase()}`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType,
    ports: [{ name: '', port: WEB_PORT, protocol: 'TCP' }],
    endpoints: pods.map((pod) => ({
      addresses: [addressType === 'IPv4' ? pod.ipv4 : pod.ipv6],
      conditions: { ready: true },
      nodeName: nodeOf(pod),
    })),
  };
}

function nodeOf(pod: LabPod): string {
  return pod.name.slice(0, -`-${pod.podName}`.length);
}

/** Loads the module where there are modules. */
async function kernelHasIpvs(): Promise<boolean> {
  await tryRun(['modprobe', 'ip_vs']);
  return (await tryRun(['test', '-e', '/proc/net/ip_vs'])).code === 0;
}

function capitalized(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1).toLowerCase()}`;
}
