import { clusterAsnRanges, isClusterAsn, isPeerAsn, peerAsnRanges } from './asn.ts';
import { built, known } from './flag.ts';
import { addressList, bool, duration, isAddress, listenAddress, secretList, string, uint, uintList } from './value.ts';

const ADMIN = 'GoBGP admin API';
const MAX_UINT32 = 0xffff_ffff;
const HOUR_MS = 3_600_000;

/** Flags of the BGP speaker, its external peers and what is announced to them. */
export const bgp = {
  clusterAsn: built({
    name: 'cluster-asn',
    kind: uint(0, MAX_UINT32),
    default: 0,
    description: 'AS number of the nodes; 0 for 64512',
    check: (asn: number) => (asn === 0 || isClusterAsn(asn) ? undefined : `an AS number in ${clusterAsnRanges}`),
  }),
  enableIbgp: built({ name: 'enable-ibgp', kind: bool, default: true, description: 'Sessions with the other nodes' }),
  nodesFullMesh: built({
    name: 'nodes-full-mesh',
    kind: bool,
    default: true,
    description: 'Sessions with every other node; otherwise with the nodes of the same kube-router.io/node.asn',
  }),
  bgpPort: built({
    name: 'bgp-port',
    kind: uint(1, 65535),
    default: 179,
    description: 'Port to listen on, and port of the other nodes',
  }),
  bgpHoldMs: built({
    name: 'bgp-holdtime',
    kind: duration,
    default: 90_000,
    description: 'Hold time of sessions with external peers',
    check: (ms: number) => (ms >= 3000 && ms <= 65_536_000 ? undefined : 'a duration from 3s to 65536s'),
  }),
  bgpGracefulRestart: built({
    name: 'bgp-graceful-restart',
    kind: bool,
    default: false,
    description: 'Graceful restart (RFC 4724): peers keep the routes while this process restarts',
  }),
  bgpGracefulRestartTimeMs: built({
    name: 'bgp-graceful-restart-time',
    kind: duration,
    default: 90_000,
    description: 'How long peers keep the routes',
    check: (ms: number) => (ms > 0 && ms <= 4_095_000 ? undefined : 'a duration above 0 and up to 4095s'),
  }),
  bgpGracefulRestartDeferralTimeMs: built({
    name: 'bgp-graceful-restart-deferral-time',
    kind: duration,
    default: 360_000,
    description: 'How long to wait for the routes of all peers after a restart',
    check: (ms: number) => (ms > 0 && ms <= 18 * HOUR_MS ? undefined : 'a duration above 0 and up to 18h'),
  }),
  bgpMaximumPaths: built({
    name: 'bgp-maximum-paths',
    kind: uint(1, 64),
    default: 1,
    description: 'Equally good paths of a prefix that are used together, weighted by their link bandwidth',
  }),
  routerId: built({
    name: 'router-id',
    kind: string,
    default: '',
    description: 'BGP identifier: an IPv4 address, or "generate" to derive it from the node address',
    check: (id: string) =>
      id === '' || id === 'generate' || (isAddress(id, 'ipv4') && id !== '0.0.0.0')
        ? undefined
        : 'an IPv4 address or generate',
  }),
  peerRouterIps: built({
    name: 'peer-router-ips',
    kind: addressList,
    default: [],
    description: 'Addresses of external peers',
  }),
  peerRouterAsns: built({
    name: 'peer-router-asns',
    kind: uintList(0, MAX_UINT32),
    default: [],
    description: 'AS numbers of the external peers, one an address',
    check: (asns: readonly number[]) => (asns.every(isPeerAsn) ? undefined : `AS numbers in ${peerAsnRanges}`),
  }),
  peerRouterPorts: built({
    name: 'peer-router-ports',
    kind: uintList(1, 65535),
    default: [],
    description: 'Ports of the external peers, one an address; 179 when empty',
  }),
  peerRouterPasswords: built({
    name: 'peer-router-passwords',
    kind: secretList,
    default: [],
    description: 'MD5 passwords of the external peers in base64, one an address; an empty one for none',
  }),
  peerRouterPasswordsFile: built({
    name: 'peer-router-passwords-file',
    kind: string,
    default: '',
    description: 'File with the passwords as --peer-router-passwords takes them, which wins over it',
  }),
  peerRouterMultihopTtl: built({
    name: 'peer-router-multihop-ttl',
    kind: uint(0, 255),
    default: 0,
    description: 'TTL of sessions with external peers that are not directly connected; used from 2',
  }),
  overrideNextHop: built({
    name: 'override-nexthop',
    kind: bool,
    default: false,
    description: 'Send external peers the address of the session as next hop',
  }),
  advertisePodCidr: built({
    name: 'advertise-pod-cidr',
    kind: bool,
    default: true,
    description: 'Announce the pod CIDRs of this node to external peers',
  }),
  advertiseClusterIp: built({
    name: 'advertise-cluster-ip',
    kind: bool,
    default: false,
    description: 'Announce cluster IPs of services to external peers',
  }),
  advertiseExternalIp: built({
    name: 'advertise-external-ip',
    kind: bool,
    default: false,
    description: 'Announce external IPs of services to external peers',
  }),
  advertiseLoadBalancerIp: built({
    name: 'advertise-loadbalancer-ip',
    kind: bool,
    default: false,
    description: 'Announce load balancer addresses of services to external peers',
  }),
  advertiseVipsWithoutEndpoints: built({
    name: 'advertise-vips-without-endpoints',
    kind: bool,
    default: false,
    description: 'Announce addresses of services also while no endpoint serves, as kube-router does',
  }),
  enableBfd: built({
    name: 'enable-bfd',
    kind: bool,
    default: false,
    description: 'BFD with the external peers given by flags',
  }),
  bfdPort: built({
    name: 'bfd-port',
    kind: uint(1, 65535),
    default: 3784,
    description: 'UDP port of BFD with external peers',
  }),
  bfdDetectionMultiplier: built({
    name: 'bfd-detection-multiplier',
    kind: uint(1, 255),
    default: 3,
    description: 'Packets that may be lost before a session is down',
  }),
  bfdDesiredMinTxMs: built({
    name: 'bfd-desired-min-tx-interval',
    kind: uint(1, Math.floor(MAX_UINT32 / 1000)),
    default: 1000,
    description: 'Time between sent packets, in milliseconds',
  }),
  bfdRequiredMinRxMs: built({
    name: 'bfd-required-min-rx-interval',
    kind: uint(1, Math.floor(MAX_UINT32 / 1000)),
    default: 1000,
    description: 'Least time between received packets, in milliseconds',
  }),
  meshHoldMs: built({
    name: 'mesh-holdtime',
    kind: duration,
    default: 90_000,
    description: 'Hold time of sessions with other nodes',
    check: (ms: number) => (ms >= 3000 && ms <= 65_535_000 ? undefined : 'a duration from 3s to 65535s'),
  }),
  meshPasswordFile: built({
    name: 'mesh-password-file',
    kind: string,
    default: '',
    description: 'File with the MD5 password of the sessions with other nodes; read again when it changes',
  }),
  meshEnableBfd: built({
    name: 'mesh-enable-bfd',
    kind: bool,
    default: false,
    description: 'BFD with the other nodes, with the times of --bfd-*',
  }),
  bgpLongLivedStaleMs: built({
    name: 'bgp-long-lived-stale-time',
    kind: duration,
    default: 0,
    description:
      'How long peers keep the routes as a last resort when graceful restart is over (RFC 9494); 0 for not at all',
    check: (ms: number) => (ms >= 0 && ms <= 16_777_215_000 ? undefined : 'a duration from 0 to 16777215s'),
  }),
  gobgpAdminAddress: known(ADMIN, {
    name: 'gobgp-admin-address',
    kind: listenAddress,
    default: '127.0.0.1',
    description: 'Address of the GoBGP admin listener',
  }),
  gobgpAdminPort: known(ADMIN, {
    name: 'gobgp-admin-port',
    kind: uint(0, 65535),
    default: 50051,
    off: [0],
    description: 'Port of the GoBGP admin listener; 0 for none',
  }),
} as const;
