import t from 'tap';
import { planIdentity, planRouterId } from '../../../src/router/identity.ts';
import { facts, options } from './fixture.ts';

t.test('P-9: first InternalIP, else first ExternalIP; the same within a family', (t) => {
  const cases: readonly (readonly [
    addresses: readonly string[],
    primary: string | undefined,
    ipv4: string | undefined,
    ipv6: string | undefined,
  ])[] = [
    [['10.0.0.1', '10.0.0.2'], '10.0.0.1', '10.0.0.1', undefined],
    [['external:192.0.2.1', '10.0.0.1'], '10.0.0.1', '10.0.0.1', undefined],
    [['external:192.0.2.1'], '192.0.2.1', '192.0.2.1', undefined],
    [['fd00::1', '10.0.0.1'], 'fd00::1', '10.0.0.1', 'fd00::1'],
    [['10.0.0.1', 'external:FD00:0::1'], '10.0.0.1', '10.0.0.1', 'fd00::1'],
    [['node.example'], undefined, undefined, undefined],
    [[], undefined, undefined, undefined],
  ];
  t.ok(cases.length > 0);
  for (const [addresses, primary, ipv4, ipv6] of cases) {
    const { primary: gotPrimary, ipv4: got4, ipv6: got6 } = facts('n', { addresses });
    t.strictSame([gotPrimary, got4, got6], [primary, ipv4, ipv6], addresses.join(' '));
  }
  t.end();
});

t.test('P-10: annotations before spec', (t) => {
  const read = (annotations: Record<string, string>, podCidrs: string[]) =>
    facts('n', { annotations, podCidrs }).podCidrs.map(({ text }) => text);
  t.strictSame(read({}, ['10.3.0.0/24', 'fd00:3::/64']), ['10.3.0.0/24', 'fd00:3::/64']);
  t.strictSame(read({ 'kube-router.io/pod-cidrs': '10.2.0.0/24' }, ['10.3.0.0/24']), ['10.2.0.0/24']);
  t.strictSame(read({ 'kube-router.io/pod-cidr': '10.1.0.0/24' }, ['10.3.0.0/24']), ['10.1.0.0/24']);
  t.end();
});

const dual = { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] };

t.test('a dual stack node', (t) => {
  const { identity, problems } = planIdentity(facts('n1', dual), undefined, options);
  t.match(identity, {
    primary: '10.0.0.1',
    ipv4: '10.0.0.1',
    ipv6: 'fd00::1',
    families: ['ipv4-unicast', 'ipv6-unicast'],
    asn: 64512,
    routerId: '10.0.0.1',
    listen: [
      { address: '10.0.0.1', port: 179 },
      { address: 'fd00::1', port: 179 },
    ],
  });
  t.strictSame(
    identity?.podCidrs.map(({ text }) => text),
    dual.podCidrs,
  );
  t.strictSame(problems, []);
  t.end();
});

t.test('F-6: a family that is off is not listened on nor announced', (t) => {
  const { identity, problems } = planIdentity(facts('n1', dual), undefined, { ...options, enableIpv6: false });
  t.strictSame(identity?.families, ['ipv4-unicast']);
  t.strictSame(identity?.listen, [{ address: '10.0.0.1', port: 179 }]);
  t.strictSame(
    identity?.podCidrs.map(({ text }) => text),
    ['10.244.1.0/24'],
  );
  t.strictSame(
    problems.map(({ text }) => text),
    ['node n1: pod CIDR fd00:1::/64 is not used: IPv6 is off or has no node address'],
  );
  t.end();
});

t.test('B-32: a family without address is named, the other goes on', (t) => {
  const own = facts('n1', { addresses: ['10.0.0.1'], podCidrs: ['10.244.1.0/24'] });
  const { identity, problems } = planIdentity(own, undefined, options);
  t.strictSame(identity?.families, ['ipv4-unicast']);
  t.strictSame(
    problems.map(({ text }) => text),
    ['node n1: no IPv6 address in status.addresses, expected one for --enable-ipv6'],
  );
  t.end();
});

t.test('what a speaker cannot do without', (t) => {
  const ipv6 = facts('n1', { addresses: ['fd00::1'], podCidrs: ['fd00:1::/64'] });
  const only6 = { ...options, enableIpv4: false };
  const cases: readonly (readonly [what: string, result: ReturnType<typeof planIdentity>, problem: string])[] = [
    [
      'F-35: router id of an IPv6 node',
      planIdentity(ipv6, undefined, only6),
      'node n1: primary address fd00::1 is IPv6, expected --router-id with an IPv4 address or "generate"',
    ],
    [
      'A-1: node.asn without full mesh',
      planIdentity(facts('n1', dual), undefined, { ...options, nodesFullMesh: false }),
      'node n1: no annotation kube-router.io/node.asn, expected one with --nodes-full-mesh=false',
    ],
    [
      'no address',
      planIdentity(facts('n1', { podCidrs: ['10.244.1.0/24'] }), undefined, { ...options, enableIpv6: false }),
      'node n1: no IPv4 address in status.addresses, expected one for --enable-ipv4',
    ],
  ];
  t.ok(cases.length > 0);
  for (const [what, { identity, problems }, text] of cases) {
    t.equal(identity, undefined, what);
    t.ok(
      problems.some((problem) => problem.text === text),
      `${what}: ${problems.map((one) => one.text).join('; ')}`,
    );
  }
  t.end();
});

t.test('a node without pod CIDR has sessions and one problem', (t) => {
  const { identity, problems } = planIdentity(facts('n1', { addresses: ['10.0.0.1'] }), undefined, {
    ...options,
    enableIpv6: false,
  });
  t.strictSame(identity?.podCidrs, []);
  t.strictSame(problems, [
    {
      code: 'no-pod-cidr',
      subject: 'n1',
      text: 'node n1: no pod CIDR, expected spec.podCIDRs or the annotation kube-router.io/pod-cidrs',
    },
  ]);
  t.end();
});

t.test('A-1, A-10: AS number and listening addresses of annotations', (t) => {
  const own = facts('n1', { ...dual, annotations: { 'kube-router.io/node.asn': '65001' } });
  const settings = { ...options, nodesFullMesh: false, bgpPort: 1179 };
  const { identity } = planIdentity(own, ['10.0.0.9'], settings);
  t.equal(identity?.asn, 65001);
  t.strictSame(identity?.listen, [{ address: '10.0.0.9', port: 1179 }]);
  t.equal(planIdentity(own, undefined, options).identity?.asn, 64512, 'a full mesh is one AS');
  t.end();
});

t.test('F-35: router ids', (t) => {
  // FNV-1a 32 of the 16 bytes, computed apart with Go's hash/fnv definition (offset 2166136261, prime 16777619).
  const fnv = (bytes: number[]) => {
    let hash = 2166136261n;
    for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 16777619n) % 2n ** 32n;
    return [24n, 16n, 8n, 0n].map((shift) => (hash >> shift) % 256n).join('.');
  };
  const zeros = (count: number) => Array<number>(count).fill(0);
  t.equal(planRouterId('10.0.0.1', ''), '10.0.0.1');
  t.equal(planRouterId('fd00::1', ''), undefined);
  t.equal(planRouterId('fd00::1', '192.0.2.1'), '192.0.2.1');
  t.equal(planRouterId('10.0.0.1', 'generate'), fnv([...zeros(10), 0xff, 0xff, 10, 0, 0, 1]));
  t.equal(planRouterId('fd00::1', 'generate'), fnv([0xfd, ...zeros(14), 1]));
  t.end();
});
