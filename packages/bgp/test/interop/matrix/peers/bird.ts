/** BIRD 2: one `protocol bgp` a neighbour, asked by birdc. */
import { join } from 'node:path';
import { run } from '../../daemons.ts';
import type { PeerImplementation, PeerSetup, SeenPath } from '../peer.ts';

function protocol(setup: PeerSetup, name: string, peer: { address: string; asn: number }): string {
  const { fragment } = setup;
  const channels = setup.families.map((family) => `${family} { import all; export all; ${fragment[family] ?? ''} };`);
  return `
    protocol bgp ${name} {
      local ${setup.localAddress} as ${setup.localAsn};
      neighbor ${peer.address} as ${peer.asn};
      ${setup.password === undefined ? '' : `password "${setup.password}";`}
      connect delay time 1; connect retry time 2; error wait time 1, 2;
      ${fragment.neighbor ?? ''}
      ${channels.join('\n      ')}
    }`;
}

const pairs = (text: string | undefined): string[] =>
  [...(text ?? '').matchAll(/\(([^)]*)\)/g)].map(([, inner = '']) => inner.replaceAll(', ', ',').replaceAll(',', ':'));

function pathOf(text: string, stale: boolean): SeenPath {
  const value = (name: string): string | undefined => new RegExp(`^\\s*BGP\\.${name}: (.*)$`, 'm').exec(text)?.[1];
  const number = (name: string): number | undefined => {
    const digits = value(name);
    return digits === undefined ? undefined : Number(digits);
  };
  return {
    best: /\] \*/.test(text.split('\n')[0] ?? ''),
    // "global link-local" with IPv6.
    nextHop: value('next_hop')?.split(' ')[0] ?? '',
    asPath: value('as_path') ?? '',
    med: number('med'),
    localPreference: number('local_pref'),
    communities: pairs(value('community')),
    extendedCommunities: pairs(value('ext_community')),
    largeCommunities: pairs(value('large_community')),
    originatorId: value('originator_id'),
    clusterList: value('cluster_list')?.split(' ') ?? [],
    stale,
  };
}

export const birdPeer: PeerImplementation = {
  title: 'BIRD 2.0.12',
  kind: (namespace) => ({
    name: 'bird',
    files: (setup) => ({
      'bird.conf': `
        router id ${setup.routerId};
        log stderr all;
        graceful restart wait 10;
        ${setup.fragment.policy ?? ''}
        protocol device { scan time 1; }
        protocol static { ipv4; route 203.0.113.0/24 blackhole; }
        protocol static { ipv6; route 2001:db8:b::/48 blackhole; }
        ${setup.fragment.router ?? ''}
        ${protocol(setup, 'routelet', { address: setup.peerAddress, asn: setup.peerAsn })}
        ${setup.others.map((peer, index) => protocol(setup, `other${index}`, peer)).join('\n')}`,
    }),
    command: (setup) =>
      namespace.inside(
        'bird',
        ...['-f', '-c', 'bird.conf', '-s', 'bird.ctl', '-P', 'bird.pid'],
        ...(setup.recovering ? ['-R'] : []),
      ),
    ready: async (_setup, folder) => void (await run('birdc', '-s', join(folder, 'bird.ctl'), 'show', 'status')),
    sessionState: async (_setup, folder) => {
      const text = await run('birdc', '-s', join(folder, 'bird.ctl'), 'show', 'protocols', 'all', 'routelet');
      return /BGP state:\s+(\S+)/.exec(text)?.[1] ?? text;
    },
  }),
  ask: ({ daemon }, ...command) => run('birdc', '-s', join(daemon.folder, 'bird.ctl'), ...command),
  neighbor(peer) {
    return this.ask(peer, 'show', 'protocols', 'all', 'routelet');
  },
  route(peer, prefix) {
    const table = prefix.includes(':') ? 'master6' : 'master4';
    // With a prefix in place of a condition it is an error that there is no route.
    return this.ask(peer, 'show', 'route', 'table', table, 'all', 'where', 'net', '=', prefix);
  },
  async paths(peer, prefix) {
    const text = await this.route(peer, prefix);
    // It marks no single route.
    const stale = (await this.neighbor(peer)).includes('Neighbor graceful restart active');
    return text
      .split(/^(?=\S.*\[|\s{8,}\S+ \[)/m)
      .filter((part) => /\[(routelet|other)/.test(part))
      .map((part) => pathOf(part, stale));
  },
};
