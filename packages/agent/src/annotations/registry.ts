/**
 * Every annotation that is read, one row each. The parsers take the names from here, docs/annotations.md is made of it, and
 * a test reads the examples, good and bad, with those parsers.
 */

export interface AnnotationRow {
  readonly name: string;
  /** Kind of the object that carries it. */
  readonly object: string;
  readonly type: string;
  /** What holds without it. */
  readonly default: string;
  /** What a value has to be, and what becomes of a bad one. */
  readonly validation: string;
  /** What a change of it touches; nothing needs a restart of the agent. */
  readonly effect: string;
  readonly meaning: string;
  readonly example: string;
  /** A value that is refused and named; there is none where only presence counts. */
  readonly bad?: string;
  /** Other annotations that the example needs beside it. */
  readonly beside?: Readonly<Record<string, string>>;
  readonly deprecated?: true;
}

const onNode = <const Row extends Omit<AnnotationRow, 'object'>>(row: Row) => ({ object: 'Node', ...row }) as const;

const onService = <const Row extends Omit<AnnotationRow, 'object'>>(row: Row) =>
  ({ object: 'Service', ...row }) as const;

const SESSION = 'the sessions that differ; the others go on';
const EXTERNAL = 'the external sessions that differ; a peer whose policy alone changed keeps its session';
const NO_SESSION = 'announcements and policies; no session resets';
const REST_STANDS = 'a bad entry is named and left out';
const ALL_OR_LAST = 'a bad value is named, and the peers of the last good one stay';

const WORDS = "the words of Go's ParseBool: `true`, `t`, `1`, `false`…; anything else is named and taken as false";
const ANNOUNCED = 'announcements of its addresses; no session resets';
const PROXY = 'its IPVS services and rules; its connections stay';
const DSR = 'nothing yet: direct server return is not built';

const IPS = { 'kube-router.io/peer.ips': '192.0.2.1' } as const;
const IPS_ASNS = { ...IPS, 'kube-router.io/peer.asns': '64600' } as const;

export const annotations = {
  peers: onNode({
    name: 'kube-router.io/peers',
    type: 'YAML list',
    default: 'no external peers',
    validation: `keys as in configure.md; ${ALL_OR_LAST}`,
    effect: EXTERNAL,
    meaning: 'external peers; not looked at when `--peer-router-ips` is given',
    example: '[{remoteip: 192.0.2.1, remoteasn: 64600}]',
    bad: '[{remoteip: 192.0.2.1}]',
  }),
  asn: onNode({
    name: 'kube-router.io/node.asn',
    type: 'AS number',
    default: 'required with `--nodes-full-mesh=false`, not used otherwise',
    validation: '1 to 4294967295, also as 0x…; without a good one the node has no sessions',
    effect: 'of the own node all sessions, of another one the session with it',
    meaning: "the node's AS; sessions between nodes of equal numbers",
    example: '65001',
    bad: '0',
  }),
  podCidrs: onNode({
    name: 'kube-router.io/pod-cidrs',
    type: 'prefixes with commas',
    default: '`spec.podCIDRs`',
    validation: REST_STANDS,
    effect: NO_SESSION,
    meaning: 'pod CIDRs of the node',
    example: '10.244.1.0/24,fd00:10:244:1::/64',
    bad: '10.244.1.0',
  }),
  podCidr: onNode({
    name: 'kube-router.io/pod-cidr',
    type: 'prefix',
    default: '`kube-router.io/pod-cidrs`',
    validation: 'a bad one is named and not used',
    effect: NO_SESSION,
    meaning: 'pod CIDR of the node; wins over `pod-cidrs`',
    example: '10.244.1.0/24',
    bad: '10.244.1.0/33',
    deprecated: true,
  }),
  localAddresses: onNode({
    name: 'kube-router.io/bgp-local-addresses',
    type: 'addresses with commas',
    default: "the node's best address of each family",
    validation: 'one bad entry voids all; each has to be an address of the host',
    effect: 'all sessions start again',
    meaning: 'where BGP listens',
    example: '192.0.2.11,2001:db8::11',
    bad: '192.0.2.11/24',
  }),
  importReject: onNode({
    name: 'kube-router.io/node.bgp.customimportreject',
    type: 'prefixes with commas',
    default: 'nothing beside default routes is rejected',
    validation: 'one bad entry voids all',
    effect: NO_SESSION,
    meaning: 'not imported, nor anything inside them',
    example: '10.0.0.0/8,fd00::/8',
    bad: '10.0.0.0/8,10.0.0.300/8',
  }),
  communities: onNode({
    name: 'kube-router.io/node.bgp.communities',
    type: 'list with commas',
    default: 'none',
    validation: `a number of 32 bits, two of 16 bits with a colon, or a well-known name; ${REST_STANDS}`,
    effect: NO_SESSION,
    meaning: 'added to what external peers get',
    example: '65000:100,no-export',
    bad: '65000:100000',
  }),
  prependAsn: onNode({
    name: 'kube-router.io/path-prepend.as',
    type: 'AS number',
    default: 'nothing is prepended',
    validation: '1 to 4294967295, and only with `path-prepend.repeat-n`; else nothing is prepended',
    effect: NO_SESSION,
    meaning: 'put before the path that external peers get',
    example: '65001',
    bad: 'AS65001',
    beside: { 'kube-router.io/path-prepend.repeat-n': '3' },
  }),
  prependCount: onNode({
    name: 'kube-router.io/path-prepend.repeat-n',
    type: 'number',
    default: 'nothing is prepended',
    validation: '1 to 255, and only with `path-prepend.as`; else nothing is prepended',
    effect: NO_SESSION,
    meaning: 'how often',
    example: '3',
    bad: '256',
    beside: { 'kube-router.io/path-prepend.as': '65001' },
  }),
  reflectorServer: onNode({
    name: 'kube-router.io/rr.server',
    type: 'cluster id',
    default: 'no reflection',
    validation: 'a number from 1 to 4294967295 or an IPv4 address; a bad one is named and not used',
    effect: 'of the own node all sessions, of another one the session with it',
    meaning: 'the node reflects routes; wins over `rr.client`',
    example: '42',
    bad: 'rack-1',
  }),
  reflectorClient: onNode({
    name: 'kube-router.io/rr.client',
    type: 'cluster id',
    default: 'no reflection',
    validation: 'as `rr.server`',
    effect: SESSION,
    meaning: 'sessions with the reflectors of that cluster alone',
    example: '42',
    bad: '0',
  }),
  peerAddresses: onNode({
    name: 'kube-router.io/peer.ips',
    type: 'addresses with commas',
    default: 'no external peers',
    validation: ALL_OR_LAST,
    effect: EXTERNAL,
    meaning: 'older form of `peers`, used only without it',
    example: '192.0.2.1',
    bad: '192.0.2.256',
    beside: { 'kube-router.io/peer.asns': '64600' },
    deprecated: true,
  }),
  peerAsns: onNode({
    name: 'kube-router.io/peer.asns',
    type: 'AS numbers with commas',
    default: 'required with `peer.ips`',
    validation: `one for each of \`peer.ips\`; ${ALL_OR_LAST}`,
    effect: EXTERNAL,
    meaning: 'AS numbers of the peers',
    example: '64600',
    bad: '64600,64601',
    beside: IPS,
    deprecated: true,
  }),
  peerPorts: onNode({
    name: 'kube-router.io/peer.ports',
    type: 'ports with commas',
    default: '179',
    validation: `one for each of \`peer.ips\`, a blank for 179; ${ALL_OR_LAST}`,
    effect: EXTERNAL,
    meaning: 'TCP ports of the peers',
    example: '1790',
    bad: '65536',
    beside: IPS_ASNS,
    deprecated: true,
  }),
  peerPasswords: onNode({
    name: 'kube-router.io/peer.passwords',
    type: 'base64 texts with commas',
    default: 'no password',
    validation: `one for each of \`peer.ips\`, a blank for none, 80 bytes at most; ${ALL_OR_LAST}`,
    effect: EXTERNAL,
    meaning: 'TCP MD5 passwords',
    example: 'c2VjcmV0',
    bad: 'secret',
    beside: IPS_ASNS,
    deprecated: true,
  }),
  peerLocalAddresses: onNode({
    name: 'kube-router.io/peer.localips',
    type: 'addresses with commas',
    default: "the node's address of the peer's family",
    validation: `one for each of \`peer.ips\`, a blank for the default; ${ALL_OR_LAST}`,
    effect: EXTERNAL,
    meaning: 'own addresses to connect from',
    example: '192.0.2.11',
    bad: 'eth0',
    beside: IPS_ASNS,
    deprecated: true,
  }),
  serviceAdvertiseClusterIp: onService({
    name: 'kube-router.io/service.advertise.clusterip',
    type: 'true or false',
    default: '`--advertise-cluster-ip`',
    validation: WORDS,
    effect: ANNOUNCED,
    meaning: 'whether its cluster IPs are announced to external peers',
    example: 'true',
    bad: 'yes',
  }),
  serviceAdvertiseExternalIp: onService({
    name: 'kube-router.io/service.advertise.externalip',
    type: 'true or false',
    default: '`--advertise-external-ip`',
    validation: WORDS,
    effect: ANNOUNCED,
    meaning: 'the same of its external IPs',
    example: 'true',
    bad: 'on',
  }),
  serviceAdvertiseLoadBalancerIp: onService({
    name: 'kube-router.io/service.advertise.loadbalancerip',
    type: 'true or false',
    default: '`--advertise-loadbalancer-ip`',
    validation: WORDS,
    effect: ANNOUNCED,
    meaning: 'the same of its load balancer addresses',
    example: 'true',
    bad: '',
  }),
  serviceCommunities: onService({
    name: 'kube-router.io/service.bgp.communities',
    type: 'list with commas',
    default: 'none',
    validation: `as \`node.bgp.communities\`; ${REST_STANDS}`,
    effect: ANNOUNCED,
    meaning: 'new: added to its addresses, beside those of the node; of Services that share an address all are added',
    example: '65000:80',
    bad: '65000:x',
  }),
  serviceLocal: onService({
    name: 'kube-router.io/service.local',
    type: 'true',
    default: '`externalTrafficPolicy` alone counts',
    validation: '`true` or `false`; anything else is named and taken as false',
    effect: ANNOUNCED,
    meaning: 'external and load balancer addresses as with `externalTrafficPolicy: Local`',
    example: 'true',
    bad: '1',
  }),
  serviceSkipLoadBalancerIps: onService({
    name: 'kube-router.io/service.skiplbips',
    type: 'presence',
    default: 'load balancer addresses count',
    validation: 'any value',
    effect: ANNOUNCED,
    meaning: 'its load balancer addresses are neither announced nor served',
    example: '',
    deprecated: true,
  }),
  serviceDsr: onService({
    name: 'kube-router.io/service.dsr',
    type: 'tunnel',
    default: 'no direct server return',
    validation: '`tunnel`; anything else is named and not used',
    effect: DSR,
    meaning: 'direct server return for external addresses',
    example: 'tunnel',
    bad: 'route',
  }),
  serviceScheduler: onService({
    name: 'kube-router.io/service.scheduler',
    type: 'scheduler of IPVS',
    default: '`rr`',
    validation: '`rr`, `lc`, `dh`, `sh` or `mh`; anything else is named and not used',
    effect: PROXY,
    meaning: 'how connections are spread over endpoints',
    example: 'mh',
    bad: 'wrr',
  }),
  serviceSchedulerFlags: onService({
    name: 'kube-router.io/service.schedflags',
    type: 'list with commas',
    default: 'none',
    validation: '`flag-1` (fallback), `flag-2` (port), `flag-3`, and only with the scheduler `mh`',
    effect: PROXY,
    meaning: 'flags of the scheduler',
    example: 'flag-1,flag-2',
    bad: 'flag-4',
    beside: { 'kube-router.io/service.scheduler': 'mh' },
  }),
  serviceHairpin: onService({
    name: 'kube-router.io/service.hairpin',
    type: 'presence',
    default: '`--hairpin-mode`',
    validation: 'any value',
    effect: PROXY,
    meaning: 'its pods reach themselves by its cluster IPs',
    example: '',
  }),
  serviceHairpinExternalIps: onService({
    name: 'kube-router.io/service.hairpin.externalips',
    type: 'presence',
    default: 'no',
    validation: 'any value',
    effect: PROXY,
    meaning: 'its pods reach themselves by its external addresses',
    example: '',
  }),
} satisfies Record<string, AnnotationRow>;
