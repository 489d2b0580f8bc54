import { inspect } from 'node:util';
import t from 'tap';
import { parsePeers } from '../../../src/annotations/peers.ts';
import { formatProblem } from '../../../src/annotations/problem.ts';

const PEERS = 'kube-router.io/peers';

/** What the annotations give, with passwords opened, and the problems as the log shows them. */
function read(annotations: Record<string, string>) {
  const { value, problems } = parsePeers(annotations);
  return {
    peers: value?.map(({ password, ...peer }) => ({ ...peer, ...(password && { password: password.reveal() }) })),
    problems: problems.map((problem) => formatProblem('node n1', problem)),
  };
}

t.test('A-5: every key of a peer', (t) => {
  const yaml = `
- remoteip: 192.0.2.1
  remoteasn: 65001
- remoteip: FD00:0::2
  remoteasn: 4200000001
  localip: fd00::1
  password: c2VjcmV0
  port: 1179
`;
  t.strictSame(read({ [PEERS]: yaml }), {
    peers: [
      { address: '192.0.2.1', asn: 65001 },
      { address: 'fd00::2', asn: 4200000001, localAddress: 'fd00::1', port: 1179, password: 'secret' },
    ],
    problems: [],
  });
  t.end();
});

t.test('no annotation and an empty one are no peers and no problem', (t) => {
  for (const annotations of [{}, { [PEERS]: '' }, { [PEERS]: '[]' }]) {
    t.strictSame(read(annotations), { peers: [], problems: [] });
  }
  t.end();
});

const ASNS = '1-23455, 23457-63999, 64512-65534, 131072-4294967294';
const KEYS =
  'remoteip, remoteasn, localip, password, port, bfd, holdTime, multihopTtl, ttlSecurity, gracefulRestart, longLivedStaleTime, addPath, prefixLimit, importFilter, exportFilter, pathPrepend, nextHopSelf, communities, largeCommunities, extendedCommunities, localPreference';
const BFD_KEYS = 'enabled, port, detection_multiplier, desired_min_tx_interval, required_min_rx_interval';
/** A peer with this beside what it must have. */
const withKey = (key: string) => `{remoteip: 192.0.2.2, remoteasn: 65001, ${key}}`;

/** One bad peer beside a good one: the value of the bad one, and the sentence about it behind `[1]`. */
const badPeers: readonly (readonly [yaml: string, sentence: string])[] = [
  ['{remoteip: 192.0.2.300, remoteasn: 65001}', '.remoteip: got "192.0.2.300", expected an IPv4 or IPv6 address'],
  ['{remoteip: 12, remoteasn: 65001}', '.remoteip: got 12, expected an IPv4 or IPv6 address'],
  ['{remoteasn: 65001}', '.remoteip: got nothing, expected an IPv4 or IPv6 address'],
  ['{remoteip: 192.0.2.2}', `.remoteasn: got nothing, expected an AS number of a peer (${ASNS})`],
  ['{remoteip: 192.0.2.2, remoteasn: "65001"}', `.remoteasn: got "65001", expected an AS number of a peer (${ASNS})`],
  ['{remoteip: 192.0.2.2, remoteasn: 23456}', `.remoteasn: got 23456, expected an AS number of a peer (${ASNS})`],
  ['{remoteip: 192.0.2.2, remoteasn: 65535}', `.remoteasn: got 65535, expected an AS number of a peer (${ASNS})`],
  ['{remoteip: 192.0.2.2, remoteasn: 0}', `.remoteasn: got 0, expected an AS number of a peer (${ASNS})`],
  ['{remoteip: 192.0.2.2, remoteasn: 65001, port: 0}', '.port: got 0, expected a TCP port from 1 to 65535'],
  ['{remoteip: 192.0.2.2, remoteasn: 65001, port: 70000}', '.port: got 70000, expected a TCP port from 1 to 65535'],
  ['{remoteip: 192.0.2.2, remoteasn: 65001, port: 1.5}', '.port: got 1.5, expected a TCP port from 1 to 65535'],
  ['{remoteip: 192.0.2.2, remoteasn: 65001, localip: x}', '.localip: got "x", expected an IPv4 or IPv6 address'],
  [
    '{remoteip: 192.0.2.2, remoteasn: 65001, password: "not base64!"}',
    '.password: got a text that is not shown, expected the base64 of a password of 1 to 80 bytes',
  ],
  [
    `{remoteip: 192.0.2.2, remoteasn: 65001, password: ${Buffer.alloc(81, 'x').toString('base64')}}`,
    '.password: got a text that is not shown, expected the base64 of a password of 1 to 80 bytes',
  ],
  [withKey('bfd: true'), `.bfd: got true, expected a map with the keys ${BFD_KEYS}`],
  [withKey('bfd: {enabled: "yes"}'), '.bfd.enabled: got "yes", expected true or false'],
  [withKey('bfd: {port: 0}'), '.bfd.port: got 0, expected a UDP port from 1 to 65535'],
  [withKey('bfd: {port: 65536}'), '.bfd.port: got 65536, expected a UDP port from 1 to 65535'],
  [
    withKey('bfd: {detection_multiplier: 256}'),
    '.bfd.detection_multiplier: got 256, expected a whole number from 1 to 255',
  ],
  [
    withKey('bfd: {desired_min_tx_interval: 0}'),
    '.bfd.desired_min_tx_interval: got 0, expected milliseconds from 1 to 4294967',
  ],
  [
    withKey('bfd: {required_min_rx_interval: 4294968}'),
    '.bfd.required_min_rx_interval: got 4294968, expected milliseconds from 1 to 4294967',
  ],
  [withKey('bfd: {interval: 1}'), `.bfd.interval: got 1, expected only the keys ${BFD_KEYS}`],
  [withKey('holdTime: 2s'), '.holdTime: got "2s", expected a duration such as 30s or 1m30s, 3s to 65535s'],
  [withKey('multihopTtl: 1'), '.multihopTtl: got 1, expected a TTL from 2 to 255'],
  [withKey('ttlSecurity: 255'), '.ttlSecurity: got 255, expected a number of hops from 1 to 254'],
  [
    withKey('ttlSecurity: 1, multihopTtl: 3'),
    '.ttlSecurity: got 1, expected one of multihopTtl and ttlSecurity: the latter sends with TTL 255 anyway',
  ],
  [
    withKey('prefixLimit: {action: stop}'),
    '.prefixLimit.maximum: got nothing, expected a number of prefixes from 1 to 4294967295',
  ],
  [
    withKey('prefixLimit: {maximum: 9, action: explode}'),
    '.prefixLimit.action: got "explode", expected warn, stop or restart',
  ],
  [
    withKey('importFilter: [{action: accept}, {action: drop}]'),
    '.importFilter[1].action: got "drop", expected accept or reject',
  ],
  [
    withKey('importFilter: [{action: accept, prefixes: [10.0.0.0/33]}]'),
    '.importFilter[0].prefixes[0].prefix: got "10.0.0.0/33", expected a prefix such as 10.0.0.0/8',
  ],
  [
    withKey('exportFilter: [{action: accept, prefixes: [{prefix: 10.0.0.0/8, ge: 4}]}]'),
    '.exportFilter[0].prefixes[0]: got {"prefix":"10.0.0.0/8","ge":4}, expected 8 <= ge <= le <= 32 for 10.0.0.0/8',
  ],
  [
    withKey('importFilter: [{action: accept, communities: ["1:2:3"]}]'),
    '.importFilter[0].communities[0]: got "1:2:3", expected a community ("1:2:3": expected 2 parts with ":" between them)',
  ],
  [
    withKey('communities: ["65000:*"]'),
    '.communities[0]: got "65000:*", expected communities such as 65000:100 or no-export',
  ],
  [withKey('pathPrepend: {as: 64512}'), '.pathPrepend.count: got nothing, expected a whole number from 1 to 255'],
  [withKey('addPath: {send: 0}'), '.addPath.send: got 0, expected a whole number from 1 to 255'],
  ['{remoteip: 192.0.2.2, remoteasn: 65001, remotport: 179}', `.remotport: got 179, expected only the keys ${KEYS}`],
  ['just text', ': got "just text", expected a map with the keys remoteip and remoteasn'],
];

t.test('A-5: a bad peer is named and left out, the other stays', (t) => {
  t.ok(badPeers.length > 0);
  for (const [yaml, sentence] of badPeers) {
    t.strictSame(
      read({ [PEERS]: `- {remoteip: 192.0.2.1, remoteasn: 65001}\n- ${yaml}\n` }),
      {
        peers: [{ address: '192.0.2.1', asn: 65001 }],
        problems: [`node n1: annotation ${PEERS} at [1]${sentence}`],
      },
      yaml,
    );
  }
  t.end();
});

const badWholes: readonly (readonly [yaml: string, sentence: string])[] = [
  ['remoteip: 192.0.2.1', ': got a map, expected a YAML list of peers'],
  ['42', ': got a number, expected a YAML list of peers'],
  ['- {remoteip: 1', ' at line 1, column 15: got YAML that cannot be read, expected a YAML list of peers (BAD_INDENT)'],
];

t.test('A-5: text that is no list says nothing of any peer', (t) => {
  t.ok(badWholes.length > 0);
  for (const [yaml, sentence] of badWholes) {
    t.strictSame(read({ [PEERS]: yaml }), { peers: undefined, problems: [`node n1: annotation ${PEERS}${sentence}`] });
  }
  t.end();
});

t.test('passwords are not shown', (t) => {
  const { value } = parsePeers({ [PEERS]: '[{remoteip: 192.0.2.1, remoteasn: 65001, password: c2VjcmV0}]' });
  t.equal(value?.[0]?.password?.reveal(), 'secret');
  t.notMatch(JSON.stringify(value) + inspect(value, { depth: 9 }), /secret'|c2VjcmV0|"secret"/);
  t.end();
});

const deprecated = (key: string) => `kube-router.io/peer.${key}`;

t.test('A-6: deprecated lists, blanks for what is optional', (t) => {
  const result = read({
    [deprecated('ips')]: '192.0.2.1, 192.0.2.2',
    [deprecated('asns')]: '65001,65002',
    [deprecated('passwords')]: ',c2VjcmV0',
    [deprecated('ports')]: '1790,',
    [deprecated('localips')]: ',192.0.2.9',
  });
  t.strictSame(result, {
    peers: [
      { address: '192.0.2.1', asn: 65001, port: 1790 },
      { address: '192.0.2.2', asn: 65002, localAddress: '192.0.2.9', password: 'secret' },
    ],
    problems: [],
  });
  t.end();
});

t.test('A-6: lists of different length', (t) => {
  const ips = { [deprecated('ips')]: '192.0.2.1,192.0.2.2' };
  t.strictSame(read({ ...ips, [deprecated('asns')]: '65001' }), {
    peers: undefined,
    problems: [
      'node n1: annotation kube-router.io/peer.asns: got 1 entry: "65001", expected 2, one for each of kube-router.io/peer.ips',
    ],
  });
  t.strictSame(read({ ...ips, [deprecated('asns')]: '65001,65002', [deprecated('passwords')]: 'YQ==,YQ==,YQ==' }), {
    peers: undefined,
    problems: [
      'node n1: annotation kube-router.io/peer.passwords: got 3 entries, expected 2, one for each of kube-router.io/peer.ips',
    ],
  });
  t.end();
});

t.test('A-6: a bad entry is named by its annotation and place', (t) => {
  const result = read({ [deprecated('ips')]: '192.0.2.1,192.0.2.2', [deprecated('asns')]: '65001,many' });
  t.strictSame(result, {
    peers: [{ address: '192.0.2.1', asn: 65001 }],
    problems: [
      `node n1: annotation kube-router.io/peer.asns at [1]: got "many", expected an AS number of a peer (${ASNS})`,
    ],
  });
  t.end();
});

t.test('the YAML annotation takes the place of the deprecated ones', (t) => {
  const { peers } = read({
    [PEERS]: '[{remoteip: 192.0.2.1, remoteasn: 65001}]',
    [deprecated('ips')]: '192.0.2.2',
    [deprecated('asns')]: '65002',
  });
  t.strictSame(peers, [{ address: '192.0.2.1', asn: 65001 }]);
  t.end();
});
