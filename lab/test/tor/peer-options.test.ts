/**
 * The session options of one external peer, changed on a live node: BFD, TTL security, filters, communities and limits
 * with BIRD at the other end, and each annotation beside them. What needs no new session leaves the session's age alone.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  createLab,
  ManifestCluster,
  nodeManifests,
  podRoutes,
  startBird,
  type TorConfig,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const TOR = '192.0.2.1';
const PASSWORD = 'between the nodes';

const lab = await createLab();
const passwordFile = join(lab.folder, 'mesh-password');
await writeFile(passwordFile, PASSWORD);
const cluster = await ManifestCluster.create(lab, nodeManifests(2, ['ipv4']), {
  flags: [
    `--mesh-password-file=${passwordFile}`,
    '--mesh-holdtime=9s',
    '--bgp-graceful-restart',
    '--bgp-graceful-restart-time=77s',
    '--bgp-long-lived-stale-time=1h',
    // Changes of a peer that touch no session are told of at this level.
    '--v=1',
  ],
});
watchOver(t, cluster);
const { node, agent, manifest } = cluster.member('node-1');

const torNode = await lab.node({ name: 'tor', ipv4: `${TOR}/24`, forwarding: true });
/** `options` of BIRD's session with node-1. */
const torConfig = (options: readonly string[], announces: readonly string[]): TorConfig => ({
  routerId: TOR,
  as: 64600,
  nextHop4: TOR,
  neighbors: [{ address: node.ipv4 ?? '', as: 64512, options }],
  announces,
  protocols: ['protocol bfd { interface "*" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }; }'],
});
const PREFIXES = ['198.51.100.0/24', '198.51.100.64/28', '203.0.113.0/24'];
const SECURED = ['ttl security on;'];
const tor = await startBird(torNode, torConfig([], PREFIXES));

const BFD = 'bfd: {enabled: true, desired_min_tx_interval: 100, required_min_rx_interval: 100}';
const base = `remoteip: ${TOR}, remoteasn: 64600, ttlSecurity: 1`;
const annotate = (peers: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  cluster.folder.writeNode({
    ...manifest,
    annotations: { 'kube-router.io/peers': peers.map((keys) => `- {${keys}}`).join('\n'), ...more },
  });
const said = (line: RegExp, from: number) =>
  waitFor(`a line ${line} of the agent`, (seen) => {
    seen(agent.process.tail());
    return agent.process.lines.slice(from).find((text) => line.test(text));
  });
const kernel = async () => (await podRoutes(node)).flatMap(({ dst, gateway }) => (gateway === TOR ? [dst] : [])).sort();
const kernelIs = (wanted: readonly string[]) =>
  waitFor(`the routes ${wanted.join(' ')} in the kernel`, async (seen) => {
    const routes = await kernel();
    seen(`${routes.join(' ')}\n${agent.process.tail()}`);
    return routes.join() === [...wanted].sort().join();
  });
/** What BIRD says of the node's pod CIDR. */
const atTor = (holds: RegExp) =>
  waitFor(`${holds} at BIRD`, async (seen) => {
    const text = await tor.birdc('show', 'route', 'all', '10.244.1.0/24').catch(String);
    seen(`${text}\n${agent.process.tail()}`);
    return holds.test(text) && text;
  });
const established = () =>
  waitFor('the session with BIRD', async (seen) => {
    const state = await tor.sessionState(node.ipv4 ?? '');
    seen(`${state}\n${agent.process.tail()}\n${tor.process.tail()}`);
    return state === 'established';
  });

await t.test('the mesh comes up with the password of the file', async (t) => {
  await cluster.established();
  t.match(await node.exec(['ss', '-tin']), /md5keys:\S*192\.0\.2\.12/, 'the kernel signs for the other node');
});

await t.test('TTL security: packets of a router that does not send 255 are dropped', async (t) => {
  const drops = async () => {
    const [names = '', values = ''] = (await node.exec(['cat', '/proc/net/netstat'])).split('\n');
    return Number(values.split(' ')[names.split(' ').indexOf('TCPMinTTLDrop')]);
  };
  const before = await drops();
  await annotate([base]);
  await waitFor('the kernel to drop packets by their TTL', async (seen) => {
    const now = await drops();
    seen(`${now}\n${agent.process.tail()}`);
    return now > before;
  });
  t.not(await tor.sessionState(node.ipv4 ?? ''), 'established');
  // The connection whose answers were dropped would wait for an OPEN for minutes: the peer is set up anew.
  const from = agent.process.lines.length;
  await annotate([]);
  await said(/peer removed.*192\.0\.2\.1\b/, from);
  await tor.configure(torConfig(['bfd on;', ...SECURED], PREFIXES));
  await annotate([base]);
  await established();
  await kernelIs(PREFIXES);
});

await t.test('BFD: up, and a dead path ends the session long before its hold time', async (t) => {
  await annotate([`${base}, ${BFD}`]);
  await waitFor('BFD at BIRD', async (seen) => {
    const text = await tor.birdc('show', 'bfd', 'sessions');
    seen(text);
    return /192\.0\.2\.11\s+\S+\s+Up/.test(text);
  });
  const from = agent.process.lines.length;
  const start = performance.now();
  await torNode.exec(['ip', 'link', 'set', 'eth0', 'down']);
  t.match(await said(/session lost/, from), /BFD/);
  t.comment(`| BFD: session ended ${Math.round(performance.now() - start)} ms after the link of the router went down`);
  await kernelIs([]);
  await torNode.exec(['ip', 'link', 'set', 'eth0', 'up']);
  await established();
  await kernelIs(PREFIXES);
  // BFD as fast as this sees failures that are none on a busy machine, so it goes: first at BIRD, which takes our going for
  // a failure (RFC 5882 §3.2 does not).
  const afterwards = agent.process.lines.length;
  await tor.configure(torConfig(SECURED, PREFIXES));
  await waitFor('no BFD at BIRD', async (seen) => {
    const text = await tor.birdc('show', 'bfd', 'sessions');
    seen(text);
    return !text.includes('192.0.2.11');
  });
  await annotate([base]);
  await said(/peer updated/, afterwards);
  await established();
  await kernelIs(PREFIXES);
});

const reject = 'importFilter: [{action: accept, prefixes: [{prefix: 198.51.100.0/24, le: 26}]}, {action: reject}]';
const all = [
  'pathPrepend: {as: 64512, count: 2}',
  'communities: ["64512:7", no-export]',
  'largeCommunities: ["64512:1:2"]',
  'extendedCommunities: ["rt:64512:9"]',
];

/** A change of annotations, and what it must come to at BIRD or in the kernel; the session is the same one after each. */
const changes: readonly (readonly [what: string, change: () => Promise<void>, outcome: () => Promise<unknown>])[] = [
  ['import filter', () => annotate([`${base}, ${reject}`]), () => kernelIs(['198.51.100.0/24'])],
  ['no import filter', () => annotate([base]), () => kernelIs(PREFIXES)],
  [
    'A-3 import reject',
    () => annotate([base], { 'kube-router.io/node.bgp.customimportreject': '198.51.100.0/24' }),
    () => kernelIs(['203.0.113.0/24']),
  ],
  ['A-3 gone', () => annotate([base]), () => kernelIs(PREFIXES)],
  [
    'path and three kinds of communities of a peer',
    () => annotate([`${base}, ${all.join(', ')}`]),
    () =>
      atTor(
        /as_path: 64512 64512 64512\n[\s\S]*community: \(64512,7\) \(65535,65281\)\n[\s\S]*ext_community: \(rt, 64512, 9\)\n[\s\S]*large_community: \(64512, 1, 2\)/,
      ),
  ],
  [
    'A-2 communities',
    () => annotate([base], { 'kube-router.io/node.bgp.communities': '64512:8' }),
    () => atTor(/as_path: 64512\n[\s\S]*community: \(64512,8\)\n/),
  ],
  [
    'A-4 path prepend',
    () => annotate([base], { 'kube-router.io/path-prepend.as': '65100', 'kube-router.io/path-prepend.repeat-n': '1' }),
    () => atTor(/as_path: 64512 65100\n/),
  ],
  [
    'export filter',
    () => annotate([`${base}, exportFilter: [{action: reject, prefixes: [10.244.1.0/24]}]`]),
    () => atTor(/Network not found|not in table/i),
  ],
  ['no export filter', () => annotate([base]), () => atTor(/as_path: 64512\n/)],
  [
    'A-11 pod CIDR',
    () => annotate([base], { 'kube-router.io/pod-cidrs': '10.244.77.0/24' }),
    () =>
      waitFor('the other pod CIDR at BIRD', async () =>
        (await tor.routes()).some(({ prefix }) => prefix === '10.244.77.0/24'),
      ),
  ],
  ['A-11 gone', () => annotate([base]), () => atTor(/as_path: 64512\n/)],
  [
    'A-1 node.asn in a full mesh: of no effect',
    () => annotate([`${base}, communities: ["64512:9"]`], { 'kube-router.io/node.asn': '65000' }),
    () => atTor(/as_path: 64512\n[\s\S]*\(64512,9\)/),
  ],
  [
    'bad entries: what is named is left out, the peers of the last good value stay',
    async () => {
      const from = agent.process.lines.length;
      await annotate([base, `remoteip: ${TOR}, remoteasn: 70000`]);
      await said(/at \[1\]\.remoteasn: got 70000, expected an AS number/, from);
    },
    () => atTor(/\(64512,9\)/),
  ],
  [
    'two peers of one address, a peer that is a node: the first stays, the others are named',
    async () => {
      const from = agent.process.lines.length;
      await annotate([base, `remoteip: ${TOR}, remoteasn: 64601`, 'remoteip: 192.0.2.12, remoteasn: 64602']);
      await said(/no session with external peer 192\.0\.2\.1: the address is already that of an external peer/, from);
      await said(/no session with external peer 192\.0\.2\.12: the address is already that of node node-2/, from);
    },
    () => atTor(/as_path: 64512\n/),
  ],
];

await t.test('changes that need no new session leave it alone', async (t) => {
  await annotate([base]);
  await atTor(/as_path: 64512\n/);
  const from = agent.process.lines.length;
  for (const [what, change, outcome] of changes) {
    await change();
    await outcome();
    const lost = agent.process.lines.slice(from).filter((line) => /session (lost|established)|peer reset/.test(line));
    t.strictSame(lost, [], what);
  }
});

await t.test('B-15, B-22: restart times reach the router; with BFD they are warned of', async (t) => {
  const text = await tor.birdc('show', 'protocols', 'all', 'node_192_0_2_11');
  const neighbor = text.slice(text.indexOf('Neighbor capabilities'));
  t.match(neighbor, /Graceful restart\s+Restart time: 77\s/);
  t.match(neighbor, /Long-lived graceful restart\s+LL stale time: 3600\s/);
  t.match(agent.process.lines.join('\n'), /WARN .*external peer 192\.0\.2\.1: BFD ends the session and its routes/);
});

/** What a session cannot take up: it starts again, which is said, and the ones that can go on do. */
await t.test('changes that need a new session are named', async (t) => {
  const from = agent.process.lines.length;
  await annotate([`${base}, holdTime: 30s`]);
  await said(/peer reset.*"?192\.0\.2\.1\b/, from);
  await established();
  const lost = agent.process.lines
    .slice(from)
    .filter((line) => line.includes('session lost') && line.includes('node-2'));
  t.strictSame(lost, [], 'another hold time: the session with the other node goes on');

  await node.exec(['ip', 'address', 'add', '192.0.2.21/24', 'dev', 'eth0']);
  for (const [what, annotations] of [
    ['A-10 local addresses', { 'kube-router.io/bgp-local-addresses': '192.0.2.21' }],
    ['A-9 reflector', { 'kube-router.io/rr.server': '7' }],
    ['neither', {}],
  ] as const) {
    const before = agent.process.lines.length;
    await annotate([base], annotations);
    await said(/the identity of this node changed: all sessions start again/, before);
    await established();
    await cluster.established();
    t.pass(what);
  }
});

await t.test(
  '10,000 prefixes over the limit: that session ends, nothing of them stays, the mesh does not notice',
  async (t) => {
    const many = Array.from({ length: 10_000 }, (_, i) => `100.${64 + (i >> 8)}.${i & 255}.0/24`);
    const before = agent.process.lines.length;
    await annotate([`${base}, prefixLimit: {maximum: 1000, action: stop}`]);
    await said(/peer updated/, before);
    const from = agent.process.lines.length;
    await tor.configure(torConfig(SECURED, many));
    t.match(await said(/more than 1000 prefixes/, from), /192\.0\.2\.1/);
    await kernelIs([]);
    await tor.configure(torConfig(SECURED, PREFIXES));
    t.not(await tor.sessionState(node.ipv4 ?? ''), 'established', 'stop: until the peer is set up anew');
    const lost = agent.process.lines.slice(from).filter((line) => /session lost/.test(line) && line.includes('node-2'));
    t.strictSame(lost, []);
    await annotate([base]);
    await established();
    await kernelIs(PREFIXES);
  },
);

await t.test('another password in the file: named, and the mesh is back with it', async (t) => {
  const from = agent.process.lines.length;
  await writeFile(passwordFile, 'another one');
  await said(/the password of the mesh changed: the sessions with other nodes start again/, from);
  await said(/session lost.*node-2|peer reset.*node-2/, from);
  await cluster.established();
  const lost = agent.process.lines.slice(from).filter((line) => /session lost/.test(line) && line.includes(`"${TOR}"`));
  t.strictSame(lost, [], 'the session with the router goes on');
});
