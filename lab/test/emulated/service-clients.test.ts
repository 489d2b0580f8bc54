/**
 * What the service proxy does for some clients and not for others: source ranges of a load balancer address, affinity, and
 * the addresses that endpoints see. One node, two pods, one client outside.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { createLab, type LabProcess, ManifestCluster, waitFor } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const manifest = { name: 'node-1', addresses: ['192.0.2.11'], podCIDRs: ['10.244.1.0/24'] };
const cluster = await ManifestCluster.create(lab, [manifest], {
  flags: [
    '--run-service-proxy=true',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--loadbalancer-ip-range=203.0.113.0/24',
  ],
});
watchOver(t, cluster);
const { node, agent } = cluster.member('node-1');
// Pods are attached by what the agent writes first; here it takes its time.
await waitFor('the agent to have started', async () => agent.logged(['INFO'], / started/).length > 0, {
  deadlineMs: 180_000,
  everyMs: 500,
});
const outside = await lab.node({ name: 'outside', ipv4: '192.0.2.99/24' });
await outside.exec(['ip', 'route', 'add', '203.0.113.0/24', 'via', '192.0.2.11']);
await outside.exec(['ip', 'address', 'add', '192.0.2.98/24', 'dev', 'eth0']);

const pods = [...(await cluster.addPods('one')), ...(await cluster.addPods('two'))];
const servers: LabProcess[] = [];
for (const pod of pods) {
  const folder = join('/tmp', `clients-${pod.name}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.html'), pod.podName);
  servers.push(pod.spawn('httpd', ['busybox', 'httpd', '-f', '-v', '-p', '8080', '-h', folder]));
}

const write = (file: string, object: object) => cluster.folder.writeText(`${file}.yaml`, stringify(object));

/** A Service of type LoadBalancer, 203.0.113.`number`, of both pods. */
async function writeService(name: string, number: number, spec: object): Promise<void> {
  await write(name, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { type: 'LoadBalancer', clusterIPs: [`10.96.0.${number}`], ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress: [{ ip: `203.0.113.${number}` }] } },
  });
  await write(`${name}-slice`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: pods.map(({ ipv4 }) => ({ addresses: [ipv4], nodeName: 'node-1' })),
    ports: [{ port: 8080 }],
  });
}

await writeService('guarded', 7, { loadBalancerSourceRanges: ['192.0.2.98/32'] });
await writeService('sticky', 8, { sessionAffinity: 'ClientIP' });
await writeService('local', 9, { externalTrafficPolicy: 'Local', healthCheckNodePort: 32009 });

const ask = async (number: number, from: string): Promise<string> => {
  const words = ['curl', '-s', '-m', '5', '--interface', from, `http://203.0.113.${number}/index.html`];
  const { stdout } = await outside.tryExec(words);
  return stdout.trim();
};

await t.test('they are served', async () => {
  await waitFor(
    'three load balancer addresses',
    async (seen) => {
      const table = await node.exec(['ipvsadm', '-Sn']);
      const rules = await node.exec(['iptables', '-S', 'INPUT']);
      seen(`${table}\n${rules}\n${agent.process.tail()}`);
      return [7, 8, 9].every((number) => table.includes(`-A -t 203.0.113.${number}:80`)) && rules.includes('lb-guard');
    },
    { deadlineMs: 120_000, everyMs: 500 },
  );
});

await t.test('loadBalancerSourceRanges let in whom they name (S-11)', async (t) => {
  t.match(await ask(7, '192.0.2.98'), /^(one|two)$/);
  t.equal(await ask(7, '192.0.2.99'), '', 'another client of the same network');
  t.match(await ask(8, '192.0.2.99'), /^(one|two)$/, 'who is let in elsewhere');
});

await t.test('a client stays with its endpoint', async (t) => {
  const answers = new Set<string>();
  for (let i = 0; i < 5; i++) answers.add(await ask(8, '192.0.2.99'));
  t.equal(answers.size, 1, [...answers].join());
});

await t.test('endpoints see their clients; the health check counts endpoints', async (t) => {
  t.match(await ask(9, '192.0.2.99'), /^(one|two)$/);
  const lines = servers.flatMap(({ lines }) => lines);
  t.ok(
    lines.some((line) => line.includes('192.0.2.99')),
    lines.slice(-5).join('\n'),
  );
  const { status, body } = await outside.get('192.0.2.11', 32009, '/healthz');
  t.equal(status, 200);
  t.match(JSON.parse(body), {
    service: { namespace: 'shop', name: 'local' },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
});
