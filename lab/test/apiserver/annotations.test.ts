/**
 * Each annotation of and those of Services that BGP reads, changed on live objects of a real API server: what
 * the table of BIRD, the external peer, makes of it, and which TCP connections of BGP are still the same ones afterwards,
 * as the column "A change touches at once" of docs/annotations.md promises. Bad values are those of the registry.
 */
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { type AnnotationRow, annotations as registry } from '../../../packages/agent/src/annotations/registry.ts';
import { createLab, type LabAgent, type LabNode, podRoutes, startAgent, startBird, waitFor } from '../../src/index.ts';
import { registerNode } from '../../src/kubernetes/node-object.ts';
import { startShippedPlane } from '../../src/kubernetes/shipped-plane.ts';

type Annotations = Readonly<Record<string, string>>;

const TOR = '10.10.0.21';
const TOR_AS = 65021;
/** An address of node a beside the one that its Node object has. */
const SECOND = '10.10.0.31';
const ANNOUNCED = ['100.64.0.0/16', '198.51.100.0/24'];

const lab = await createLab();
const { plane, kubeconfig } = await startShippedPlane(lab);
const flags = [
  '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112',
  '--service-external-ip-range=192.0.2.0/24',
  '--loadbalancer-ip-range=203.0.113.0/24',
];

const agents: LabAgent[] = [];
const podCidrs: (readonly string[])[] = [];
for (const [index, name] of ['a', 'b', 'c'].entries()) {
  const node = await lab.node({ name, ipv4: `10.10.0.${11 + index}/24`, ipv6: `fd00:10::${11 + index}/64` });
  podCidrs.push(await registerNode(plane, node));
  agents.push(startAgent(node, { kubeconfig, flags }));
}
const [a, b, c] = agents;
const [[podCidr = '', podCidr6 = ''] = [], , podCidrsOfC = []] = podCidrs;
if (!a || !b || !c) throw new Error('three nodes');
await a.node.exec(['ip', 'address', 'add', `${SECOND}/24`, 'dev', 'eth0']);
const [A = '', B = '', C = ''] = agents.map(({ node }) => node.ipv4);

const torNode = await lab.node({ name: 'tor', ipv4: `${TOR}/24`, ipv6: 'fd00:10::21/64' });
const torConfig = (
  neighbor: { password?: string; address?: string; as?: number; options?: readonly string[] } = {},
) => ({
  routerId: TOR,
  as: TOR_AS,
  neighbors: [{ address: A, as: 64512, ...neighbor }],
  announces: ANNOUNCED,
  nextHop4: TOR,
  nextHop6: 'fd00:10::21',
});
const tor = await startBird(torNode, torConfig());

t.setTimeout(0);
t.teardown(() => {
  if (!t.passing()) for (const agent of agents) t.comment(`${agent.node.name}\n${agent.process.tail(60)}`);
});

const namesOf = (object: string) =>
  Object.values<AnnotationRow>(registry).flatMap(({ object: kind, name }) => (kind === object ? [name] : []));

/** Makes these all annotations of ours that the object has, in one write. */
async function annotate(kind: 'node' | 'service', object: string, wanted: Annotations): Promise<void> {
  const cleared = Object.fromEntries(namesOf(kind === 'node' ? 'Node' : 'Service').map((name) => [name, null]));
  const patch = { metadata: { annotations: { ...cleared, ...wanted } } };
  await plane.kubectl(['patch', kind, object, '--type=merge', '-p', JSON.stringify(patch)]);
}

/** The TCP connections of a node's sessions: peer → both ports. A session that was reset has another one. */
async function sessions({ node }: { readonly node: LabNode }): Promise<Readonly<Record<string, string>>> {
  const lines = (await node.exec(['ss', '-Htn', 'state', 'established'])).trim().split('\n');
  const found = lines.flatMap((line) => {
    const ends = [...line.matchAll(/(?:::ffff:)?([\d.]+)\]?:(\d+)/g)].map(([, address, port]) => ({ address, port }));
    const [own, peer] = ends;
    const bgp = [own?.port, peer?.port].some((port) => port === '179' || port === '1790');
    return bgp && peer?.address !== undefined ? [[peer.address, `${own?.port}-${peer.port}`] as const] : [];
  });
  return Object.fromEntries(found.sort());
}

async function settled(agent: LabAgent, peers: readonly string[]): Promise<Readonly<Record<string, string>>> {
  await agent.established(peers, 60_000);
  return waitFor(`sessions of ${agent.node.name} with ${peers.join(', ') || 'nobody'}, and no other`, async (seen) => {
    const found = await sessions(agent);
    seen(`${JSON.stringify(found)}\n${agent.process.tail()}`);
    return isDeepStrictEqual(Object.keys(found), [...peers].sort()) && found;
  });
}

/** What BIRD says of a prefix. */
const atTor = (prefix: string, holds: RegExp) =>
  waitFor(
    `${holds} of ${prefix} at BIRD`,
    async (seen) => {
      const text = await tor.birdc('show', 'route', 'all', prefix).catch(String);
      seen(`${text}\n${a.process.tail()}`);
      return holds.test(text);
    },
    { deadlineMs: 60_000 },
  );
const prefixesAtTor = (holds: (prefixes: readonly string[]) => boolean) =>
  waitFor(
    'the prefixes at BIRD',
    async (seen) => {
      const prefixes = (await tor.routes()).map(({ prefix }) => prefix);
      seen(`${prefixes.join(' ')}\n${a.process.tail()}`);
      return holds(prefixes);
    },
    { deadlineMs: 60_000 },
  );
const kernelOf = ({ node }: LabAgent, wanted: readonly string[], unwanted: readonly string[] = []) =>
  waitFor(`routes of ${node.name} to ${wanted.join(', ')}`, async (seen) => {
    const routes = (await podRoutes(node)).map(({ dst }) => dst);
    seen(routes.join(' '));
    return wanted.every((prefix) => routes.includes(prefix)) && !unwanted.some((prefix) => routes.includes(prefix));
  });

const base: Annotations = { 'kube-router.io/peers': `[{remoteip: ${TOR}, remoteasn: ${TOR_AS}}]` };
const peerWith = (keys: string): Annotations => ({
  'kube-router.io/peers': `[{remoteip: ${TOR}, remoteasn: ${TOR_AS}, ${keys}}]`,
});
const older: Annotations = { 'kube-router.io/peer.ips': TOR, 'kube-router.io/peer.asns': `${TOR_AS}` };

interface Change {
  readonly what: string;
  readonly annotations: Annotations;
  /** What the router has to be for it. */
  readonly router?: ReturnType<typeof torConfig>;
  readonly outcome: () => Promise<unknown>;
  /** Peers of node a whose sessions start again; none when left out. */
  readonly restarts?: readonly string[];
}

const plain = () => atTor(podCidr, /as_path: 64512\n(?!.*community)/);
const absent = () => atTor(podCidr, /not found|not in table/);
const changes: readonly Change[] = [
  { what: 'A-5: no peers', annotations: {}, outcome: absent, restarts: [TOR] },
  { what: 'A-5: a peer', annotations: base, outcome: plain, restarts: [TOR] },
  {
    what: 'A-5: another policy of the peer',
    annotations: peerWith('communities: ["65000:9"]'),
    outcome: () => atTor(podCidr, /community: \(65000,9\)\n/),
  },
  {
    what: 'A-5: another hold time of the peer',
    annotations: peerWith('holdTime: 30s'),
    outcome: () =>
      waitFor('the hold time at BIRD', async (seen) => {
        const text = await tor.birdc('show', 'protocols', 'all', `node_${A.replaceAll('.', '_')}`);
        seen(text);
        return /Hold timer:\s+[\d.]+\/30\b/.test(text);
      }),
    restarts: [TOR],
  },
  { what: 'A-5: the peer as before', annotations: base, outcome: plain, restarts: [TOR] },
  {
    what: 'A-2: communities',
    annotations: { ...base, 'kube-router.io/node.bgp.communities': '65000:100,no-export' },
    outcome: () => atTor(podCidr, /community: \(65000,100\) \(65535,65281\)\n/),
  },
  {
    what: 'A-4: path prepend',
    annotations: { ...base, 'kube-router.io/path-prepend.as': '65001', 'kube-router.io/path-prepend.repeat-n': '3' },
    outcome: () => atTor(podCidr, /as_path: 64512 65001 65001 65001\n/),
  },
  {
    what: 'A-4: how often',
    annotations: { ...base, 'kube-router.io/path-prepend.as': '65001', 'kube-router.io/path-prepend.repeat-n': '1' },
    outcome: () => atTor(podCidr, /as_path: 64512 65001\n/),
  },
  {
    what: 'A-3: import reject',
    annotations: { ...base, 'kube-router.io/node.bgp.customimportreject': '198.51.0.0/16' },
    outcome: () => kernelOf(a, ['100.64.0.0/16'], ['198.51.100.0/24']),
  },
  { what: 'A-2 to A-4 gone', annotations: base, outcome: () => plain().then(() => kernelOf(a, ANNOUNCED)) },
  {
    what: 'A-11: pod CIDRs',
    annotations: { ...base, 'kube-router.io/pod-cidrs': '10.244.101.0/24,fd00:10:244:65::/64' },
    outcome: async () => {
      const wanted = ['10.244.101.0/24', 'fd00:10:244:65::/64'];
      await prefixesAtTor((found) => wanted.every((prefix) => found.includes(prefix)) && !found.includes(podCidr));
      await kernelOf(b, wanted, [podCidr, podCidr6]);
    },
  },
  {
    what: 'A-11: the older form, which wins',
    annotations: {
      ...base,
      'kube-router.io/pod-cidr': '10.244.102.0/24',
      'kube-router.io/pod-cidrs': '10.244.101.0/24,fd00:10:244:65::/64',
    },
    outcome: async () => {
      await prefixesAtTor((found) => found.includes('10.244.102.0/24') && !found.includes('10.244.101.0/24'));
      await kernelOf(b, ['10.244.102.0/24'], ['10.244.101.0/24', 'fd00:10:244:65::/64']);
    },
  },
  { what: 'A-11: gone', annotations: base, outcome: () => plain().then(() => kernelOf(b, [podCidr, podCidr6])) },
  { what: 'A-6: the same peer in the older form', annotations: older, outcome: plain },
  {
    what: 'A-6: a port',
    annotations: { ...older, 'kube-router.io/peer.ports': '1790' },
    router: torConfig({ options: [`local ${TOR} port 1790 as ${TOR_AS};`, 'passive on;'] }),
    outcome: async () => {
      await plain();
      await waitFor('the session to the port', async () => (await sessions(a))[TOR]?.endsWith('-1790'));
    },
    restarts: [TOR],
  },
  {
    what: 'A-6: a password',
    annotations: { ...older, 'kube-router.io/peer.passwords': 'c2VjcmV0' },
    router: torConfig({ password: 'secret' }),
    outcome: async () => {
      await plain();
      await waitFor('the kernel to sign', async () =>
        /md5keys:\S*10\.10\.0\.21/.test(await a.node.exec(['ss', '-tin'])),
      );
    },
    restarts: [TOR],
  },
  {
    what: 'A-6: an own address',
    annotations: { ...older, 'kube-router.io/peer.localips': SECOND },
    router: torConfig({ address: SECOND, options: ['passive on;'] }),
    outcome: () =>
      atTor(podCidr, new RegExp(`from ${SECOND.replaceAll('.', '\\.')}|via ${SECOND.replaceAll('.', '\\.')}`)),
    restarts: [TOR],
  },
  { what: 'A-6: gone', annotations: base, router: torConfig(), outcome: plain, restarts: [TOR] },
  {
    what: 'A-10: where BGP listens',
    annotations: { ...base, 'kube-router.io/bgp-local-addresses': SECOND },
    outcome: async () => {
      await waitFor('the listener', async (seen) => {
        const text = await a.node.exec(['ss', '-Htln', 'sport = :179']);
        seen(text);
        return text.includes(`${SECOND}:179`) && !text.includes(`${A}:179`);
      });
      await plain();
    },
    restarts: [TOR, B, C],
  },
  { what: 'A-10: gone', annotations: base, outcome: plain, restarts: [TOR, B, C] },
  {
    what: 'A-1: an AS number in a full mesh',
    annotations: { ...base, 'kube-router.io/node.asn': '65001', 'kube-router.io/node.bgp.communities': '65000:1' },
    outcome: () => atTor(podCidr, /as_path: 64512\n[\s\S]*community: \(65000,1\)\n/),
  },
  { what: 'A-1: gone', annotations: base, outcome: plain },
];

/** Sessions of before that are no longer the same connection. */
const restarted = (before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>) =>
  Object.keys(before).filter((peer) => before[peer] !== after[peer]);

t.test('the cluster and the router', async () => {
  await annotate('node', 'a', base);
  await settled(a, [TOR, B, C]);
  await settled(b, [A, C]);
  await plain();
});

t.test('each annotation of a live Node does what it promises, and touches no other session', async (t) => {
  let before = await settled(a, [TOR, B, C]);
  for (const { what, annotations, router, outcome, restarts = [] } of changes) {
    if (router) await tor.configure(router);
    await annotate('node', 'a', annotations);
    await outcome();
    const peers = Object.keys(annotations).some((name) => /\/peers$|\/peer\.ips$/.test(name)) ? [TOR, B, C] : [B, C];
    const after = await settled(a, peers);
    t.strictSame(restarted({ [TOR]: 'none', ...before }, after).sort(), [...restarts].sort(), what);
    before = after;
  }
});

t.test('a bad value of each is named with what was expected; what is announced and all sessions stay', async (t) => {
  const rows = Object.values<AnnotationRow>(registry).filter(
    ({ object, bad }) => object === 'Node' && bad !== undefined,
  );
  t.ok(rows.length > 0);
  const before = await settled(a, [TOR, B, C]);
  for (const { name, bad = '', beside = {} } of rows) {
    const from = a.process.lines.length;
    // Peers of the older form are looked at only without the newer one; the last good ones stay.
    const good = name.includes('/peer.') ? {} : base;
    await annotate('node', 'a', { ...good, ...beside, [name]: bad });
    const line = await waitFor(`a line of ${name}`, (seen) => {
      seen(a.process.lines.slice(from).join('\n'));
      const named = new RegExp(
        ` (?:WARN|ERROR) .*node a: annotation ${name.replaceAll('.', '\\.')}(?: at \\S+)?: got `,
      );
      return a.process.lines.slice(from).find((text) => named.test(text));
    });
    t.match(line, /expected/, line.slice(line.indexOf('node a')));
    // A list of pod CIDRs without its bad entry is a list of none.
    await (name === registry.podCidrs.name ? absent() : plain());
    t.strictSame(await settled(a, [TOR, B, C]), before, `${name}: every session is the same one`);
    await annotate('node', 'a', base);
    await waitFor(`the end of ${name}`, () =>
      a.process.lines.slice(from).some((text) => text.includes('no longer: ') && text.includes(name)),
    );
  }
});

t.test('A-9: reflectors and clients, changed live', async (t) => {
  const before = { a: await settled(a, [TOR, B, C]), b: await settled(b, [A, C]) };
  await annotate('node', 'a', { ...base, 'kube-router.io/rr.server': '42' });
  await waitFor('the sessions of a to start again', async () => restarted(before.a, await sessions(a)).length === 3);
  const server = await settled(a, [TOR, B, C]);
  t.strictSame(restarted(before.a, server).sort(), [B, C, TOR].sort(), 'rr.server of the own node: all sessions');
  t.strictSame(restarted(before.b, await settled(b, [A, C])), [A], 'of another node: the session with it');

  await annotate('node', 'b', { 'kube-router.io/rr.client': '42' });
  await settled(b, [A]);
  await settled(c, [A]);
  await kernelOf(b, podCidrsOfC);
  await kernelOf(c, podCidrs[1] ?? []);
  t.pass('rr.client: the client has one session and every route');
  const client = await settled(a, [TOR, B, C]);
  t.strictSame(
    restarted(server, client).filter((peer) => peer !== B),
    [],
    'the other sessions of the reflector go on',
  );

  await annotate('node', 'b', { 'kube-router.io/rr.client': '43' });
  await settled(b, []);
  t.strictSame(restarted(client, await settled(a, [TOR, C])), [B], 'another cluster id: no session');

  await annotate('node', 'b', {});
  const meshed = await settled(b, [A, C]);
  await annotate('node', 'a', base);
  await waitFor('the sessions of a to start again', async () => restarted(client, await sessions(a)).length === 3);
  await settled(a, [TOR, B, C]);
  t.strictSame(restarted(meshed, await settled(b, [A, C])), [A], 'without a reflector: a full mesh again');
});

const endpointsOn = (nodeName: string) =>
  (
    [
      ['IPv4', '10.244.200.9'],
      ['IPv6', 'fd00:10:244:c8::9'],
    ] as const
  ).map(([addressType, address]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `web-${addressType.toLowerCase()}`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType,
    endpoints: [{ addresses: [address], nodeName, conditions: { ready: true } }],
    ports: [{ name: '', port: 80 }],
  }));

t.test('each annotation of a live Service that BGP reads; bad ones too', async (t) => {
  await plane.apply(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        type: 'LoadBalancer',
        ipFamilyPolicy: 'RequireDualStack',
        externalIPs: ['192.0.2.50'],
        ports: [{ port: 80 }],
      },
    },
    ...endpointsOn('b'),
  );
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } });
  await plane.kubectl(['patch', 'service', 'web', '--subresource=status', '-p', status]);
  const { spec } = await plane.get<{ spec: { clusterIPs: readonly [string, string] } }>('service', 'web');
  const [cluster4, cluster6] = spec.clusterIPs;
  const before = { a: await settled(a, [TOR, B, C]), b: await settled(b, [A, C]) };
  const announced = (...wanted: readonly string[]) =>
    prefixesAtTor((found) =>
      isDeepStrictEqual(found.filter((prefix) => /\/(32|128)$/.test(prefix)).sort(), [...wanted].sort()),
    );
  const name = (word: string) => `kube-router.io/service.${word}`;
  const external = { [name('advertise.externalip')]: 'true' };
  const balanced = { [name('advertise.loadbalancerip')]: 'true' };
  const good: readonly (readonly [what: string, annotations: Annotations, outcome: () => Promise<unknown>])[] = [
    ['nothing', {}, () => announced()],
    ['cluster IPs', { [name('advertise.clusterip')]: 'true' }, () => announced(`${cluster4}/32`, `${cluster6}/128`)],
    ['external IPs', external, () => announced('192.0.2.50/32')],
    ['load balancer IPs', balanced, () => announced('203.0.113.9/32')],
    ['load balancer IPs skipped', { ...balanced, [name('skiplbips')]: '' }, () => announced()],
    [
      'external and load balancer IPs',
      { ...external, ...balanced },
      () => announced('192.0.2.50/32', '203.0.113.9/32'),
    ],
    ['the endpoint is on another node', { ...external, [name('local')]: 'true' }, () => announced()],
    [
      'communities',
      { ...external, [name('bgp.communities')]: '65000:80' },
      () => atTor('192.0.2.50/32', /community: \(65000,80\)\n/),
    ],
    ['no communities', external, () => atTor('192.0.2.50/32', /BGP\.origin(?![\s\S]*community)/)],
  ];
  const rows = Object.values<AnnotationRow>(registry).filter(({ effect }) => effect.startsWith('announcements of its'));
  const used = new Set(good.flatMap(([, annotations]) => Object.keys(annotations)));
  t.strictSame(
    rows.map((row) => row.name).filter((row) => !used.has(row)),
    [],
    'none is left out',
  );
  for (const [what, annotations, outcome] of good) {
    await annotate('service', 'web', annotations);
    await outcome();
    t.strictSame(await settled(a, [TOR, B, C]), before.a, what);
  }

  const bads = rows.filter(({ bad }) => bad !== undefined);
  t.ok(bads.length > 0);
  for (const { name: annotation, bad = '' } of bads) {
    const from = a.process.lines.length;
    await annotate('service', 'web', { ...external, [annotation]: bad });
    await waitFor(`a line of ${annotation}`, (seen) => {
      seen(a.process.lines.slice(from).join('\n'));
      return a.process.lines
        .slice(from)
        .some((line) => / (?:WARN|ERROR) .*service default\/web\b.*expected/.test(line) && line.includes(annotation));
    });
    await announced(...(annotation in external ? [] : ['192.0.2.50/32']));
    t.strictSame(await settled(a, [TOR, B, C]), before.a, `${annotation}: ${JSON.stringify(bad)}`);
  }
  t.strictSame(await sessions(b), before.b, 'and none of another node');
  await plane.kubectl(['delete', 'service', 'web']);
  await announced();
});

t.test('A-12: peers of flags, and the annotation is not looked at', async (t) => {
  await a.stop();
  a.start({ flags: [...flags, `--peer-router-ips=${TOR}`, `--peer-router-asns=${TOR_AS}`] });
  await annotate('node', 'a', peerWith('communities: ["65000:9"]'));
  await settled(a, [TOR, B, C]);
  await plain();
  t.pass('the peer of the flags has no communities');
});

t.test('A-1: with --nodes-full-mesh=false the AS number says who has a session', async (t) => {
  const asn = (value: string) => ({ 'kube-router.io/node.asn': value });
  await tor.configure(torConfig({ as: 65001 }));
  for (const agent of agents) await agent.stop();
  await annotate('node', 'a', { ...base, ...asn('65001') });
  await annotate('node', 'b', asn('0xfde9'));
  await annotate('node', 'c', asn('65002'));
  for (const agent of agents) agent.start({ flags: [...flags, '--nodes-full-mesh=false'] });
  const before = { a: await settled(a, [TOR, B]), b: await settled(b, [A]) };
  await settled(c, []);
  await atTor(podCidr, /as_path: 65001\n/);

  await annotate('node', 'c', asn('65001'));
  const all = await settled(a, [TOR, B, C]);
  t.strictSame(restarted(before.a, all), [], 'of another node: the session with it');
  t.strictSame(restarted(before.b, await settled(b, [A, C])), []);

  const from = c.process.lines.length;
  await annotate('node', 'c', asn('0'));
  await waitFor('the bad number', (seen) => {
    seen(c.process.lines.slice(from).join('\n'));
    return c.process.lines.slice(from).some((line) => /node c\b.*node\.asn.*expected/.test(line));
  });
  await settled(c, []);
  t.strictSame(restarted(all, await settled(a, [TOR, B])), [C], 'without a good one the node has no sessions');

  await annotate('node', 'c', asn('65002'));
  await tor.configure(torConfig({ as: 65002 }));
  await annotate('node', 'a', { ...base, ...asn('65002') });
  await settled(a, [TOR, C]);
  await settled(b, []);
  await atTor(podCidr, /as_path: 65002\n/);
  t.pass('of the own node: all sessions');
});

t.test('no annotation of a Node is left out', async (t) => {
  const used = new Set(changes.flatMap(({ annotations }) => Object.keys(annotations)));
  for (const name of ['kube-router.io/rr.server', 'kube-router.io/rr.client']) used.add(name);
  t.strictSame(
    namesOf('Node').filter((name) => !used.has(name)),
    [],
  );
});
