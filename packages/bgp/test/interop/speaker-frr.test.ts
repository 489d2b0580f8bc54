import { frr, run } from './daemons.ts';
import { runSpeakerScenarios, type SpeakerPeer, theirs } from './speaker-scenarios.ts';

let folder = '';

interface FrrPath {
  readonly aspath: { readonly string: string };
  readonly metric?: number;
  readonly community?: { readonly string: string };
  readonly largeCommunity?: { readonly string: string };
  readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[];
}

const words = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(' '));

const peer: SpeakerPeer = {
  ...frr,
  sendsEndOfRib: false,
  files(setup, in_) {
    folder = in_;
    return {
      'bgpd.conf': `
router bgp ${setup.localAsn}
 bgp router-id ${setup.routerId}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${setup.peerAddress} remote-as ${setup.peerAsn}
 neighbor ${setup.peerAddress} update-source ${setup.localAddress}
 neighbor ${setup.peerAddress} disable-connected-check
 neighbor ${setup.peerAddress} timers connect 1
 address-family ipv4 unicast
  network 203.0.113.0/24 route-map four
  neighbor ${setup.peerAddress} activate
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:b::/48 route-map six
  neighbor ${setup.peerAddress} activate
  neighbor ${setup.peerAddress} route-map out out
 exit-address-family
!
route-map four permit 10
 set metric 30
 set community 65002:7 65002:8
 set large-community 65002:1:2
!
route-map six permit 10
 set metric 31
 set community 65002:9
!
route-map out permit 10
 set ipv6 next-hop global ${theirs.address6}
`,
    };
  },
  async route(prefix) {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const text = await run(
      'vtysh',
      '--vty_socket',
      folder,
      '-d',
      'bgpd',
      '-c',
      `show bgp ${family} unicast ${prefix} json`,
    );
    const { paths = [] } = JSON.parse(text) as { paths?: readonly FrrPath[] };
    const [path] = paths;
    if (path === undefined) return undefined;
    return {
      asPath: words(path.aspath.string).map(Number),
      nextHop: path.nexthops.find(({ scope }) => scope !== 'link-local')?.ip ?? '',
      med: path.metric,
      communities: words(path.community?.string),
      largeCommunities: words(path.largeCommunity?.string),
    };
  },
};

await runSpeakerScenarios(peer);
