/**
 * Addresses of a Service from a real API server, whose controllers make the EndpointSlices of a real Pod object, to an agent
 * with exactly the shipped ClusterRole, to BIRD as its external peer.
 */
import t from 'tap';
import { createLab, peersAnnotation, startAgent, startBird, waitFor } from '../../src/index.ts';
import { programPath } from '../../src/kubernetes/binaries.ts';
import { registerNode } from '../../src/kubernetes/node-object.ts';
import { startShippedPlane } from '../../src/kubernetes/shipped-plane.ts';

const serviceAccount = 'system:serviceaccount:kube-system:routelet';
const torAddress = '10.10.0.21';

const lab = await createLab();
const { control, plane, kubeconfig } = await startShippedPlane(lab);

const node = await lab.node({ name: 'a', ipv4: '10.10.0.11/24', ipv6: 'fd00:10::11/64' });
await registerNode(plane, node, peersAnnotation([{ remoteip: torAddress, remoteasn: 65021 }]));
const agent = startAgent(node, {
  kubeconfig,
  flags: ['--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112', '--loadbalancer-ip-range=203.0.113.0/24'],
});
const torNode = await lab.node({ name: 'tor', ipv4: `${torAddress}/24`, ipv6: 'fd00:10::21/64' });
const tor = await startBird(torNode, {
  routerId: torAddress,
  as: 65021,
  neighbors: [{ address: '10.10.0.11', as: 64512 }],
  announces: [],
  nextHop4: torAddress,
  nextHop6: 'fd00:10::21',
});

interface ServiceObject {
  readonly spec: { readonly clusterIPs: readonly string[] };
}

/** Host routes at the router, with their next hops. */
const hostRoutes = async () =>
  (await tor.routes())
    .filter(({ prefix }) => /\/(32|128)$/.test(prefix))
    .map(({ prefix, nextHop }) => `${prefix} via ${nextHop}`)
    .sort();

const becomes = (what: string, ...wanted: readonly string[]) =>
  waitFor(
    `${what}: ${wanted.join(', ') || 'nothing'} at the router`,
    async (seen) => {
      const found = await hostRoutes();
      seen(`${found.join(', ')}\n${agent.process.tail()}`);
      return found.join() === [...wanted].sort().join();
    },
    { deadlineMs: 60_000 },
  );

/** When BIRD's session came up, as it says itself. */
const since = async () =>
  /^node_\S+\s+BGP\s+\S+\s+up\s+(\S+(?: \S+)?)\s+Established/m.exec(await tor.birdc('show', 'protocols'))?.[1];

const annotate = (...words: string[]) => plane.kubectl(['annotate', '--overwrite', 'service', 'web', ...words]);
const setReady = (ready: boolean) => {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const status = {
    phase: 'Running',
    podIP: '10.244.0.9',
    podIPs: [{ ip: '10.244.0.9' }, { ip: 'fd00:10:244::9' }],
    conditions,
  };
  return plane.kubectl(['patch', 'pod', 'web', '--subresource=status', '-p', JSON.stringify({ status })]);
};

t.setTimeout(0);

t.test('the rights: Services and EndpointSlices, read only', async (t) => {
  const kubectl = [programPath('kubectl'), `--kubeconfig=${plane.kubeconfig('admin')}`];
  const can = async (verb: string, resource: string) =>
    (await control.tryExec([...kubectl, 'auth', 'can-i', verb, resource, `--as=${serviceAccount}`])).stdout.trim();
  for (const resource of ['nodes', 'services', 'endpointslices.discovery.k8s.io']) {
    for (const verb of ['list', 'watch']) t.equal(await can(verb, resource), 'yes', `${verb} ${resource}`);
    for (const verb of ['update', 'patch', 'delete']) t.equal(await can(verb, resource), 'no', `${verb} ${resource}`);
  }
  for (const resource of ['secrets', 'configmaps', 'endpoints']) {
    t.equal(await can('list', resource), 'no', `list ${resource}`);
  }
});

t.test('a Service with a ready Pod is announced by annotation alone, in both families', async (t) => {
  await agent.established([torAddress]);
  await waitFor('the default ServiceAccount', () => plane.get('serviceaccount', 'default'));
  await plane.apply(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        type: 'LoadBalancer',
        ipFamilyPolicy: 'RequireDualStack',
        externalTrafficPolicy: 'Local',
        selector: { app: 'web' },
        ports: [{ port: 80 }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
      spec: { nodeName: 'a', automountServiceAccountToken: false, containers: [{ name: 'web', image: 'web' }] },
    },
  );
  const ingress = [{ ip: '203.0.113.9' }, { ip: '203.0.113.10', ipMode: 'Proxy' }, { ip: '198.51.100.1' }];
  const status = JSON.stringify({ status: { loadBalancer: { ingress } } });
  await plane.kubectl(['patch', 'service', 'web', '--subresource=status', '-p', status]);
  await setReady(true);
  await annotate('kube-router.io/service.advertise.clusterip=true');
  const [ipv4, ipv6] = (await plane.get<ServiceObject>('service', 'web')).spec.clusterIPs;
  await becomes('cluster IPs', `${ipv4}/32 via 10.10.0.11`, `${ipv6}/128 via fd00:10::11`);
  t.pass('by the endpoints that the controllers made');
});

t.test('annotations flipped live change the table of the peer and not the session; so does the Pod', async (t) => {
  const up = await since();
  t.ok(up, 'BIRD says since when the session is up');
  const [ipv4, ipv6] = (await plane.get<ServiceObject>('service', 'web')).spec.clusterIPs;
  const cluster = [`${ipv4}/32 via 10.10.0.11`, `${ipv6}/128 via fd00:10::11`];
  const balancer = '203.0.113.9/32 via 10.10.0.11';
  await annotate('kube-router.io/service.advertise.loadbalancerip=true');
  await becomes('B-52, S-10: the one good load balancer address', ...cluster, balancer);
  t.equal(
    agent.logged(['ERROR'], /load balancer IP 198\.51\.100\.1 of service default\/web is not announced/).length,
    1,
  );
  await annotate('kube-router.io/service.advertise.clusterip=false');
  await becomes('the load balancer address alone', balancer);
  await setReady(false);
  await becomes('no Pod that is ready');
  await setReady(true);
  await becomes('ready again', balancer);
  await annotate('kube-router.io/service.skiplbips=');
  await becomes('S-2: skipped');
  await annotate('kube-router.io/service.skiplbips-', 'kube-router.io/service.advertise.clusterip-');
  await becomes('the annotations are gone', balancer);
  await plane.kubectl(['delete', 'service', 'web']);
  await becomes('the Service is gone');
  t.equal(await since(), up, 'the session is the same');
  t.notMatch(agent.process.lines.join('\n'), /session lost/);
});
