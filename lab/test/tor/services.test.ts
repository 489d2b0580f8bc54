/**
 * Addresses of Services at a top-of-rack router (BIRD) and at an iBGP peer that is BIRD too, so that what nodes do not get
 * is read from somebody else's table. Services and EndpointSlices are manifests, changed while the agents run.
 */
import t from 'tap';
import { stringify } from 'yaml';
import {
  type Bird,
  createLab,
  ManifestCluster,
  nodeManifests,
  peersAnnotation,
  podRoutes,
  startBird,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const CLUSTER_AS = 64512;
const tor = { ipv4: '192.0.2.1', ipv6: '2001:db8::1', as: 64600 };
/** What the router announces: an honest prefix, and addresses that are the cluster's to announce. */
const announces = ['203.0.113.0/24', '10.96.0.10/32', 'fd00:96::a/128'];

const lab = await createLab();
const [first, second, third] = nodeManifests(3);
if (!first || !second || !third) throw new Error('three manifests');
const annotations = {
  ...peersAnnotation([{ remoteip: tor.ipv4, remoteasn: tor.as }]),
  'kube-router.io/node.bgp.communities': '64512:7',
};
const agentNodes = [first, second].map((manifest) => ({ ...manifest, annotations }));
const cluster = await ManifestCluster.create(lab, agentNodes, {
  flags: [
    ...['--advertise-cluster-ip', '--advertise-external-ip', '--service-external-ip-range=198.51.100.0/24'],
    ...['--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112', '--routes-sync-period=1s'],
  ],
});
watchOver(t, cluster);
await cluster.folder.writeNode(third);

const neighbors = agentNodes.map(({ addresses: [address = ''] }) => ({ address, as: CLUSTER_AS }));
const torNode = await lab.node({ name: 'tor', ipv4: `${tor.ipv4}/24`, ipv6: `${tor.ipv6}/64`, forwarding: true });
const router = await startBird(torNode, {
  ...{ as: tor.as, announces, neighbors, routerId: tor.ipv4 },
  ...{ nextHop4: tor.ipv4, nextHop6: tor.ipv6 },
});
const [third4 = '', third6 = ''] = third.addresses;
const thirdNode = await lab.node({ name: third.name, ipv4: `${third4}/24`, ipv6: `${third6}/64` });
const nodePeer = await startBird(thirdNode, {
  ...{ as: CLUSTER_AS, announces: third.podCIDRs, neighbors, routerId: third4 },
  ...{ nextHop4: third4, nextHop6: third6 },
});

const write = (file: string, object: object) => cluster.folder.writeText(`${file}.yaml`, stringify(object));

const writeService = (spec: object = {}, changed: Readonly<Record<string, string>> = {}) =>
  write('service', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      namespace: 'shop',
      annotations: { 'kube-router.io/service.bgp.communities': '65000:80', ...changed },
    },
    spec: {
      clusterIPs: ['10.96.0.10', 'fd00:96::a'],
      externalIPs: ['198.51.100.7'],
      ports: [{ port: 80 }],
      ...spec,
    },
  });

/** The slice of one family; each endpoint is on a node, and ready or not. */
const writeSlice = (family: 'IPv4' | 'IPv6', endpoints: readonly (readonly [node: string, ready: boolean])[]) =>
  write(`slice-${family}`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `web-${family}`, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: family,
    endpoints: endpoints.map(([nodeName, ready], index) => ({
      addresses: [family === 'IPv4' ? `10.244.9.${index + 1}` : `fd00:10:244:9::${index + 1}`],
      conditions: { ready },
      nodeName,
    })),
    ports: [{ port: 8080 }],
  });

/** What BIRD learned for a prefix, one text a path: next hop, AS path, communities. */
async function paths(bird: Bird, prefix: string): Promise<string[]> {
  const text = await bird.birdc('show', 'route', 'all', 'where', 'source', '=', 'RTS_BGP', '&&', 'net', '=', prefix);
  const value = (block: string, name: string) => new RegExp(`BGP\\.${name}: (.*)`).exec(block)?.[1]?.trim() ?? '-';
  return text
    .split(/(?=BGP\.origin)/)
    .slice(1)
    .map((block) => {
      const [nextHop] = value(block, 'next_hop').split(' ');
      return `${nextHop} path ${value(block, 'as_path')} communities ${value(block, 'community')}`;
    })
    .sort();
}

const arePaths = (bird: Bird, prefix: string, wanted: readonly string[]) =>
  waitFor(
    `paths of ${prefix} at ${bird.node.name} to be ${wanted.join('; ') || 'none'}`,
    async (seen) => {
      const found = await paths(bird, prefix);
      seen(`${found.join('; ')}\n${cluster.tails(5)}`);
      return found.join() === wanted.join();
    },
    { deadlineMs: 60_000 },
  );

const via = (...nextHops: readonly string[]) =>
  nextHops.map((nextHop) => `${nextHop} path ${CLUSTER_AS} communities (65000,80) (64512,7)`);
const both4 = via('192.0.2.11', '192.0.2.12');
const both6 = via('2001:db8::11', '2001:db8::12');

/** Lines of the agents about sessions since the mark. */
const marks = () => cluster.members.map(({ agent }) => agent.process.lines.length);
const sessionLines = (since: readonly number[]) =>
  cluster.members.flatMap(({ agent }, index) =>
    agent.process.lines
      .slice(since[index])
      .filter((line) => /session (lost|established)|peer (added|removed)/.test(line)),
  );

const kernelOf = async (name: string) => (await podRoutes(cluster.member(name).node)).map(({ dst }) => dst);

t.test('no endpoint, no announcement; the honest prefix of the router is taken, the addresses are not', async (t) => {
  await writeService();
  for (const { agent } of cluster.members) await agent.established([tor.ipv4, third4]);
  await arePaths(router, '10.244.1.0/24', [`192.0.2.11 path ${CLUSTER_AS} communities (64512,7)`]);
  for (const { manifest } of cluster.members) {
    await waitFor(`203.0.113.0/24 in the kernel of ${manifest.name}`, async () =>
      (await kernelOf(manifest.name)).includes('203.0.113.0/24'),
    );
    // That they come when nobody wants them here is seen below (S-1).
    const refused = (await kernelOf(manifest.name)).filter((dst) => ['10.96.0.10', 'fd00:96::a'].includes(dst));
    t.same(refused, [], `B-44: the addresses are not in the kernel of ${manifest.name}`);
  }
  for (const prefix of ['10.96.0.10/32', 'fd00:96::a/128', '198.51.100.7/32']) {
    t.same(await paths(router, prefix), [], prefix);
  }
});

t.test('T-27, B-30, B-42: an endpoint comes, and both nodes announce with next hop and communities', async (t) => {
  const since = marks();
  await writeSlice('IPv4', [['node-2', true]]);
  await arePaths(router, '10.96.0.10/32', both4);
  await arePaths(router, '198.51.100.7/32', both4);
  t.same(await paths(router, 'fd00:96::a/128'), [], 'no endpoint of that family');
  await writeSlice('IPv6', [['node-2', true]]);
  await arePaths(router, 'fd00:96::a/128', both6);
  t.same(sessionLines(since), [], 'no session was touched');
});

t.test('B-43: an iBGP peer has the pod CIDRs of both nodes and no address', async (t) => {
  for (const [prefix, nextHop] of [
    ['10.244.1.0/24', '192.0.2.11'],
    ['fd00:10:244:2::/64', '2001:db8::12'],
  ] as const) {
    await waitFor(`${prefix} at the iBGP peer`, async () =>
      (await paths(nodePeer, prefix))[0]?.startsWith(`${nextHop} `),
    );
  }
  const learned = (await nodePeer.routes()).map(({ prefix }) => prefix);
  t.same([...new Set(learned)].sort(), ['10.244.1.0/24', '10.244.2.0/24', 'fd00:10:244:1::/64', 'fd00:10:244:2::/64']);
});

t.test(
  'B-50: with externalTrafficPolicy Local only the node with the endpoint announces the external IP',
  async (t) => {
    await writeService({ externalTrafficPolicy: 'Local' });
    await arePaths(router, '198.51.100.7/32', via('192.0.2.12'));
    t.same(await paths(router, '10.96.0.10/32'), both4, 'the cluster IP has its own policy');
    await writeSlice('IPv4', [
      ['node-1', true],
      ['node-2', false],
    ]);
    await arePaths(router, '198.51.100.7/32', via('192.0.2.11'));
    await writeService();
    await arePaths(router, '198.51.100.7/32', both4);
  },
);

t.test('B-55: passes of the period announce nothing again', async (t) => {
  const { agent } = cluster.member('node-1');
  const read = async () => {
    const samples = await agent.metrics();
    const of = (name: string, type?: string) =>
      samples.find(
        (sample) => sample.name === `kube_router_${name}` && (type === undefined || sample.labels['type'] === type),
      )?.value ?? 0;
    return {
      passes: of('controller_routes_sync_time_count'),
      sent: of('controller_bgp_advertisements_sent', 'advertise-vip'),
      withdrawn: of('controller_bgp_advertisements_sent', 'withdraw-vip'),
      vips: of('bgp_advertised_vips'),
    };
  };
  const before = await read();
  const after = await waitFor('three more passes', async () => {
    const now = await read();
    return now.passes >= before.passes + 3 && now;
  });
  t.ok(before.sent >= 3, `${before.sent} were announced`);
  t.same([after.sent, after.withdrawn, after.vips], [before.sent, before.withdrawn, 3]);
});

t.test('S-1: the annotation takes an address back and gives it again, and no session is reset', async (t) => {
  const since = marks();
  await writeService({}, { 'kube-router.io/service.advertise.clusterip': 'false' });
  await arePaths(router, '10.96.0.10/32', []);
  await arePaths(router, 'fd00:96::a/128', []);
  t.same(await paths(router, '198.51.100.7/32'), both4);
  await waitFor('the address of the router in the kernel, as nobody here wants it any more', async (seen) => {
    const found = await kernelOf('node-1');
    seen(found);
    return found.includes('10.96.0.10');
  });
  await writeService({}, { 'kube-router.io/service.bgp.communities': '65000:81' });
  const changed = both4.map((path) => path.replace('65000,80', '65000,81'));
  await arePaths(router, '10.96.0.10/32', changed);
  await waitFor(
    'the address of the router to leave the kernel',
    async () => !(await kernelOf('node-1')).includes('10.96.0.10'),
  );
  await writeService();
  await arePaths(router, '10.96.0.10/32', both4);
  t.same(sessionLines(since), []);
});

t.test(
  'T-26: a Service without EndpointSlice, one that cannot be read and one out of range change nothing',
  async (t) => {
    await write('lonely', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'lonely', namespace: 'shop' },
      spec: { clusterIP: '10.96.0.11', externalIPs: ['8.8.8.8'] },
    });
    await write('bad', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad' }, spec: { clusterIP: 'nine' } });
    for (const { agent, manifest } of cluster.members) {
      for (const line of [
        /external IP 8\.8\.8\.8 of service shop\/lonely is not announced/,
        /Service bad: spec\.clusterIP: "nine"/,
      ]) {
        await waitFor(`${line} in the log of ${manifest.name}`, () => agent.logged(['ERROR'], line).length === 1);
      }
    }
    for (const prefix of ['10.96.0.10/32', '198.51.100.7/32']) t.same(await paths(router, prefix), both4, prefix);
    t.same(await paths(router, '10.96.0.11/32'), []);
  },
);

t.test('T-27: the last endpoint stops serving, and the addresses go; pod CIDRs stay', async (t) => {
  const since = marks();
  await writeSlice('IPv4', [['node-1', false]]);
  await writeSlice('IPv6', []);
  for (const prefix of ['10.96.0.10/32', '198.51.100.7/32', 'fd00:96::a/128']) await arePaths(router, prefix, []);
  t.equal((await paths(router, '10.244.1.0/24')).length, 1);
  t.same(sessionLines(since), []);
});
