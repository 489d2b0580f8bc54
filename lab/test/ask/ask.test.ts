/** The command `routelet` beside real agents and routers: its answers, its reasons, and plans that come true. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  createLab,
  KernelWatch,
  ManifestCluster,
  type NodeManifest,
  nodeManifests,
  nodeYaml,
  peersAnnotation,
  podRoutes,
  startBird,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

interface Session {
  readonly address: string;
  readonly change: string;
  readonly options: readonly string[];
  readonly announce: readonly { readonly prefix: string; readonly nextHop: string; readonly attributes: object }[];
  readonly withdraw: readonly string[];
}
interface Plan {
  readonly empty: boolean;
  readonly notes: readonly string[];
  readonly sessions: readonly Session[];
  readonly routes: readonly { readonly change: string; readonly route: string }[];
  readonly node: readonly { readonly part: string; readonly changes: readonly string[] }[];
}
interface Why {
  readonly stoppedAt?: string;
  readonly verdict: string;
  readonly destination?: string;
  readonly steps: readonly { readonly step: string; readonly text: string; readonly details: readonly string[] }[];
}
interface Neighbor {
  readonly peer: { readonly state: string };
  readonly counters: { readonly updatesSent: number; readonly established: number };
  readonly adjRibIn: readonly { readonly prefix: string; readonly attributes: object; readonly verdict: string }[];
  readonly adjRibOut: readonly { readonly prefix: string; readonly attributes: object; readonly taken: boolean }[];
}

const lab = await createLab();
const [first, ...rest] = nodeManifests(3);
if (first === undefined) throw new Error('three manifests were asked for');
const near = '192.0.2.1';
const far = '192.0.2.2';
const own: NodeManifest = {
  ...first,
  annotations: peersAnnotation([
    { remoteip: near, remoteasn: 64600 },
    { remoteip: far, remoteasn: 64601 },
  ]),
};
const cluster = await ManifestCluster.create(lab, [own, ...rest]);
watchOver(t, cluster);
const { agent, node } = cluster.member('node-1');
await node.exec(['ip', 'route', 'add', '198.51.101.0/24', 'via', '192.0.2.250', 'proto', 'static']);

const neighbors = [{ address: node.ipv4 ?? '', as: 64512 }];
const torNode = await lab.node({ name: 'near', ipv4: `${near}/24`, ipv6: '2001:db8::1/64' });
const tor = await startBird(torNode, {
  ...{ routerId: near, as: 64600, neighbors, nextHop4: near, nextHop6: '2001:db8::1' },
  announces: ['198.51.100.0/24', '198.51.101.0/24', '0.0.0.0/0'],
});
const farNode = await lab.node({ name: 'far', ipv4: `${far}/24`, ipv6: '2001:db8::2/64' });
await startBird(farNode, {
  ...{ routerId: far, as: 64601, neighbors, nextHop4: '203.0.113.9', nextHop6: '2001:db8::2' },
  announces: ['198.18.0.0/24'],
});
await cluster.folder.writeText(
  'node-4.yaml',
  'apiVersion: v1\nkind: Node\nmetadata: {name: node-4}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.14}]}\n',
);
await cluster.established();
await agent.established([near, far]);
await waitFor('the routes of the routers', async (seen) => {
  const routes = await podRoutes(node);
  seen(routes);
  return routes.some(({ dst }) => dst === '198.51.100.0/24') && routes.length === 5;
});

t.test('status, peers and routes', async (t) => {
  const status = await agent.ask<{ heartbeats: { state: string }[]; counts: Record<string, number> }>('status');
  t.match(status, { node: 'node-1', modules: ['router'], counts: { peers: 5, established: 4, nodes: 4 } });
  t.ok(status.heartbeats.length === 2 && status.heartbeats.every(({ state }) => state === 'alive'));
  const text = (await agent.routelet('status')).stdout;
  t.match(text, /^node: +node-1$/m);
  t.match(text, /route-foreign: route 198\.51\.101\.0\/24: a foreign route stands there/);
  t.match(text, /session: session with node-4 192\.0\.2\.14 is /, 'a session that is down');

  const { peers } = await agent.ask<{ peers: { address: string; name: string; state: string }[] }>('peers');
  t.strictSame(
    peers.map(({ address, name, state }) => `${address} ${name} ${state === 'Established'}`),
    [
      ...['192.0.2.1 (external) true', '192.0.2.2 (external) true'],
      ...['192.0.2.12 node-2 true', '192.0.2.13 node-3 true', '192.0.2.14 node-4 false'],
    ],
  );
  t.match((await agent.routelet('peers')).stdout, /^192\.0\.2\.12 +node-2 +64512 +ibgp +Established /m);

  const { routes } = await agent.ask<{ routes: { destination: string; state: string; peer?: string }[] }>('routes');
  t.strictSame(
    routes
      .filter(({ destination }) => !destination.includes(':'))
      .map(({ destination, state, peer }) => [destination, state, peer]),
    [
      ['10.244.2.0/24', 'programmed', 'node-2'],
      ['10.244.3.0/24', 'programmed', 'node-3'],
      ['198.18.0.0/24', 'refused', far],
      ['198.51.100.0/24', 'programmed', near],
      ['198.51.101.0/24', 'foreign', near],
    ],
  );
  t.match((await agent.routelet('routes')).stdout, /^10\.244\.2\.0\/24 +via 192\.0\.2\.12 +node-2 +programmed$/m);
});

t.test('neighbor: both tables, with what policy did', async (t) => {
  const answer = await agent.ask<Neighbor>('neighbor', near);
  t.match(answer, {
    peer: { state: 'Established', asn: 64600 },
    importPolicy: 'kube_router_import',
    exportPolicy: 'kube_router_export_external',
    timers: { holdTimeMs: 90_000 },
  });
  t.match(
    answer.adjRibIn.find(({ prefix }) => prefix === '0.0.0.0/0')?.verdict,
    /rejected by kube_router_import: statement default-routes/,
  );
  t.match(answer.adjRibIn.find(({ prefix }) => prefix === '198.51.100.0/24')?.verdict, /^accepted .*; best$/);
  t.strictSame(
    answer.adjRibOut.filter(({ taken }) => taken).map(({ prefix }) => prefix),
    own.podCIDRs,
  );
  t.match((await agent.routelet('neighbor', near)).stdout, /^import policy: +kube_router_import$/m);
  const { code, stderr } = await agent.routelet('neighbor', '192.0.2.77');
  t.equal(code, 1);
  t.match(stderr, /no session with 192\.0\.2\.77; sessions: 192\.0\.2/);
});

const reasons: readonly (readonly [about: string, stoppedAt: string | undefined, verdict: RegExp, what: string])[] = [
  ['10.244.2.7', undefined, /in place: 10\.244\.2\.0\/24 via 192\.0\.2\.12/, 'programmed'],
  ['node-2', undefined, /in place: 10\.244\.2\.0\/24/, 'by the name of the node'],
  ['198.51.100.0/24', undefined, /in place: 198\.51\.100\.0\/24 via 192\.0\.2\.1/, 'of an external peer'],
  ['10.244.1.9', undefined, /pod CIDR of this node/, 'own pods'],
  ['0.0.0.0/0', 'policy', /rejected by kube_router_import: statement default-routes/, 'filtered by import policy'],
  ['198.18.0.9', 'route', /the next hop is in no subnet of this node/, 'next hop off-subnet'],
  [
    '198.51.101.1',
    'kernel',
    /a foreign route stands there: 198\.51\.101\.0\/24 via 192\.0\.2\.250/,
    'foreign kernel route',
  ],
  ['node-4', 'node', /node node-4 has no pod CIDR/, 'node without pod CIDR'],
];

t.test('why: the step that stopped it', async (t) => {
  t.ok(reasons.length > 0);
  for (const [about, stoppedAt, verdict, what] of reasons) {
    const answer = await agent.ask<Why>('why', about);
    t.equal(answer.stoppedAt, stoppedAt, what);
    t.match(answer.verdict, verdict, what);
    t.equal(answer.steps.at(-1)?.step, stoppedAt ?? answer.steps.at(-1)?.step, 'it is the last one');
  }
  const unknown = await agent.routelet('why', '2001:db8:ffff::1');
  t.equal(unknown.code, 3, 'a route that is not in place');
  t.match(unknown.stdout, /STOP +node +no node has a pod CIDR that holds 2001:db8:ffff::1/);
  t.match(unknown.stdout, /nodes without a pod CIDR: node-4/);
  t.equal((await agent.routelet('why', '10.244.2.7')).code, 0);
  const bad = await agent.routelet('why', '10.244.2');
  t.equal(bad.code, 2);
  t.match(bad.stderr, /"10\.244\.2": expected an address, a prefix, or the name of a Node/);
});

const plans = join(lab.folder, 'plans');

/** Asks for a plan of Node manifests while the kernel and the sessions are watched: nothing may change. */
async function planOf(
  t: { strictSame(a: unknown, b: unknown, text: string): void },
  name: string,
  yaml: string,
): Promise<Plan> {
  const file = `${plans}-${name}.yaml`;
  await writeFile(file, yaml);
  const watch = await KernelWatch.start(node);
  const sent = async () => (await agent.ask<Neighbor>('neighbor', '192.0.2.12')).counters.updatesSent;
  const before = await sent();
  const plan = await agent.ask<Plan>('plan', '-f', file);
  t.strictSame(await watch.changes(), [], 'asking changes nothing in the kernel');
  t.strictSame(await sent(), before, 'and sends nothing');
  await watch.stop();
  return plan;
}

/** What a node has received from node-1. */
async function receivedAt(name: string): Promise<Map<string, object>> {
  const { adjRibIn } = await cluster.member(name).agent.ask<Neighbor>('neighbor', node.ipv4 ?? '');
  return new Map(adjRibIn.map(({ prefix, attributes }) => [prefix, attributes]));
}

t.test('plan: annotations, and then they come true', async (t) => {
  const changed: NodeManifest = {
    ...own,
    annotations: {
      ...own.annotations,
      'kube-router.io/pod-cidrs': [...own.podCIDRs, '10.244.101.0/24'].join(','),
      'kube-router.io/node.bgp.communities': '65000:100',
      'kube-router.io/path-prepend.as': '64999',
      'kube-router.io/path-prepend.repeat-n': '2',
    },
  };
  t.equal((await planOf(t, 'same', nodeYaml(own))).empty, true, 'the present manifest plans nothing');
  const plan = await planOf(t, 'annotations', nodeYaml(changed));
  const sessions = new Map(plan.sessions.map((session) => [session.address, session]));
  t.strictSame(
    sessions.get('192.0.2.12')?.announce.map(({ prefix }) => prefix),
    ['10.244.101.0/24'],
  );
  const external = sessions.get(near)?.announce ?? [];
  t.strictSame(external.map(({ prefix }) => prefix).sort(), ['10.244.1.0/24', '10.244.101.0/24', 'fd00:10:244:1::/64']);
  t.match(sessions.get(near), { change: 'updated', options: ['exportPolicy'] });
  t.ok(
    plan.node.some(({ part, changes }) => part === 'sets' && changes.some((line) => line.includes('10.244.101.0/24'))),
  );
  t.ok(plan.node.some(({ part }) => part === 'cni'));

  await cluster.folder.writeNode(changed);
  await waitFor('node-2 to have the new route', async () => (await receivedAt('node-2')).has('10.244.101.0/24'));
  t.strictSame(
    (await receivedAt('node-2')).get('10.244.101.0/24'),
    sessions.get('192.0.2.12')?.announce[0]?.attributes,
    'the attributes at the other node are those of the plan',
  );
  const learned = await waitFor('the router to have the new routes', async (seen) => {
    const routes = await tor.routes();
    seen(routes);
    return routes.length === 3 && routes.every(({ asPath }) => asPath.length === 3) && routes;
  });
  t.strictSame(
    learned.map(({ prefix, nextHop, asPath }) => [prefix, nextHop, asPath]).sort(),
    external
      .map(({ prefix, nextHop, attributes }) => {
        const { asPath } = attributes as { asPath: number[] };
        return [prefix, nextHop, asPath];
      })
      .sort(),
    'BIRD has what the plan says',
  );
  t.match(await tor.birdc('show', 'route', 'all', '10.244.1.0/24'), /BGP\.community: \(65000,100\)/);
  for (const address of [near, far, '192.0.2.12', '192.0.2.13']) {
    t.equal((await agent.ask<Neighbor>('neighbor', address)).counters.established, 1, `${address} has not reset`);
  }
  await waitFor('the plan to be empty', async () => {
    await writeFile(`${plans}-again.yaml`, nodeYaml(changed));
    return (await agent.ask<Plan>('plan', '-f', `${plans}-again.yaml`)).empty;
  });
});

t.test('plan: a node that comes, and then it comes', async (t) => {
  const manifest = nodeManifests(5)[4];
  if (manifest === undefined) throw new Error('five manifests were asked for');
  const plan = await planOf(t, 'node', nodeYaml(manifest));
  const [session] = plan.sessions;
  t.equal(plan.sessions.length, 1);
  t.match(session, { address: '192.0.2.15', name: 'node-5', change: 'added' });
  t.strictSame(plan.routes.map(({ change, route }) => `${change} ${route}`).sort(), [
    'add 10.244.5.0/24 via 192.0.2.15',
    'add fd00:10:244:5::/64 via 2001:db8::15',
  ]);
  t.match(
    plan.node.find(({ part }) => part === 'sets')?.changes.join('\n'),
    /add kube-router-pod-subnets 10\.244\.5\.0\/24[\s\S]*add kube-router-node-ips 192\.0\.2\.15/,
  );
  const text = (await agent.routelet('plan', '-f', `${plans}-node.yaml`)).stdout;
  t.match(text, /192\.0\.2\.15 node-5: starts\n +announce 10\.244\.1\.0\/24 next hop 192\.0\.2\.11/);

  await cluster.add(manifest);
  await cluster.member('node-5').agent.established([node.ipv4 ?? '']);
  const received = await waitFor('node-5 to have the routes of node-1', async (seen) => {
    const table = await receivedAt('node-5');
    seen([...table.keys()]);
    return table.size === 3 && table;
  });
  t.strictSame(
    [...received].sort(),
    session?.announce.map(({ prefix, attributes }) => [prefix, attributes]).sort(),
    'the new node gets what the plan says',
  );
  await waitFor('the planned routes in the kernel', async (seen) => {
    const routes = (await podRoutes(node)).map(({ dst, gateway }) => `add ${dst} via ${gateway}`);
    seen(routes);
    return plan.routes.every(({ change, route }) => routes.includes(`${change} ${route}`));
  });
});

t.test('plan: flags, and nodes that go', async (t) => {
  const flags = await agent.ask<Plan>('plan', '--', '--advertise-pod-cidr=false');
  t.match(flags.notes[0], /flags are read at start/);
  t.strictSame(flags.sessions.find(({ address }) => address === near)?.withdraw.toSorted(), [
    '10.244.1.0/24',
    '10.244.101.0/24',
    'fd00:10:244:1::/64',
  ]);
  t.equal(
    flags.sessions.some(({ address }) => address === '192.0.2.12'),
    false,
    'the other nodes do not notice',
  );
  const bad = await agent.routelet('plan', '--', '--bgp-port=many');
  t.equal(bad.code, 2);
  t.match(bad.stderr, /--bgp-port: bad value "many"/);
  await writeFile(`${plans}-all.yaml`, [own, ...rest.slice(0, 1)].map(nodeYaml).join('---\n'));
  const fewer = await agent.ask<Plan>('plan', '-f', `${plans}-all.yaml`, '--all');
  t.strictSame(
    fewer.sessions
      .filter(({ change }) => change === 'removed')
      .map(({ address }) => address)
      .sort(),
    ['192.0.2.13', '192.0.2.14', '192.0.2.15'],
  );
  t.ok(fewer.routes.some(({ change, route }) => change === 'remove' && route.startsWith('10.244.3.0/24')));
});

t.test('why: a peer that is down', async (t) => {
  await cluster.member('node-3').agent.stop();
  await waitFor('the route to go', async () => (await podRoutes(node)).every(({ dst }) => dst !== '10.244.3.0/24'));
  const answer = await agent.ask<Why>('why', '10.244.3.7');
  t.equal(answer.stoppedAt, 'session');
  t.match(answer.verdict, /the session with node-3 \(192\.0\.2\.13\) is (?!Established)/);
  t.match(answer.steps.at(-1)?.details.join('\n'), /it ended: /);
});

t.test('the socket is the owner’s alone, and nobody answers without an agent', async (t) => {
  const socket = node.environment['ROUTELET_SOCKET'] ?? '';
  t.equal((await stat(socket)).mode & 0o777, 0o600);
  await agent.stop('SIGKILL');
  const { code, stderr } = await agent.routelet('status');
  t.equal(code, 1);
  t.match(stderr, /no agent answers on .*: the process that made it is gone/);
  agent.start();
  await waitFor('the socket of the dead agent to be replaced', async () => (await agent.routelet('status')).code === 0);
  const second = await agent.routelet('status', '--socket', join(lab.folder, 'none.sock'));
  t.equal(second.code, 1);
  t.match(second.stderr, /there is no socket .*none\.sock/);
});
