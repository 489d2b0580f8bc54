/**
 * Five nodes in two subnets, a router in each (BIRD) with a link between them, and real pods: a full mesh, route reflectors,
 * and no full mesh (an AS number each subnet), without overlay. Who reaches whom, and the outside, is printed as a matrix.
 * The test files beside it name the families; rows with an overlay are in the level `emulated`.
 */
import t from 'tap';
import {
  type Bird,
  createLab,
  type LabPod,
  ManifestCluster,
  type NodeManifest,
  peersAnnotation,
  pingMatrix,
  startBird,
  type TorConfig,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

type FamilyName = 'ipv4' | 'ipv6';

const racks = [
  { name: 'a', ipv4: '192.0.2', ipv6: '2001:db8:a:', as: 64600, nodes: [1, 2, 3] },
  { name: 'b', ipv4: '203.0.113', ipv6: '2001:db8:b:', as: 64601, nodes: [4, 5] },
] as const;
type Rack = (typeof racks)[number];

/** Behind the router of the first subnet. */
const OUTSIDE = { ipv4: '198.51.100.1', ipv6: '2001:db8:100::1' };
const OUTSIDE_PREFIX = { ipv4: '198.51.100.0/24', ipv6: '2001:db8:100::/64' };
/** Between the routers. */
const link = (rack: Rack) => ({ ipv4: `100.64.0.${rack.as - 64599}`, ipv6: `2001:db8:c::${rack.as - 64599}` });
const gateway = (rack: Rack) => ({ ipv4: `${rack.ipv4}.1`, ipv6: `${rack.ipv6}:1` });
const address = (rack: Rack, node: number) => ({
  ipv4: `${rack.ipv4}.${10 + node}`,
  ipv6: `${rack.ipv6}:${10 + node}`,
});

const isReflector = (node: number) => node === 1 || node === 4;

interface Row {
  readonly name: string;
  readonly flags: readonly string[];
  readonly annotations: (rack: Rack, node: number) => Readonly<Record<string, string>>;
  readonly asOf: (rack: Rack) => number;
  /** Sessions of a node with other nodes. */
  readonly sessions: (rack: Rack, node: number) => number;
}

const rows: readonly Row[] = [
  { name: 'full mesh', flags: [], annotations: () => ({}), asOf: () => 64512, sessions: () => 4 },
  {
    name: 'route reflectors',
    flags: [],
    annotations: (_, node) => ({ [`kube-router.io/rr.${isReflector(node) ? 'server' : 'client'}`]: '1' }),
    asOf: () => 64512,
    sessions: (_, node) => (isReflector(node) ? 4 : 2),
  },
  {
    name: 'no full mesh',
    flags: ['--nodes-full-mesh=false'],
    annotations: (rack) => ({ 'kube-router.io/node.asn': String(rack.as - 88) }),
    asOf: (rack) => rack.as - 88,
    sessions: (rack) => rack.nodes.length - 1,
  },
];

export async function testTwoSubnets(families: readonly [FamilyName, ...FamilyName[]]): Promise<void> {
  const [primary] = families;
  const lab = await createLab();
  const has = (family: FamilyName) => families.includes(family);

  const torConfig = (rack: Rack, row: Row): TorConfig => {
    const [other] = racks.filter((each) => each !== rack);
    if (other === undefined) throw new Error('there are two subnets');
    const own = { nextHop4: gateway(rack).ipv4, nextHop6: gateway(rack).ipv6 };
    const between = { nextHop4: link(rack).ipv4, nextHop6: link(rack).ipv6 };
    return {
      routerId: `100.64.1.${rack.as - 64599}`,
      as: rack.as,
      transit: true,
      neighbors: [
        ...rack.nodes.map((node) => ({ address: address(rack, node)[primary], as: row.asOf(rack), ...own })),
        { address: link(other)[primary], as: other.as, ...between },
      ],
      announces: families.flatMap((family) => [
        family === 'ipv4' ? `${rack.ipv4}.0/24` : `${rack.ipv6}:/64`,
        ...(rack.name === 'a' ? [OUTSIDE_PREFIX[family]] : []),
      ]),
    };
  };

  const manifest = (rack: Rack, node: number, row: Row): NodeManifest => ({
    name: `node-${node}`,
    addresses: families.map((family) => address(rack, node)[family]),
    podCIDRs: families.map((family) => (family === 'ipv4' ? `10.244.${node}.0/24` : `fd00:10:244:${node}::/64`)),
    annotations: {
      ...peersAnnotation([{ remoteip: gateway(rack)[primary], remoteasn: rack.as }]),
      ...row.annotations(rack, node),
    },
  });

  const [first] = rows;
  if (first === undefined) throw new Error('there are rows');
  const tors = new Map<Rack, Bird>();
  for (const rack of racks) {
    const inside = gateway(rack);
    const node = await lab.node({
      name: `tor-${rack.name}`,
      bridge: `rack-${rack.name}`,
      forwarding: true,
      ...(has('ipv4') && { ipv4: `${inside.ipv4}/24` }),
      ...(has('ipv6') && { ipv6: `${inside.ipv6}/64` }),
    });
    const between = link(rack);
    await node.attach({
      bridge: 'core',
      interface: 'eth1',
      ...(has('ipv4') && { ipv4: `${between.ipv4}/29` }),
      ...(has('ipv6') && { ipv6: `${between.ipv6}/64` }),
    });
    if (rack.name === 'a')
      for (const family of families) await node.exec(['ip', 'address', 'add', OUTSIDE[family], 'dev', 'lo']);
    tors.set(rack, await startBird(node, torConfig(rack, first)));
  }

  const cluster = await ManifestCluster.create(lab, []);
  watchOver(t, cluster);
  for (const rack of racks) {
    const { ipv4, ipv6 } = gateway(rack);
    const site = {
      bridge: `rack-${rack.name}`,
      ...(has('ipv4') && { gateway4: ipv4 }),
      ...(has('ipv6') && { gateway6: ipv6 }),
    };
    for (const node of rack.nodes)
      await cluster.add(manifest(rack, node, first), { flags: ['--enable-overlay=false'] }, site);
  }
  const pods = await cluster.addPods('web');

  /** Ways that are not open, after the last row of the matrix is printed. */
  const closed = async (print?: (line: string) => void): Promise<string[]> => {
    const results = await pingMatrix(pods);
    const out = await Promise.all(
      pods.flatMap((pod) => families.map(async (family) => ({ pod, family, ok: await pod.ping(OUTSIDE[family]) }))),
    );
    const cell = (from: LabPod, to: LabPod) =>
      from === to
        ? '-'
        : results
            .filter((each) => each.from === from && each.to === to)
            .map(({ ok }) => (ok ? 'ok' : 'NO'))
            .join('/');
    print?.(
      `| ${['from', ...pods.map((_, index) => `node-${index + 1}`), 'outside'].map((text) => text.padEnd(8)).join(' ')}`,
    );
    for (const [index, from] of pods.entries()) {
      const outside = out
        .filter(({ pod }) => pod === from)
        .map(({ ok }) => (ok ? 'ok' : 'NO'))
        .join('/');
      const cells = [`node-${index + 1}`, ...pods.map((to) => cell(from, to)), outside];
      print?.(`| ${cells.map((text) => text.padEnd(8)).join(' ')}`);
    }
    return [
      ...results.filter(({ ok }) => !ok).map(({ from, to, family }) => `${from.name} -> ${to.name} ${family}`),
      ...out.filter(({ ok }) => !ok).map(({ pod, family }) => `${pod.name} -> outside ${family}`),
    ];
  };

  for (const row of rows) {
    await t.test(`${row.name}, ${families.join(' and ')}: every pod reaches every other and the outside`, async (t) => {
      for (const rack of racks) {
        await tors.get(rack)?.configure(torConfig(rack, row));
        for (const node of rack.nodes) await cluster.folder.writeNode(manifest(rack, node, row));
      }
      if (row.flags.length > 0) {
        await Promise.all(cluster.members.map(({ agent }) => agent.stop()));
        for (const { agent } of cluster.members) agent.start({ flags: ['--enable-overlay=false', ...row.flags] });
      }
      for (const [index, { agent }] of cluster.members.entries()) {
        const node = index + 1;
        const rack = racks.find(({ nodes }) => nodes.some((each) => each === node));
        if (!rack) continue;
        await agent.established([gateway(rack)[primary]], 90_000);
        await waitFor(
          `the sessions of node-${node}`,
          async (seen) => {
            const peers = (await agent.peers()).filter(({ type }) => type !== 'external');
            seen(`${JSON.stringify(peers)}\n${agent.process.tail()}`);
            return (
              peers.length === row.sessions(rack, node) && peers.every(({ state }) => /^established$/i.test(state))
            );
          },
          { deadlineMs: 90_000 },
        );
      }
      await waitFor(
        'all ways to be open',
        async (seen) => {
          const left = await closed();
          seen(left.join('\n'));
          return left.length === 0;
        },
        { deadlineMs: 60_000, everyMs: 500 },
      );
      t.comment(`| ${row.name}, overlay off, ${families.join(' and ')}`);
      t.same(await closed((line) => t.comment(line)), []);
      t.equal(pods.length, 5);
    });
  }
}
