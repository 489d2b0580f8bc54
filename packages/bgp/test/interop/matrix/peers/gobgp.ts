/** GoBGP: gobgpd, asked by the gobgp client inside its namespace. */
import { run } from '../../daemons.ts';
import type { PeerNamespace } from '../namespace.ts';
import type { PeerImplementation, PeerSetup, SeenPath } from '../peer.ts';

interface GobgpAttribute {
  readonly type: number;
  readonly as_paths?: readonly { readonly segment_type: number; readonly asns: readonly number[] }[];
  readonly nexthop?: string;
  readonly metric?: number;
  readonly communities?: readonly number[];
  readonly value?: unknown;
}

interface GobgpPath {
  readonly best?: boolean;
  readonly stale?: boolean;
  readonly attrs: readonly GobgpAttribute[];
}

function neighborTable(setup: PeerSetup, peer: { address: string; asn: number }): string {
  return `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${peer.address}"
    peer-as = ${peer.asn}
    ${setup.password === undefined ? '' : `auth-password = "${setup.password}"`}
  [neighbors.transport.config]
    local-address = "${setup.localAddress}"
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  ${setup.fragment.neighbor ?? ''}
${setup.families
  .map(
    (family) => `
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "${family}-unicast"
    ${setup.fragment[family] ?? ''}`,
  )
  .join('')}`;
}

const segmentText = (type: number, asns: readonly number[]): string => {
  const text = asns.join(' ');
  if (type === 3) return `(${text})`;
  return type === 1 ? `{${text}}` : text;
};

function pathOf({ best, stale, attrs }: GobgpPath): SeenPath {
  const of = (type: number): GobgpAttribute | undefined => attrs.find((attribute) => attribute.type === type);
  const list = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);
  return {
    best: best === true,
    stale: stale === true,
    nextHop: of(3)?.nexthop ?? of(14)?.nexthop ?? '',
    asPath: (of(2)?.as_paths ?? []).map(({ segment_type, asns }) => segmentText(segment_type, asns)).join(' '),
    med: of(4)?.metric,
    localPreference: of(5)?.value === undefined ? undefined : Number(of(5)?.value),
    communities: (of(8)?.communities ?? []).map((value) => `${value >>> 16}:${value & 0xffff}`),
    extendedCommunities: list<{ subtype: number; value: string }>(of(16)?.value).map(
      ({ subtype, value }) => `${subtype === 2 ? 'rt' : subtype}:${value}`,
    ),
    largeCommunities: list<{ ASN: number; LocalData1: number; LocalData2: number }>(of(32)?.value).map(
      ({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`,
    ),
    originatorId: typeof of(9)?.value === 'string' ? String(of(9)?.value) : undefined,
    clusterList: list<string>(of(10)?.value),
  };
}

function client(namespace: PeerNamespace, ...words: string[]): Promise<string> {
  const [program, ...args] = namespace.inside('gobgp', ...words);
  return run(program, ...args);
}

export const gobgpPeer: PeerImplementation = {
  title: 'GoBGP 3.10',
  kind: (namespace) => ({
    name: 'gobgp',
    files: (setup) => ({
      'gobgpd.toml': `
[global.config]
  as = ${setup.localAsn}
  router-id = "${setup.routerId}"
${setup.fragment.router ?? ''}
${neighborTable(setup, { address: setup.peerAddress, asn: setup.peerAsn })}
${setup.others.map((peer) => neighborTable(setup, peer)).join('\n')}
${setup.fragment.policy ?? ''}
`,
    }),
    command: (setup) =>
      namespace.inside(
        'gobgpd',
        ...['-f', 'gobgpd.toml', '--api-hosts', '127.0.0.1:50051', '--log-plain'],
        ...(setup.recovering ? ['--graceful-restart'] : []),
      ),
    ready: async ({ localAddress }) => {
      const { ipv6 } = namespace.addresses.theirs;
      await client(namespace, 'global', 'rib', 'add', '203.0.113.0/24', 'nexthop', localAddress);
      await client(namespace, 'global', 'rib', 'add', '-a', 'ipv6', '2001:db8:b::/48', 'nexthop', ipv6);
    },
    sessionState: async (setup) => {
      const text = await client(namespace, 'neighbor', setup.peerAddress);
      return /BGP state = (?:BGP_FSM_)?(\w+)/i.exec(text)?.[1] ?? text;
    },
  }),
  ask: ({ namespace }, ...command) => client(namespace, ...command),
  async neighbor(peer) {
    // Its client does not show everything that its log does.
    return `${await this.ask(peer, 'neighbor', peer.setup.peerAddress)}\n${peer.daemon.output()}`;
  },
  route(peer, prefix) {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    return this.ask(peer, 'global', 'rib', '-a', family, prefix, '-j').catch((error: unknown) => {
      if (String(error).includes('not in table')) return '{}';
      throw error;
    });
  },
  async paths(peer, prefix) {
    const text = await this.route(peer, prefix);
    return Object.values(JSON.parse(text) as Record<string, readonly GobgpPath[]>)
      .flat()
      .map(pathOf);
  },
};
