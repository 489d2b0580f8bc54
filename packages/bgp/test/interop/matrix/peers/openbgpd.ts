/** OpenBGPD: bgpd, asked by bgpctl. */
import { join } from 'node:path';
import { run } from '../../daemons.ts';
import type { PeerImplementation, PeerSetup, SeenPath } from '../peer.ts';

interface OpenbgpdRoute {
  readonly prefix: string;
  readonly aspath: string;
  readonly exit_nexthop: string;
  readonly best?: boolean;
  readonly stale?: boolean;
  readonly metric: number;
  readonly localpref: number;
  readonly communities?: readonly string[];
  readonly extended_communities?: readonly string[];
  readonly large_communities?: readonly string[];
  readonly attributes?: readonly { readonly originator?: string; readonly cluster_list?: readonly string[] }[];
}

function neighborBlock(setup: PeerSetup, peer: { address: string; asn: number }): string {
  const families = (['ipv4', 'ipv6'] as const).map(
    (family) => `announce ${family.replace('ip', 'IP')} ${setup.families.includes(family) ? 'unicast' : 'none'}`,
  );
  return `
neighbor ${peer.address} {
  remote-as ${peer.asn}
  local-address ${setup.localAddress}
  ${setup.password === undefined ? '' : `tcp md5sig password ${setup.password}`}
  ${families.join('\n  ')}
  ${setup.families.map((family) => setup.fragment[family] ?? '').join('\n  ')}
  ${setup.fragment.neighbor ?? ''}
}`;
}

export const openbgpdPeer: PeerImplementation = {
  title: 'OpenBGPD 7.7',
  kind: (namespace) => ({
    name: 'openbgpd',
    runtimeFolder: '/run/openbgpd',
    files: (setup, folder) => ({
      'bgpd.conf': `
AS ${setup.localAsn}
router-id ${setup.routerId}
socket "${folder}/bgpd.sock"
fib-update no
connect-retry 1
${setup.fragment.router ?? ''}
network 203.0.113.0/24
network 2001:db8:b::/48 set nexthop ${namespace.addresses.theirs.ipv6}
${neighborBlock(setup, { address: setup.peerAddress, asn: setup.peerAsn })}
${setup.others.map((peer) => neighborBlock(setup, peer)).join('\n')}
allow from any
allow to any
${setup.fragment.policy ?? ''}
`,
    }),
    command: (_setup, folder) => namespace.inside('bgpd', '-d', '-v', '-f', join(folder, 'bgpd.conf')),
    ready: async (_setup, folder) => void (await run('bgpctl', '-s', join(folder, 'bgpd.sock'), 'show', 'summary')),
    sessionState: async (setup, folder) => {
      const text = await run('bgpctl', '-s', join(folder, 'bgpd.sock'), 'show', 'neighbor', setup.peerAddress);
      return /BGP state = (\w+)/.exec(text)?.[1] ?? text;
    },
  }),
  ask: ({ daemon }, ...command) => run('bgpctl', '-s', join(daemon.folder, 'bgpd.sock'), ...command),
  neighbor(peer) {
    return this.ask(peer, 'show', 'neighbor', peer.setup.peerAddress);
  },
  route(peer, prefix) {
    return this.ask(peer, '-j', 'show', 'rib', 'detail', prefix);
  },
  async paths(peer, prefix) {
    const { rib = [] } = JSON.parse(await this.route(peer, prefix)) as { readonly rib?: readonly OpenbgpdRoute[] };
    return rib.map(
      (route): SeenPath => ({
        best: route.best === true,
        stale: route.stale === true,
        nextHop: route.exit_nexthop,
        asPath: route.aspath,
        med: route.metric,
        localPreference: route.localpref,
        communities: route.communities ?? [],
        extendedCommunities: (route.extended_communities ?? []).map((each) => each.replace(' ', ':')),
        largeCommunities: route.large_communities ?? [],
        originatorId: route.attributes?.find(({ originator }) => originator !== undefined)?.originator,
        clusterList: route.attributes?.flatMap(({ cluster_list }) => cluster_list ?? []) ?? [],
      }),
    );
  },
};
