/** Routes and nodes that must not get into the kernel: named, and what was there before stays. */
import { createSpeaker } from '@routelet/bgp';
import t from 'tap';
import { createLab, ManifestCluster, nodeManifests, peersAnnotation, podRoutes, waitFor } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const ROUTER = '192.0.2.254';

const lab = await createLab();
await lab.bridge({ name: 'lab0', ipv4: `${ROUTER}/24` });
const acceptAll = { name: 'all', statements: [], defaultVerdict: 'accept' } as const;
const router = createSpeaker({
  asn: 64600,
  routerId: ROUTER,
  listen: [{ address: ROUTER, port: 179 }],
  importPolicy: acceptAll,
  exportPolicy: acceptAll,
});
router.addPeer({ address: '192.0.2.11', asn: 64512, passive: true });
await router.start();
t.teardown(() => router.stop());

const [first, second, third] = nodeManifests(3, ['ipv4']);
if (!first || !second || !third) throw new Error('three manifests were asked for');
const annotations = peersAnnotation([{ remoteip: ROUTER, remoteasn: 64600 }]);
const cluster = await ManifestCluster.create(lab, [{ ...first, annotations }, second]);
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
const { node, agent } = cluster.member(first.name);

/** Resolves when what was announced before has been taken: UPDATEs of a session are taken in order. */
async function taken(mark: string): Promise<void> {
  router.announce({ prefix: mark, nextHop: ROUTER });
  await waitFor(`the route to ${mark}`, async (seen) => {
    const routes = (await podRoutes(node)).map(({ dst }) => dst);
    seen(`${routes}\n${agent.process.tail()}`);
    return routes.includes(mark);
  });
}

t.test('a next hop that is this node: no route, and `why` says so', async (t) => {
  router.announce({ prefix: '203.0.113.0/24', nextHop: first.addresses[0] ?? '' });
  await taken('198.51.100.0/25');
  t.notOk((await podRoutes(node)).some(({ dst }) => dst === '203.0.113.0/24'));
  const { stdout } = await agent.routelet('why', '203.0.113.0/24');
  t.match(
    stdout,
    /203\.0\.113\.0\/24 via 192\.0\.2\.11 from 192\.0\.2\.254: not eligible: the next hop cannot be used/,
  );
});

t.test("a pod CIDR inside another node's: refused and named, the first keeps its route", async (t) => {
  const before = await podRoutes(node);
  await cluster.add({ ...third, podCIDRs: ['10.244.2.128/25'] });
  await waitFor('the node to be named', (seen) => {
    seen(agent.process.tail());
    return (
      agent.logged(
        ['ERROR', 'WARN'],
        /node node-3: pod CIDR 10\.244\.2\.128\/25 overlaps 10\.244\.2\.0\/24 of node node-2/,
      ).length > 0
    );
  });
  await cluster.established();
  await taken('198.51.100.128/25');
  t.same(
    (await podRoutes(node)).filter(({ dst }) => dst !== '198.51.100.128/25'),
    before,
  );
});
