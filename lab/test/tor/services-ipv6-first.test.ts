/**
 * T-25, T-40: a cluster whose first family is IPv6, told to announce addresses of Services and no pod CIDR. BIRD listens
 * before any agent runs and logs every route that it is ever sent, so that a moment without policy would show.
 */
import t from 'tap';
import { stringify } from 'yaml';
import { createLab, ManifestCluster, nodeManifests, peersAnnotation, startBird, waitFor } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const CLUSTER_AS = 64512;
const tor = { ipv4: '192.0.2.1', ipv6: '2001:db8::1', as: 64600 };

const lab = await createLab();
const manifests = nodeManifests(2, ['ipv6', 'ipv4']).map((manifest) => ({
  ...manifest,
  annotations: {
    ...peersAnnotation([{ remoteip: tor.ipv6, remoteasn: tor.as }]),
    'kube-router.io/path-prepend.as': '65100',
    'kube-router.io/path-prepend.repeat-n': '1',
  },
}));
const torNode = await lab.node({ name: 'tor', ipv4: `${tor.ipv4}/24`, ipv6: `${tor.ipv6}/64` });
const router = await startBird(torNode, {
  ...{ as: tor.as, announces: [], routerId: tor.ipv4, nextHop4: tor.ipv4, nextHop6: tor.ipv6 },
  neighbors: manifests.map(({ addresses: [address = ''] }) => ({ address, as: CLUSTER_AS })),
});
await router.birdc('debug', 'all', '{ routes, filters }');

const cluster = await ManifestCluster.create(lab, manifests, {
  flags: [
    ...['--router-id=generate', '--advertise-pod-cidr=false', '--advertise-cluster-ip', '--override-nexthop'],
    '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112',
  ],
});
watchOver(t, cluster);

const metadata = { name: 'web', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } };
const slice = (addressType: 'IPv4' | 'IPv6', address: string) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { ...metadata, name: `web-${addressType}` },
  addressType,
  endpoints: [{ addresses: [address], nodeName: 'node-1' }],
});
const spec = { clusterIPs: ['fd00:96::a', '10.96.0.10'], ports: [{ port: 80 }] };
const objects = [
  { apiVersion: 'v1', kind: 'Service', metadata, spec },
  slice('IPv4', '10.244.1.5'),
  slice('IPv6', 'fd00:10:244:1::5'),
];
await cluster.folder.writeText('web.yaml', objects.map((object) => stringify(object)).join('---\n'));

t.test('addresses of both families with prepended path and the own next hop, and nothing else ever', async (t) => {
  const path = [CLUSTER_AS, 65100];
  const wanted = [
    { prefix: '10.96.0.10/32', nextHop: '192.0.2.11', asPath: path },
    { prefix: '10.96.0.10/32', nextHop: '192.0.2.12', asPath: path },
    { prefix: 'fd00:96::a/128', nextHop: '2001:db8::11', asPath: path },
    { prefix: 'fd00:96::a/128', nextHop: '2001:db8::12', asPath: path },
  ];
  const found = await waitFor(
    'four paths at the router',
    async (seen) => {
      const routes = await router.routes();
      seen(`${JSON.stringify(routes)}\n${cluster.tails(5)}`);
      return routes.length === 4 && [...routes].sort((a, b) => (a.prefix + a.nextHop < b.prefix + b.nextHop ? -1 : 1));
    },
    { deadlineMs: 60_000 },
  );
  t.strictSame(found, wanted);
  await cluster.established();
  await cluster.routed();
  const sent = router.process.lines.filter((line) => / > /.test(line));
  t.ok(
    sent.some((line) => line.includes('fd00:96::a/128')),
    'the log of the router has what it was sent',
  );
  t.same(
    sent.filter((line) => /10\.244\.|fd00:10:244:/.test(line)),
    [],
    'no pod CIDR, at no time',
  );
});
