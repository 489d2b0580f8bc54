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
const KEYS = 'remoteip, remoteasn, localip, password, port, bfd';

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
  [
    '{remoteip: 192.0.2.2, remoteasn: 65001, bfd: {enabled: true}}',
    '.bfd: got {"enabled":true}, expected no bfd key: BFD is not built yet',
  ],
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
