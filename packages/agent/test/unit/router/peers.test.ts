import type { PeerOptions } from '@routelet/bgp';
import t from 'tap';
import type { ExternalPeer } from '../../../src/annotations/external-peer.ts';
import { Secret } from '../../../src/options/secret.ts';
import type { NodeFacts } from '../../../src/router/node-facts.ts';
import { planPeers } from '../../../src/router/peers.ts';
import type { RouterPlanOptions } from '../../../src/router/plan.ts';
import { planPolicies } from '../../../src/router/policies.ts';
import { facts, identity, options } from './fixture.ts';

const own = facts('n1', { addresses: ['10.0.0.1', 'fd00::1'] });

function plan(
  nodes: readonly NodeFacts[],
  {
    external = [],
    changes = {},
    self = own,
    meshPassword,
  }: {
    external?: readonly ExternalPeer[];
    changes?: Partial<RouterPlanOptions>;
    self?: NodeFacts;
    meshPassword?: Secret;
  } = {},
) {
  const settings = { ...options, ...changes };
  const me = identity(self, settings);
  const policies = planPolicies(
    {
      podCidrs: me.podCidrs,
      vips: [],
      importReject: [],
      communities: [],
      prepend: undefined,
      reflects: me.clusterId !== undefined,
    },
    settings,
  );
  const { peers, problems } = planPeers(
    { identity: me, nodes: [self, ...nodes], external, policies, meshPassword },
    settings,
  );
  const name = (chain: PeerOptions['importPolicy']) => chain?.name;
  return {
    peers: peers.map((peer) => ({
      ...peer,
      importPolicy: name(peer.importPolicy),
      exportPolicy: name(peer.exportPolicy),
    })),
    addresses: peers.map(({ address }) => address),
    problems: problems.map(({ text }) => text),
  };
}

t.test('B-10: every other node, its families', (t) => {
  const { peers, problems } = plan([
    facts('n2', { addresses: ['10.0.0.2', 'fd00::2'] }),
    facts('n3', { addresses: ['10.0.0.3'] }),
  ]);
  const common = {
    asn: 64512,
    port: 179,
    localAddress: '10.0.0.1',
    holdTimeMs: 90_000,
    gracefulRestart: false,
    importPolicy: 'kube_router_import',
    exportPolicy: 'kube_router_export_nodes',
  };
  t.strictSame(peers, [
    { address: '10.0.0.2', description: 'n2', families: ['ipv4-unicast', 'ipv6-unicast'], ...common },
    { address: '10.0.0.3', description: 'n3', families: ['ipv4-unicast'], ...common },
  ]);
  t.strictSame(problems, []);
  t.end();
});

t.test('F-32, F-33, F-34: port for nodes, a hold time for external peers, graceful restart for all', (t) => {
  const { peers } = plan([facts('n2', { addresses: ['10.0.0.2'] })], {
    external: [{ address: '192.0.2.1', asn: 65001 }],
    changes: { bgpPort: 1179, bgpHoldMs: 9000, bgpGracefulRestart: true },
  });
  t.strictSame(
    peers.map(({ port, holdTimeMs, gracefulRestart }) => ({ port, holdTimeMs, gracefulRestart })),
    [
      { port: 1179, holdTimeMs: 90_000, gracefulRestart: true },
      { port: 179, holdTimeMs: 9000, gracefulRestart: true },
    ],
  );
  t.end();
});

t.test('F-31: no sessions with nodes', (t) => {
  const { addresses } = plan([facts('n2', { addresses: ['10.0.0.2'] })], {
    external: [{ address: '192.0.2.1', asn: 65001 }],
    changes: { enableIbgp: false },
  });
  t.strictSame(addresses, ['192.0.2.1']);
  t.end();
});

t.test('B-11: nodes that cannot be peers are named, the others are', (t) => {
  const { addresses, problems } = plan([
    facts('n2', { addresses: ['10.0.0.2'] }),
    facts('n3', { addresses: ['fd00::3', '10.0.0.3'] }),
    facts('n4'),
    facts('n5', { addresses: ['10.0.0.2'] }),
    facts('n6', { addresses: ['10.0.0.1'] }),
    facts('n7', { addresses: ['10.0.0.7'] }),
  ]);
  t.strictSame(addresses, ['10.0.0.2', '10.0.0.7']);
  t.strictSame(problems, [
    'no session with node n3: its primary address fd00::3 is not of the family of the own one, 10.0.0.1',
    'no session with node n4: it has no address, expected an InternalIP or ExternalIP in status.addresses',
    'no session with node n5: its address 10.0.0.2 is already that of node n2',
    'no session with node n6: its address 10.0.0.1 is already that of node n1',
  ]);
  t.end();
});

t.test('B-11: without full mesh only nodes of the same AS', (t) => {
  const asn = (text: string) => ({ 'kube-router.io/node.asn': text });
  const { peers, problems } = plan(
    [
      facts('n2', { addresses: ['10.0.0.2'], annotations: asn('65001') }),
      facts('n3', { addresses: ['10.0.0.3'], annotations: asn('65002') }),
      facts('n4', { addresses: ['10.0.0.4'] }),
    ],
    {
      self: facts('n1', { addresses: ['10.0.0.1'], annotations: asn('65001') }),
      changes: { nodesFullMesh: false, enableIpv6: false },
    },
  );
  t.strictSame(
    peers.map(({ address, asn }) => [address, asn]),
    [['10.0.0.2', 65001]],
  );
  t.strictSame(problems, [
    'no session with node n4: it has no valid kube-router.io/node.asn, expected one with --nodes-full-mesh=false',
  ]);
  t.end();
});

t.test('B-20: an external peer with everything', (t) => {
  const { peers } = plan([], {
    external: [{ address: '192.0.2.1', asn: 65001, port: 1790, localAddress: '10.0.0.9', password: new Secret('s') }],
    changes: { peerRouterMultihopTtl: 2 },
  });
  t.strictSame(peers, [
    {
      address: '192.0.2.1',
      asn: 65001,
      port: 1790,
      localAddress: '10.0.0.9',
      description: '(external)',
      families: ['ipv4-unicast', 'ipv6-unicast'],
      holdTimeMs: 90_000,
      gracefulRestart: false,
      multihopTtl: 2,
      password: 's',
      importPolicy: 'kube_router_import',
      exportPolicy: 'kube_router_export_external',
    },
  ]);
  t.end();
});

t.test('F-36: a multihop TTL of 1 is none; an IPv6 peer is reached from the IPv6 address', (t) => {
  const { peers } = plan([], {
    external: [{ address: 'fd00::fe', asn: 65001 }],
    changes: { peerRouterMultihopTtl: 1 },
  });
  t.equal(peers[0]?.localAddress, 'fd00::1');
  t.notOk('multihopTtl' in (peers[0] ?? {}));
  t.end();
});

t.test('external peers that cannot be are named, the others are', (t) => {
  const { addresses, problems } = plan([facts('n2', { addresses: ['10.0.0.2', 'external:203.0.113.2'] })], {
    external: [
      { address: '192.0.2.1', asn: 65001 },
      { address: '192.0.2.1', asn: 65002 },
      { address: '203.0.113.2', asn: 65001 },
      { address: '10.0.0.1', asn: 65001 },
      { address: 'fd00::fe', asn: 65001 },
      { address: '192.0.2.2', asn: 65001, localAddress: 'fd00::1' },
      { address: '192.0.2.3', asn: 65001 },
    ],
    changes: { enableIpv6: false, enableIbgp: false },
  });
  t.strictSame(addresses, ['192.0.2.1', '192.0.2.3']);
  t.strictSame(problems, [
    'no session with external peer 192.0.2.1: the address is already that of an external peer',
    'no session with external peer 203.0.113.2: the address is already that of node n2',
    'no session with external peer 10.0.0.1: the address is already that of this node',
    'no session with external peer fd00::fe: expected an IPv6 address to connect from, this node has none',
    'no session with external peer 192.0.2.2: expected an IPv4 address to connect from, localip is fd00::1',
  ]);
  t.end();
});

t.test('A-9, B-11, B-12: clients peer with the reflectors of their cluster alone', (t) => {
  const address = (host: number) => ({ addresses: [`10.0.0.${host}`] });
  const annotated = (name: string, host: number, key: string, id: string) =>
    facts(name, { ...address(host), annotations: { [`kube-router.io/rr.${key}`]: id } });
  const nodes = [
    annotated('s1', 11, 'server', '1'),
    annotated('s2', 12, 'server', '2'),
    annotated('c1', 21, 'client', '0.0.0.1'),
    annotated('c2', 22, 'client', '2'),
    facts('plain', address(31)),
  ];
  const sees = (name: string) => {
    const self = nodes.find((one) => one.name === name) ?? own;
    const { peers } = plan(
      nodes.filter((one) => one !== self),
      { self },
    );
    return peers.map(
      ({ description, routeReflectorClient }) => `${description}${routeReflectorClient ? ' client' : ''}`,
    );
  };
  t.strictSame(sees('s1'), ['s2', 'c1 client', 'plain']);
  t.strictSame(sees('s2'), ['s1', 'c2 client', 'plain']);
  t.strictSame(sees('c1'), ['s1']);
  t.strictSame(sees('c2'), ['s2']);
  t.strictSame(sees('plain'), ['s1', 's2']);
  t.end();
});

t.test('F-39: BFD flags are for the peers of flags; the key of a peer is for that peer', (t) => {
  const flagPeer = { address: '192.0.2.1', asn: 65001, port: 179 };
  const changes = {
    enableBfd: true,
    bfdPort: 3785,
    bfdDetectionMultiplier: 5,
    bfdDesiredMinTxMs: 100,
    bfdRequiredMinRxMs: 200,
  };
  const timing = { detectMultiplier: 5, desiredMinTxMs: 100, requiredMinRxMs: 200 };
  const n2 = [facts('n2', { addresses: ['10.0.0.2'] })];
  const other = { ...flagPeer, address: '192.0.2.2' };
  const bfd = (settings: Parameters<typeof plan>[1]) => plan(n2, settings).peers.map((peer) => peer.bfd);
  t.strictSame(bfd({ external: [flagPeer], changes: { ...changes, routerPeers: [flagPeer] } }), [
    undefined,
    { ...timing, port: 3785 },
  ]);
  t.strictSame(
    bfd({ external: [flagPeer], changes: { ...changes, bfdPort: 3784, routerPeers: [flagPeer] } })[1],
    timing,
  );
  t.strictSame(bfd({ external: [{ ...flagPeer, bfd: { detectMultiplier: 9 } }, other], changes }), [
    undefined,
    { detectMultiplier: 9 },
    undefined,
  ]);
  t.strictSame(bfd({ changes: { ...changes, meshEnableBfd: true } }), [timing], 'the nodes by a flag of their own');
  const refused = plan([], { external: [{ ...flagPeer, multihopTtl: 3, bfd: { port: 3785 } }] });
  t.strictSame(refused.problems, [
    'no session with external peer 192.0.2.1: BFD port 3785 is for peers on the same link, expected none for one that is further away',
  ]);
  t.end();
});

t.test('B-22: BFD and graceful restart together are warned of', (t) => {
  const peer = { address: '192.0.2.1', asn: 65001, bfd: {} };
  const { addresses, problems } = plan([], { external: [peer], changes: { bgpGracefulRestart: true } });
  t.strictSame(addresses, ['192.0.2.1']);
  t.match(problems, [/^external peer 192\.0\.2\.1: BFD ends the session .* expected one of them$/]);
  t.strictSame(
    plan([], { external: [{ ...peer, gracefulRestart: false }], changes: { bgpGracefulRestart: true } }).problems,
    [],
  );
  t.end();
});

t.test('options of one peer win over the flags', (t) => {
  const { peers } = plan([], {
    external: [
      {
        address: '192.0.2.1',
        asn: 65001,
        holdTimeMs: 9000,
        ttlSecurity: 1,
        gracefulRestart: true,
        longLivedStaleMs: 3_600_000,
        addPath: { receive: true },
        prefixLimit: { maximum: 10, action: 'warn' },
      },
      { address: '192.0.2.2', asn: 65001, multihopTtl: 5 },
    ],
    changes: { peerRouterMultihopTtl: 3, bgpLongLivedStaleMs: 60_000 },
  });
  t.match(peers[0], {
    holdTimeMs: 9000,
    ttlSecurity: 1,
    gracefulRestart: true,
    longLivedGracefulRestart: { staleTimeMs: 3_600_000 },
    addPath: { receive: true },
    prefixLimits: { 'ipv4-unicast': { maximum: 10, action: 'warn' }, 'ipv6-unicast': { maximum: 10, action: 'warn' } },
  });
  t.notOk('multihopTtl' in (peers[0] ?? {}), 'packets of a session with TTL security leave with 255');
  t.match(peers[1], { multihopTtl: 5, gracefulRestart: false, holdTimeMs: 90_000 });
  t.notOk('longLivedGracefulRestart' in (peers[1] ?? {}), 'nothing long-lived without graceful restart');
  t.end();
});

t.test('sessions with nodes: password, hold time, long-lived graceful restart', (t) => {
  const { peers } = plan([facts('n2', { addresses: ['10.0.0.2'] })], {
    external: [{ address: '192.0.2.1', asn: 65001 }],
    meshPassword: new Secret('inside'),
    changes: { meshHoldMs: 9000, bgpGracefulRestart: true, bgpLongLivedStaleMs: 60_000 },
  });
  t.match(peers[0], { password: 'inside', holdTimeMs: 9000, longLivedGracefulRestart: { staleTimeMs: 60_000 } });
  t.match(peers[1], { password: undefined, holdTimeMs: 90_000 });
  t.end();
});
