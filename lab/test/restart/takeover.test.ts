/**
 * T-8 and T-9: a node changes from kube-router to this agent and back. What kube-router leaves in the kernel is made anew
 * by `ip`, `ipset` and `iptables`, each line with the ID of what it stands for. And a node that was switched off: its kernel
 * is empty, its files are not.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  createLab,
  KernelWatch,
  type LabAgent,
  type LabNode,
  lossTable,
  ManifestFolder,
  type NodeManifest,
  nodeManifests,
  type PingLoss,
  pingLoss,
  podRoutes,
  startAgent,
  waitFor,
  waysBetween,
} from '../../src/index.ts';

t.setTimeout(0);

const lab = await createLab();
const manifests = nodeManifests(2);
const folder = await ManifestFolder.create(join(lab.folder, 'manifests'));
const nodes: LabNode[] = [];
for (const manifest of manifests) {
  const [ipv4, ipv6] = manifest.addresses;
  nodes.push(await lab.node({ name: manifest.name, ipv4: `${ipv4}/24`, ipv6: `${ipv6}/64` }));
  await folder.writeNode(manifest);
}
const [first, second] = nodes;
const [one, two] = manifests;
if (!first || !second || !one || !two) throw new Error('two nodes were asked for');

const families = [
  { command: 'iptables', set: '', type: 'family inet', index: 0 },
  { command: 'ip6tables', set: 'inet6:', type: 'family inet6', index: 1 },
] as const;

/** Commands of kube-router's start on a node: all of them can be given again, as a start on its own state does. */
function originalStart(own: NodeManifest, other: NodeManifest): string {
  const each = families.flatMap(({ command, set, type, index }) => {
    const pods = `${set}kube-router-pod-subnets`;
    const ips = `${set}kube-router-node-ips`;
    const forward = (rule: string, comment: string, at: '-i' | '-o') => {
      const words = `FORWARD -m comment --comment "${comment}" ${at} ${rule} -j ACCEPT`;
      return `${command} -C ${words} 2>/dev/null || ${command} -I ${words}`;
    };
    const egress = `POSTROUTING -m set --match-set ${pods} src -m set ! --match-set ${pods} dst -m set ! --match-set ${ips} dst -j MASQUERADE --random-fully`;
    const list = (name: string, entries: readonly (string | undefined)[]) =>
      entries.map((entry) => `ipset add -exist ${name} ${entry} timeout 0`);
    const [cidr = '', remote = ''] = [own.podCIDRs[index], other.podCIDRs[index]];
    const ip = index === 0 ? 'ip' : 'ip -6';
    return [
      // K-2, K-3: with the parameters that the original asks for; another type under the name would be an error.
      `ipset create -exist ${pods} hash:net ${type} timeout 0`,
      ...list(pods, [cidr, remote]),
      `ipset create -exist ${ips} hash:ip ${type} timeout 0`,
      ...list(ips, [own.addresses[index], other.addresses[index]]),
      // K-1: inserted in this order, so that the last one stands first.
      forward('kube-bridge', 'allow outbound traffic from pods', '-i'),
      forward('kube-bridge', 'allow inbound traffic to pods', '-o'),
      forward('eth0', 'allow outbound node port traffic on node interface with which node ip is associated', '-o'),
      // K-4, current form.
      `${command} -t nat -C ${egress} 2>/dev/null || ${command} -t nat -A ${egress}`,
      // B-61, B-66.
      `${ip} route replace ${remote} via ${other.addresses[index]} dev eth0 proto 17`,
      // B-74.
      `${ip} rule show | grep -q 'from ${cidr} lookup' || ${ip} rule add from ${cidr} lookup 77`,
    ];
  });
  return [
    'set -e',
    // C-4: made when missing.
    'ip link show kube-bridge >/dev/null 2>&1 || { ip link add kube-bridge type bridge; ip link set kube-bridge up; }',
    // C-7.
    'for i in iptables ip6tables; do echo 1 > /proc/sys/net/bridge/bridge-nf-call-$i; done',
    ...each,
  ].join('\n');
}

/** C-2: the pod CIDRs as the original writes them. */
async function originalCni(node: LabNode, { podCIDRs }: NodeManifest): Promise<void> {
  const conf = JSON.parse(await readFile(node.cniConfFile, 'utf8'));
  conf.plugins[0].ipam.ranges = podCIDRs.map((subnet) => [{ subnet }]);
  conf.plugins[0].mtu = 1500;
  await writeFile(node.cniConfFile, JSON.stringify(conf));
}

/** All that the original would find, as the system's programs show it; counters and random numbers left out. */
async function standing(node: LabNode): Promise<string> {
  const dump = `for i in iptables ip6tables; do $i -S FORWARD; $i -t nat -S POSTROUTING; done
    ipset save | sort
    for i in 4 6; do ip -$i rule show | sed 's/^[0-9]*://'; ip -$i route show proto 17; done
    ip -o link show kube-bridge | sed 's/ qdisc.*//; s/^[0-9]*//'
    grep kube-router /etc/iproute2/rt_tables /usr/share/iproute2/rt_tables 2>/dev/null | sort -u`;
  return (await node.exec(['sh', '-c', dump])).replaceAll(/ initval \S+/g, '');
}

/** With graceful restart the other nodes keep the routes to one that changes its program. */
function start(node: LabNode): LabAgent {
  return startAgent(node, { manifests: folder.path, flags: ['--bgp-graceful-restart'] });
}

const others = (node: LabNode) => nodes.filter((other) => other !== node).map(({ ipv4 = '' }) => ipv4);

/** Resolves when all agents have sessions and routes, and all they would drop of an earlier life is dropped. */
async function settled(agents: readonly LabAgent[]): Promise<void> {
  for (const agent of agents) {
    await agent.established(others(agent.node), 90_000);
    await waitFor(`the routes of ${agent.node.name}`, async (seen) => {
      const routes = await podRoutes(agent.node);
      seen(`${JSON.stringify(routes)}\n${agent.process.tail()}`);
      return routes.length === 2;
    });
    await agent.process.waitForLine(/ started /);
  }
}

const rows: [string, PingLoss][] = [];
const rtTables = ['/etc/iproute2/rt_tables', '/usr/share/iproute2/rt_tables', '/usr/lib/iproute2/rt_tables'];

// B-74: the first one that there is.
await first.exec([
  'sh',
  '-c',
  `for i in ${rtTables.join(' ')}; do [ -f $i ] && { echo '77 kube-router' >> $i; break; }; done`,
]);
for (const [node, own, other] of [
  [first, one, two],
  [second, two, one],
] as const) {
  await node.exec(['sh', '-c', originalStart(own, other)]);
  await originalCni(node, own);
}
const pods = [await first.addPod('web'), await second.addPod('web')] as const;
const ways = waysBetween(...pods);
await waitFor('the pods to reach each other', async () => {
  for (const { from, to } of ways) if (!(await from.ping(to))) return false;
  return true;
});
const original = await standing(first);
/** K-4: forms of earlier versions, which its own start deletes. */
const historical = families.map(
  ({ command, set }) =>
    `${command} -t nat -A POSTROUTING -m set --match-set ${set}kube-router-pod-subnets src -m set ! --match-set ${set}kube-router-pod-subnets dst -j MASQUERADE`,
);
for (const rule of historical) await first.exec(['sh', '-c', rule]);
let agents: LabAgent[] = [];
t.teardown(() => {
  if (!t.passing()) for (const agent of agents) t.comment(agent.process.tail(60));
});

await t.test('T-8: started where the original ran, nothing is lost, and only what is too much goes', async (t) => {
  const watch = await KernelWatch.start(first);
  const loss = await pingLoss(ways, async () => {
    agents = nodes.map(start);
    await settled(agents);
  });
  rows.push(['kube-router, then this agent', loss]);
  t.equal(loss.ways, 4);
  t.equal(loss.lost, 0);
  const changes = await watch.changes();
  await watch.stop();
  t.same(
    changes.filter((line) => line.startsWith('[')),
    [],
    'no route, rule, address or link was touched',
  );
  t.match(changes, [/^delete rule ip nat POSTROUTING/, /^delete rule ip6 nat POSTROUTING/], 'K-4: historical forms go');
  t.equal(changes.length, historical.length);
  t.equal(await standing(first), original, 'the rest is as the original made it');
});

await t.test('T-9: the original starts where this agent ran, and finds its own', async (t) => {
  const loss = await pingLoss(ways, async () => {
    for (const agent of agents) await agent.stop();
    await first.exec(['sh', '-c', originalStart(one, two)]);
  });
  rows.push(['this agent, then kube-router', loss]);
  t.equal(loss.lost, 0);
  t.equal(await standing(first), original);
  const conf = JSON.parse(await readFile(first.cniConfFile, 'utf8'));
  t.same(
    conf.plugins[0].ipam.ranges,
    one.podCIDRs.map((subnet) => [{ subnet }]),
    'C-2',
  );
});

await t.test('a node that was switched off: an empty kernel, leases and state of before', async (t) => {
  const [old] = pods;
  await first.exec([
    'sh',
    '-c',
    `ip link del kube-bridge; ip -4 route flush proto 17; ip -6 route flush proto 17
    for i in 4 6; do ip -$i rule del lookup 77; done
    for i in iptables ip6tables; do $i -F; $i -t nat -F; done; ipset destroy`,
  ]);
  const lease = join(first.folder, 'ipam', 'mynet', old.ipv4 ?? '');
  t.ok(await readFile(lease, 'utf8'), 'the lease of a pod that is no more');
  agents = nodes.map(start);
  await settled(agents);
  await waitFor('the same state as before', async (seen) => {
    const found = await standing(first);
    seen(`${found}\n--- wanted\n${original}`);
    // The bridge is up with its first pod.
    return found.replaceAll(/kube-bridge: <.*/g, '') === original.replaceAll(/kube-bridge: <.*/g, '');
  });
  const pod = await first.addPod('again');
  t.not(pod.ipv4, old.ipv4, 'a leased address is not given again');
  const [, far] = pods;
  for (const address of far.addresses) t.ok(await pod.ping(address, 5), `ping ${address}`);
});

await t.test('a state file of a version that is not known is named, and nothing is taken by it', async (t) => {
  const [agent] = agents;
  if (!agent) throw new Error('the agents run');
  const before = await standing(first);
  await agent.stop();
  await mkdir(join(first.folder, 'state'), { recursive: true });
  await writeFile(join(first.folder, 'state', 'routes.json'), '{"version":99,"routes":{}}\n');
  agent.start();
  await settled([agent]);
  t.equal(agent.logged(['WARN', 'ERROR'], /routes\.json.*version 99/).length, 1, agent.process.tail());
  t.equal(await standing(first), before);
});

t.test('the table', async (t) => {
  for (const line of lossTable(rows)) t.comment(line);
  t.equal(rows.length, 2);
});
