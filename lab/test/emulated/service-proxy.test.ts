/**
 * The service proxy on one node with two pods behind Services: clients on the node, in a pod and outside reach a Service in every way there
 * is, in both families, and `ipvsadm`, `iptables-save` and `ip` tell what stands.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { createLab, type LabPod, ManifestCluster, type NetNamespace, waitFor } from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const manifest = {
  name: 'node-1',
  addresses: ['192.0.2.11', '2001:db8::11'],
  podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
};
const lab = await createLab();
const cluster = await ManifestCluster.create(lab, [manifest], {
  flags: [
    ...['--run-service-proxy=true', '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112'],
    ...['--service-external-ip-range=198.51.100.0/24,2001:db8:e::/64'],
  ],
});
watchOver(t, cluster);
const { node, agent } = cluster.member('node-1');
// Pods are attached by what the agent writes first; here it takes its time.
await waitFor('the agent to have started', async () => agent.logged(['INFO'], / started/).length > 0, {
  deadlineMs: 180_000,
  everyMs: 500,
});
const outside = await lab.node({ name: 'outside', ipv4: '192.0.2.99/24', ipv6: '2001:db8::99/64' });
await outside.exec(['ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.11']);
await outside.exec(['ip', 'route', 'add', '2001:db8:e::/64', 'via', '2001:db8::11']);

const [one] = await cluster.addPods('one');
const [two] = await cluster.addPods('two');
/** No endpoint: it asks. */
const [asking] = await cluster.addPods('asking');
if (!one || !two || !asking) throw new Error('three pods');
for (const pod of [one, two]) {
  const folder = join('/tmp', pod.name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.html'), pod.podName);
  pod.spawn('httpd', ['busybox', 'httpd', '-f', '-p', '[::]:8080', '-h', folder]);
  await pod.listen('udp', 5353);
}

/** Asks five times a second and prints each answer, or `none` after a second. */
const UDP_CLIENT = `exec 2>/dev/null 3<>/dev/udp/10.96.0.53/53
while :; do
  echo '?' >&3
  answer=none
  read -r -N 10 -t 1 answer <&3 || answer=none
  echo "$answer"
  sleep 0.2
done`;

const write = (file: string, object: object) => cluster.folder.writeText(`${file}.yaml`, stringify(object));

function writeService(
  name: string,
  number: string,
  ports: readonly object[],
  more: object = {},
  annotations: object = {},
) {
  return write(name, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', annotations },
    spec: { clusterIPs: [`10.96.0.${number}`, `fd00:96::${number}`], ports, ...more },
  });
}

async function writeSlices(name: string, ports: readonly object[], pods: readonly LabPod[]) {
  for (const family of ['IPv4', 'IPv6']) {
    await write(`${name}-${family}`, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${family}`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
      addressType: family,
      endpoints: pods.map((pod) => ({
        addresses: [family === 'IPv4' ? pod.ipv4 : pod.ipv6],
        nodeName: 'node-1',
        targetRef: { kind: 'Pod', namespace: 'shop', name: pod.podName },
      })),
      ports,
    });
  }
}

const http = [{ port: 8080, protocol: 'TCP' }];
await writeService('web', '10', [{ port: 80, nodePort: 30080 }], {
  type: 'NodePort',
  externalIPs: ['198.51.100.7', '2001:db8:e::7'],
});
await writeSlices('web', http, [one, two]);
await writeService(
  'sticky',
  '11',
  [{ port: 80 }],
  { sessionAffinity: 'ClientIP' },
  {
    'kube-router.io/service.scheduler': 'lc',
    'kube-router.io/service.hairpin': '',
  },
);
await writeSlices('sticky', http, [one]);
await writeService('dns', '53', [{ port: 53, protocol: 'UDP' }]);

/** `ipvsadm -Sn`, with the names of the pods in place of their addresses. */
async function table(): Promise<string[]> {
  const names = [one, two].flatMap((pod) =>
    pod ? pod.addresses.map((address) => [address, pod.podName] as const) : [],
  );
  const text = names.reduce(
    (saved, [address, name]) => saved.replaceAll(address, name),
    await node.exec(['ipvsadm', '-Sn']),
  );
  return text.trim().split('\n').sort();
}

async function standsAs(wanted: readonly string[]): Promise<void> {
  await waitFor(
    'the table of IPVS',
    async (seen) => {
      const found = await table();
      seen(`${found.join('\n')}\n${agent.process.tail()}`);
      return found.join() === wanted.join();
    },
    { deadlineMs: 120_000, everyMs: 500 },
  );
}

const entry = (place: string, how: string, pods: readonly string[], port: number) => {
  const bracket = (name: string) => (place.includes('[') ? `[${name}]` : name);
  return [`-A ${place} ${how}`, ...pods.map((pod) => `-a ${place} -r ${bracket(pod)}:${port} -m -w 1`)];
};
const webPlaces = [
  '10.96.0.10:80',
  '198.51.100.7:80',
  '192.0.2.11:30080',
  '[fd00:96::10]:80',
  '[2001:db8:e::7]:80',
  '[2001:db8::11]:30080',
];
const wantedTable = (web: readonly string[], dns: readonly string[]) =>
  [
    ...webPlaces.flatMap((place) => entry(`-t ${place}`, '-s rr', web, 8080)),
    ...['10.96.0.11:80', '[fd00:96::11]:80'].flatMap((place) => entry(`-t ${place}`, '-s lc -p 10800', ['one'], 8080)),
    ...['10.96.0.53:53', '[fd00:96::53]:53'].flatMap((place) => entry(`-u ${place}`, '-s rr', dns, 5353)),
  ].sort();

/** Who answered `times` requests, each once. */
async function answers(from: NetNamespace, host: string, port: number, times = 4): Promise<string[]> {
  const bodies: string[] = [];
  for (let i = 0; i < times; i++) bodies.push((await from.get(host, port, '/')).body);
  return [...new Set(bodies)].sort();
}

await t.test('what ipvsadm saves', async (t) => {
  await standsAs(wantedTable(['one', 'two'], []));
  t.strictSame(await table(), wantedTable(['one', 'two'], []));
});

await t.test('addresses, their routes, rules and sets', async (t) => {
  const held = [
    '10.96.0.10',
    '10.96.0.11',
    '10.96.0.53',
    '198.51.100.7',
    '2001:db8:e::7',
    'fd00:96::10',
    'fd00:96::11',
    'fd00:96::53',
  ];
  const routes = async () =>
    (
      await Promise.all(
        ['-4', '-6'].map((family) =>
          node.ipJson<{ type: string; dst: string; prefsrc?: string }>(
            family,
            'route',
            'show',
            'table',
            'local',
            'dev',
            'kube-dummy-if',
          ),
        ),
      )
    )
      .flat()
      .filter(({ type, dst }) => type === 'local' && !dst.startsWith('fe80'))
      .map(({ dst, prefsrc }) => `${dst} from ${prefsrc}`)
      .sort();
  const wanted = held.map((address) => `${address} from ${address.includes(':') ? '2001:db8::11' : '192.0.2.11'}`);
  await waitFor(
    'the routes of the addresses',
    async (seen) => {
      const found = await routes();
      seen(`${found.join('; ')}\n${agent.process.tail()}`);
      return found.join() === wanted.join();
    },
    { deadlineMs: 60_000, everyMs: 500 },
  );
  const rules = (await node.exec(['iptables-save']))
    .split('\n')
    .filter((line) => /IPVS|ipvs|HAIRPIN|KUBE-ROUTER-SERVICES/.test(line));
  t.strictSame(rules, [
    ':KUBE-ROUTER-SERVICES - [0:0]',
    '-A INPUT -m comment --comment "handle traffic to IPVS service IPs in custom chain" -m set --match-set kube-router-svip dst -j KUBE-ROUTER-SERVICES',
    '-A KUBE-ROUTER-SERVICES -p icmp -m comment --comment "allow icmp echo requests" -m icmp --icmp-type 8 -j ACCEPT',
    '-A KUBE-ROUTER-SERVICES -p icmp -m comment --comment "allow icmp destination unreachable messages" -m icmp --icmp-type 3 -j ACCEPT',
    '-A KUBE-ROUTER-SERVICES -p icmp -m comment --comment "allow icmp time exceeded messages" -m icmp --icmp-type 11 -j ACCEPT',
    '-A KUBE-ROUTER-SERVICES -m comment --comment "allow input traffic to ipvs services" -m set --match-set kube-router-svip-prt dst,dst -j ACCEPT',
    '-A KUBE-ROUTER-SERVICES -m comment --comment "reject all unexpected traffic to service IPs" -m set ! --match-set kube-router-local-ips dst -j REJECT --reject-with icmp-port-unreachable',
    ':KUBE-ROUTER-HAIRPIN - [0:0]',
    '-A POSTROUTING -m ipvs --vdir ORIGINAL -j KUBE-ROUTER-HAIRPIN',
    '-A POSTROUTING ! -s 10.244.1.0/24 ! -d 10.244.1.0/24 -m ipvs --vdir ORIGINAL --vmethod MASQ -m comment --comment "" -j SNAT --to-source 192.0.2.11 --random-fully',
    `-A KUBE-ROUTER-HAIRPIN -s ${one.ipv4}/32 -d ${one.ipv4}/32 -m ipvs --vaddr 10.96.0.11 --vport 80 -j SNAT --to-source 10.96.0.11`,
  ]);
  const ports = (await node.exec(['ipset', 'save', 'inet6:kube-router-svip-prt']))
    .split('\n')
    .filter((line) => line.startsWith('add'));
  t.strictSame(
    ports.sort(),
    [
      '2001:db8::11,tcp:30080',
      '2001:db8:e::7,tcp:80',
      'fd00:96::10,tcp:80',
      'fd00:96::11,tcp:80',
      'fd00:96::53,udp:53',
    ].map((place) => `add inet6:kube-router-svip-prt ${place} timeout 0`),
  );
});

await t.test('clients reach it in every way', async (t) => {
  const both = ['one', 'two'];
  const ways: readonly (readonly [string, NetNamespace, string, number])[] = [
    ['node to cluster IP', node, '10.96.0.10', 80],
    ['node to cluster IP, IPv6', node, 'fd00:96::10', 80],
    ['pod to cluster IP', asking, '10.96.0.10', 80],
    ['pod to cluster IP, IPv6', asking, 'fd00:96::10', 80],
    ['outside to node port', outside, '192.0.2.11', 30080],
    ['outside to node port, IPv6', outside, '2001:db8::11', 30080],
    ['outside to external IP', outside, '198.51.100.7', 80],
    ['outside to external IP, IPv6', outside, '2001:db8:e::7', 80],
  ];
  for (const [name, from, host, port] of ways) t.strictSame(await answers(from, host, port), both, name);
  t.strictSame(await answers(one, '10.96.0.11', 80, 2), ['one'], 'a pod reaches itself through its Service');
});

await t.test('a port that is no service is refused at once', async (t) => {
  const { code, stderr } = await outside.tryExec(['bash', '-c', 'exec 3<>/dev/tcp/198.51.100.7/81']);
  t.not(code, 0);
  t.match(stderr, /Connection refused/);
});

await t.test('endpoints come and go; a client of UDP follows with its next packet', async (t) => {
  // One socket, so that all packets are one flow.
  const heard: string[] = [];
  const client = asking.spawn('client', ['bash', '-c', UDP_CLIENT], { onLine: (line) => heard.push(line) });
  const answersAre = (name: string) =>
    waitFor(
      `answers of ${name}`,
      async (seen) => {
        seen(`${heard.slice(-5).join()}\n${agent.process.tail()}`);
        return heard.slice(-3).join() === [name, name, name].join();
      },
      { deadlineMs: 60_000, everyMs: 200 },
    );
  const dns = [{ port: 5353, protocol: 'UDP' }];
  await answersAre('none');
  await writeSlices('dns', dns, [one]);
  await answersAre('node-1-one');
  await writeSlices('dns', dns, [two]);
  await answersAre('node-1-two');
  await client.stop('SIGKILL');
  const since = heard.slice(heard.indexOf('node-1-one'));
  const lost = since.filter((answer) => answer === 'none').length;
  t.comment(`| UDP: ${since.length} packets, ${lost} lost at the change of the endpoint`);
  // A packet that comes between the change of IPVS and that of connection tracking is dropped (ip_vs_core.c ip_vs_in).
  t.ok(lost <= 1, 'one packet at most is lost at the change');
  const order = since.filter((answer) => answer !== 'none').filter((answer, i, all) => answer !== all[i - 1]);
  t.strictSame(order, ['node-1-one', 'node-1-two']);
  await writeSlices('web', http, [two]);
  await standsAs(wantedTable(['two'], ['two']));
  t.strictSame(await answers(node, '10.96.0.10', 80, 3), ['two']);
});

await t.test('a restart changes nothing', async (t) => {
  await agent.stop();
  agent.start();
  await waitFor(
    'the agent to serve again',
    async (seen) => {
      seen(agent.process.tail());
      return agent.logged(['INFO'], /services are served/).length > 0;
    },
    { deadlineMs: 120_000, everyMs: 500 },
  );
  t.match(agent.logged(['INFO'], /services are served/), [/operations[=: ]+0\b/]);
  await waitFor('the agent to be ready', async () => agent.logged(['INFO'], / started/).length > 0, {
    deadlineMs: 120_000,
    everyMs: 500,
  });
  t.strictSame(agent.logged(['INFO', 'WARN', 'ERROR'], /(addresses|ipsets|rules) changed|sysctl set|timeouts set/), []);
  t.strictSame(await table(), wantedTable(['two'], ['two']));
});

await t.test('T-36: cleaning up takes what is ours, and no IPVS service of others', async (t) => {
  await agent.stop();
  await node.exec(['ipvsadm', '-A', '-t', '172.16.0.1:80']);
  const lines = await agent.cleanUp();
  t.ok(lines.includes('removed  IPVS services: tcp 10.96.0.10:80'), lines.join('\n'));
  t.ok(lines.includes('removed  IPVS services: tcp [2001:db8::11]:30080'));
  t.ok(lines.includes('removed  service addresses: kube-dummy-if'));
  t.match(lines.at(-1), /^\d+ removed, 0 failed$/);
  t.equal(await node.exec(['ipvsadm', '-Sn']), '-A -t 172.16.0.1:80 -s wlc\n');
  const left = await Promise.all([
    node.exec(['iptables-save']),
    node.exec(['ip6tables-save']),
    node.exec(['ipset', 'list', '-name']),
  ]);
  t.notMatch(left.join(), /ipvs|KUBE-ROUTER|kube-router-(svip|local-ips|lb)/);
  t.strictSame(await node.ipJson('route', 'show', 'table', 'local', 'match', '10.96.0.10'), []);
});
