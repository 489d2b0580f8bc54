import t from 'tap';
import {
  parseCommunities,
  parseImportReject,
  parseLocalAddresses,
  parseNodeAsn,
  parsePathPrepend,
  parsePodCidrs,
  parseReflection,
} from '../../../src/annotations/node.ts';
import { formatProblem, type Parsed } from '../../../src/annotations/problem.ts';

const read = <T>({ value, problems }: Parsed<T>) => ({
  value,
  problems: problems.map((one) => formatProblem('node n1', one)),
});
const texts = (list: readonly { readonly text: string }[] | undefined) => list?.map(({ text }) => text);

const asns: readonly (readonly [text: string, asn: number | undefined])[] = [
  ['65001', 65001],
  ['0xFDE9', 65001],
  ['0o17', 15],
  ['017', 15],
  ['0b11', 3],
  ['4294967295', 4294967295],
  ['4294967296', undefined],
  ['0', undefined],
  ['-1', undefined],
  ['65 001', undefined],
  ['', undefined],
];

t.test('A-1: node.asn is a uint32 in any base of Go', (t) => {
  t.ok(asns.length > 0);
  for (const [text, asn] of asns) {
    const problems =
      asn === undefined
        ? [`node n1: annotation kube-router.io/node.asn: got "${text}", expected an AS number from 1 to 4294967295`]
        : [];
    t.strictSame(read(parseNodeAsn({ 'kube-router.io/node.asn': text })), { value: asn, problems }, text);
  }
  t.strictSame(read(parseNodeAsn({})), { value: undefined, problems: [] });
  t.end();
});

t.test('A-11, P-10: pod-cidr wins over pod-cidrs; bad ones are named and skipped', (t) => {
  const single = 'kube-router.io/pod-cidr';
  const several = 'kube-router.io/pod-cidrs';
  const cidrs = (annotations: Record<string, string>) => {
    const { value, problems } = parsePodCidrs(annotations);
    return { value: texts(value), problems: problems.map((one) => formatProblem('node n1', one)) };
  };
  t.strictSame(cidrs({}), { value: undefined, problems: [] });
  t.strictSame(cidrs({ [single]: '10.1.0.0/24', [several]: '10.2.0.0/24' }), { value: ['10.1.0.0/24'], problems: [] });
  t.strictSame(cidrs({ [several]: '10.2.0.0/24, fd00:2::/64' }), {
    value: ['10.2.0.0/24', 'fd00:2::/64'],
    problems: [],
  });
  t.strictSame(cidrs({ [single]: '10.1.0.0', [several]: '10.2.0.0/24,x' }), {
    value: ['10.2.0.0/24'],
    problems: [
      'node n1: annotation kube-router.io/pod-cidr: got "10.1.0.0", expected a prefix such as 10.244.1.0/24',
      'node n1: annotation kube-router.io/pod-cidrs at [1]: got "x", expected a prefix such as 10.244.1.0/24',
    ],
  });
  t.end();
});

t.test('A-10: listening addresses, all or none', (t) => {
  const key = 'kube-router.io/bgp-local-addresses';
  t.strictSame(read(parseLocalAddresses({ [key]: '192.0.2.1, FD00::1' })), {
    value: ['192.0.2.1', 'fd00::1'],
    problems: [],
  });
  t.strictSame(read(parseLocalAddresses({ [key]: '192.0.2.1,eth0' })), {
    value: undefined,
    problems: [`node n1: annotation ${key} at [1]: got "eth0", expected an IPv4 or IPv6 address`],
  });
  t.end();
});

t.test('A-3: one bad entry voids the whole annotation', (t) => {
  const key = 'kube-router.io/node.bgp.customimportreject';
  t.strictSame(texts(parseImportReject({ [key]: '10.0.0.0/16, fd00::/64' }).value), ['10.0.0.0/16', 'fd00::/64']);
  t.strictSame(read(parseImportReject({ [key]: '10.0.0.0/16,10.0.0.0/99' })), {
    value: [],
    problems: [
      `node n1: annotation ${key} at [1]: got "10.0.0.0/99", expected a prefix such as 10.244.1.0/24; nothing of this annotation is used`,
    ],
  });
  t.end();
});

const communities: readonly (readonly [text: string, value: readonly number[], problems: number])[] = [
  ['65000:100', [0xfde80064], 0],
  ['4259840100, no-export,No-Peer', [4259840100, 0xffffff01, 0xffffff04], 0],
  ['planned-shut,blackhole,internet', [0xffff0000, 0xffff029a, 0], 0],
  ['65536:1,1:65536,4294967296,nonsense,,7', [7], 5],
  ['', [], 0],
];

t.test('A-2: communities as numbers, pairs and names; bad ones are named and left out', (t) => {
  t.ok(communities.length > 0);
  for (const [text, value, problems] of communities) {
    const parsed = parseCommunities({ 'kube-router.io/node.bgp.communities': text });
    t.strictSame(parsed.value, value, text);
    t.equal(parsed.problems.length, problems, text);
  }
  t.end();
});

const prepends: readonly (readonly [
  asn: string | undefined,
  count: string | undefined,
  value: unknown,
  bad: number,
])[] = [
  ['65100', '3', { asn: 65100, count: 3 }, 0],
  ['4294967295', '255', { asn: 4294967295, count: 255 }, 0],
  [undefined, undefined, undefined, 0],
  ['65100', undefined, undefined, 1],
  [undefined, '3', undefined, 1],
  ['0', '256', undefined, 2],
  ['x', '1', undefined, 1],
];

t.test('A-4: prepending needs both of its annotations', (t) => {
  t.ok(prepends.length > 0);
  for (const [asn, count, value, bad] of prepends) {
    const parsed = parsePathPrepend({
      ...(asn !== undefined && { 'kube-router.io/path-prepend.as': asn }),
      ...(count !== undefined && { 'kube-router.io/path-prepend.repeat-n': count }),
    });
    t.strictSame(parsed.value, value, `${asn} ${count}`);
    t.equal(parsed.problems.length, bad, `${asn} ${count}`);
  }
  t.end();
});

const reflections: readonly (readonly [server: string | undefined, client: string | undefined, value: unknown])[] = [
  [undefined, undefined, undefined],
  ['42', undefined, { role: 'server', clusterId: '0.0.0.42' }],
  [undefined, '10.1.1.1', { role: 'client', clusterId: '10.1.1.1' }],
  ['42', '43', { role: 'server', clusterId: '0.0.0.42' }],
];

t.test('A-9: rr.server and rr.client with a cluster id; the server wins', (t) => {
  const parse = (server?: string, client?: string) =>
    parseReflection({
      ...(server !== undefined && { 'kube-router.io/rr.server': server }),
      ...(client !== undefined && { 'kube-router.io/rr.client': client }),
    });
  t.ok(reflections.length > 0);
  for (const [server, client, value] of reflections) t.strictSame(parse(server, client), { value, problems: [] });
  for (const bad of ['', 'x', '4294967296', '::1', '0']) {
    t.match(parse(bad), { value: undefined, problems: [{ annotation: 'kube-router.io/rr.server' }] }, `"${bad}"`);
  }
  t.end();
});
