import t from 'tap';
import { parseIpv4 } from '../../../src/address.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { Bench, type Node } from './pair.ts';

/** A reflector with two clients, two non-clients and an external peer, each of which announces a route. */
async function network() {
  const bench = new Bench();
  const reflector = bench.node('10.0.0.1', 65000, { clusterId: '1.1.1.1' });
  const nodes: Record<string, Node> = {};
  for (const [name, last, asn] of [
    ['client', 2, 65000],
    ['client2', 3, 65000],
    ['inner', 4, 65000],
    ['inner2', 5, 65000],
    ['external', 6, 65006],
  ] as const) {
    const node = bench.node(`10.0.0.${last}`, asn);
    bench.peer(reflector, node, name.startsWith('client') ? { routeReflectorClient: true } : {}, {});
    node.speaker.announce({ prefix: `192.0.2.${last}/32`, attributes: { multiExitDisc: 3 } });
    nodes[name] = node;
  }
  reflector.speaker.announce({ prefix: '192.0.2.1/32' });
  await bench.start(reflector, ...Object.values(nodes));
  return { bench, reflector, nodes };
}

t.test('RFC 4456 §6: who is told of what', async (t) => {
  const { nodes } = await network();
  const lastOf = { client: 2, client2: 3, inner: 4, inner2: 5, external: 6 } as const;
  const names = Object.keys(lastOf) as (keyof typeof lastOf)[];
  const told: Record<keyof typeof lastOf, (keyof typeof lastOf)[]> = {
    // "A route from an EBGP peer: Reflect to all the clients and non-client peers", as any speaker does.
    external: ['client', 'client2', 'inner', 'inner2'],
    // "A route from a non-client IBGP peer: Reflect to all the clients."
    inner: ['client', 'client2', 'external'],
    inner2: ['client', 'client2', 'external'],
    // "A route from a client peer: Reflect to all the non-client peers and also to the client peers."
    client: ['client2', 'inner', 'inner2', 'external'],
    client2: ['client', 'inner', 'inner2', 'external'],
  };
  for (const source of names) {
    const prefix = `192.0.2.${lastOf[source]}/32`;
    const receivers = names.filter((name) => name !== source && nodes[name]?.speaker.bestPath(prefix) !== undefined);
    t.strictSame(receivers, told[source], source);
  }
});

t.test('RFC 4456 §6: a peer becomes a client and is none again, and no session ends', async (t) => {
  const { bench, reflector, nodes } = await network();
  const receivers = () =>
    Object.keys(nodes).filter(
      (name) => name !== 'inner' && nodes[name]?.speaker.bestPath('192.0.2.4/32') !== undefined,
    );
  const setInner = (becomesClient: boolean) => {
    const clients = ['10.0.0.2', '10.0.0.3', ...(becomesClient ? ['10.0.0.4'] : [])];
    const peers = Object.values(nodes).map(({ address, asn }) => ({
      ...{ address, asn, localAddress: reflector.address },
      ...(clients.includes(address) && { routeReflectorClient: true }),
    }));
    const changes = reflector.speaker.setPeers(peers);
    bench.simulation.run(1_000);
    return changes;
  };
  t.strictSame(receivers(), ['client', 'client2', 'external']);
  t.strictSame(setInner(true), [{ address: '10.0.0.4', action: 'updated' }]);
  t.strictSame(receivers(), ['client', 'client2', 'inner2', 'external'], 'told to the one that was not told before');
  t.strictSame(setInner(false), [{ address: '10.0.0.4', action: 'updated' }]);
  t.strictSame(receivers(), ['client', 'client2', 'external'], 'withdrawn again');
});

t.test('RFC 4456 §8, §10: what a reflected route carries', async (t) => {
  const { nodes } = await network();
  const seen = (at: string, last: number) => nodes[at]?.speaker.bestPath(`192.0.2.${last}/32`)?.attributes;
  const reflected = {
    origin: 'igp',
    asPath: [],
    nextHop: parseIpv4('10.0.0.2'),
    multiExitDisc: 3,
    localPref: 100,
    originatorId: parseIpv4('10.0.0.2'),
    clusterList: [parseIpv4('1.1.1.1')],
  };
  t.strictSame(seen('client2', 2), reflected, 'NEXT_HOP, AS_PATH, LOCAL_PREF and MED as they were');
  t.strictSame(seen('inner', 2), reflected);
  t.match(seen('client', 6), { originatorId: undefined, clusterList: undefined }, 'an external route is not reflected');
  t.match(seen('client', 1), { originatorId: undefined, clusterList: undefined }, 'an own route neither');
  t.match(seen('external', 2), { originatorId: undefined, clusterList: undefined, asPath: [{ asns: [65000] }] });
});

t.test('RFC 4456 §8: loops and existing marks', async (t) => {
  const { bench, reflector, nodes } = await network();
  const cases: [why: string, attributes: PathAttributes, taken: boolean][] = [
    ['our identifier as ORIGINATOR_ID', { originatorId: parseIpv4('10.0.0.1') }, false],
    ['our cluster in CLUSTER_LIST', { clusterList: [9, parseIpv4('1.1.1.1')] }, false],
    ['others', { originatorId: 7, clusterList: [9] }, true],
  ];
  for (const [why, attributes, taken] of cases) {
    nodes['client']?.speaker.announce({ prefix: '198.51.100.0/24', attributes });
    bench.simulation.run(1_000);
    t.equal(reflector.speaker.bestPath('198.51.100.0/24') !== undefined, taken, why);
  }
  t.match(nodes['inner']?.speaker.bestPath('198.51.100.0/24')?.attributes, {
    originatorId: 7,
    clusterList: [parseIpv4('1.1.1.1'), 9],
  });
});
