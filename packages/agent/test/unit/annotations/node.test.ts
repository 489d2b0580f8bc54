import t from 'tap';
import {
  findNotBuilt,
  notBuilt,
  parseImportReject,
  parseLocalAddresses,
  parseNodeAsn,
  parsePodCidrs,
} from '../../../src/annotations/node.ts';
import { formatProblem, type Parsed } from '../../../src/annotations/problem.ts';

const read = <T>({ value, problems }: Parsed<T>) => ({
  value,
  problems: problems.map((one) => formatProblem('n1', one)),
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
    return { value: texts(value), problems: problems.map((one) => formatProblem('n1', one)) };
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

t.test('an annotation of the original that has no effect yet is named', (t) => {
  t.ok(notBuilt.length > 0);
  for (const annotation of notBuilt) {
    const [problem] = findNotBuilt({ [annotation]: '7', [`${annotation}.other`]: '7' });
    t.match(problem, { annotation, value: '"7"', expected: /not built yet/ });
  }
  t.strictSame(findNotBuilt({ 'kube-router.io/peers': '[]' }), []);
  t.end();
});
