import t from 'tap';
import { parseAddress, parsePrefix } from '../../../src/address.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import { conditions } from '../../../src/policy/conditions.ts';
import type { PolicyMatch } from '../../../src/policy/model.ts';
import type { PolicyRoute } from '../../../src/policy/route.ts';

const attributes: PathAttributes = {
  origin: 'egp',
  asPath: [
    { kind: 'confederation-sequence', asns: [64512] },
    { kind: 'sequence', asns: [65001, 65002] },
    { kind: 'set', asns: [65003, 65004] },
  ],
  multiExitDisc: 30,
  localPref: 200,
  communities: [65001 * 65536 + 150, 0xffff_ff01],
  largeCommunities: [[65001, 2, 3]],
  // rt:65001:100, ro:192.0.2.1:7, rt:4200000000:9, lb of AS 65001, an opaque one.
  extendedCommunities: [
    0x0002_fde9_0000_0064n,
    0x0103_c000_0201_0007n,
    0x0202_fa56_ea00_0009n,
    0x4004_fde9_4b3e_bc20n,
    0x0306_0000_0000_0001n,
  ],
};

function route(prefix: string, rest: Partial<PolicyRoute> = {}): PolicyRoute {
  const { address, length } = parsePrefix(prefix);
  const view = new DataView(address.buffer, address.byteOffset);
  return {
    words: address.length === 4 ? 1 : 4,
    length,
    word: (index) => view.getUint32(index * 4),
    attributes,
    nextHop: parseAddress('192.0.2.9'),
    neighbor: '192.0.2.1',
    peerType: 'ebgp',
    source: 'ibgp',
    ...rest,
  };
}

const four = route('198.51.100.0/24');
const six = route('2001:db8::/32', { nextHop: parseAddress('2001:db8::9'), neighbor: 'fe80::1%eth0' });
const bare = route('198.51.100.0/24', { attributes: {}, nextHop: undefined });

const cases: [match: PolicyMatch, route: PolicyRoute, holds: boolean][] = [
  [{ families: ['ipv4-unicast'] }, four, true],
  [{ families: ['ipv4-unicast'] }, six, false],
  [{ families: ['ipv4-unicast', 'ipv6-unicast'] }, six, true],
  [{ families: [] }, four, false],
  [{ neighbors: ['192.0.2.1'] }, four, true],
  [{ neighbors: ['192.0.2.2'] }, four, false],
  [{ neighbors: ['192.0.2.0/24'] }, four, true],
  [{ neighbors: ['192.0.3.0/24', '2001:db8::/32'] }, four, false],
  [{ neighbors: ['FE80:0::1'] }, six, true],
  [{ neighbors: ['fe80::/64'] }, six, true],
  [{ peerType: 'ebgp' }, four, true],
  [{ peerType: 'confederation' }, four, false],
  [{ source: 'ibgp' }, four, true],
  [{ source: 'local' }, four, false],
  [{ asPath: ['^64512 65001 .* 65004$'] }, four, true],
  [{ asPath: ['^65001', '65003$'] }, four, true],
  [{ asPath: ['^65001'] }, four, false],
  [{ asPath: ['^$'] }, bare, true],
  [{ pathLength: { min: 3, max: 3 } }, four, true],
  [{ pathLength: { min: 4 } }, four, false],
  [{ pathLength: { max: 0 } }, bare, true],
  [{ origins: ['egp', 'igp'] }, four, true],
  [{ origins: ['incomplete'] }, four, false],
  [{ origins: ['igp'] }, bare, false],
  [{ nextHops: [{ prefix: '192.0.2.0/24' }] }, four, true],
  [{ nextHops: [{ prefix: '192.0.2.9/32' }] }, four, true],
  [{ nextHops: [{ prefix: '192.0.2.8/32' }] }, four, false],
  [{ nextHops: [{ prefix: '2001:db8::/32' }] }, six, true],
  [{ nextHops: [{ prefix: '0.0.0.0/0' }] }, bare, false],
  [{ med: { min: 30, max: 30 } }, four, true],
  [{ med: { max: 29 } }, four, false],
  [{ med: {} }, bare, false],
  [{ localPreference: { min: 200 } }, four, true],
  [{ localPreference: { min: 201 } }, four, false],
  [{ communities: [65001 * 65536 + 150] }, four, true],
  [{ communities: ['65001:150'] }, four, true],
  [{ communities: ['65001:*'] }, four, true],
  [{ communities: ['*:150'] }, four, true],
  [{ communities: ['65000-65001:100-199'] }, four, true],
  [{ communities: ['65001:151-199', '65002:*'] }, four, false],
  [{ communities: ['no-export'] }, four, true],
  [{ communities: ['no-advertise'] }, four, false],
  [{ communities: ['*:*'] }, bare, false],
  [{ largeCommunities: [[65001, 2, 3]] }, four, true],
  [{ largeCommunities: ['65001:*:3'] }, four, true],
  [{ largeCommunities: ['65001:*:4', '*:1:*'] }, four, false],
  [{ extendedCommunities: [0x0002_fde9_0000_0064n] }, four, true],
  [{ extendedCommunities: ['0x0002fde900000064'] }, four, true],
  [{ extendedCommunities: ['rt:65001:100'] }, four, true],
  [{ extendedCommunities: ['rt:65001:*'] }, four, true],
  [{ extendedCommunities: ['rt:4200000000:9'] }, four, true],
  [{ extendedCommunities: ['ro:192.0.2.1:7'] }, four, true],
  [{ extendedCommunities: ['ro:*:*'] }, four, true],
  [{ extendedCommunities: ['lb:65001:*'] }, four, true],
  [{ extendedCommunities: ['ro:65001:*', 'rt:192.0.2.1:7', 'rt:65001:101', 'ro:3221225985:7'] }, four, false],
  [{ communities: ['no-export'], med: { max: 29 } }, four, false],
  [{ communities: ['no-export'], med: { max: 30 } }, four, true],
];

t.test('each condition, and all of a match together', async (t) => {
  t.ok(cases.length > 0);
  for (const [match, subject, holds] of cases) {
    const policy = compilePolicy({
      name: 'one',
      statements: [{ name: 'one', match, verdict: 'accept' }],
      defaultVerdict: 'reject',
    });
    const shown = JSON.stringify(match, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
    t.equal(policy.evaluate(subject).accepted, holds, shown);
    const [step] = policy.trace(subject).steps;
    t.equal(step?.failed === undefined, holds, `${shown} in a trace`);
    t.equal(step?.why === undefined, holds);
  }
  const asked = new Set(cases.flatMap(([match]) => Object.keys(match)));
  // Those of prefixes have tests of their own.
  const all = Object.keys(conditions).filter((name) => name !== 'prefixes' && name !== 'prefixSet');
  t.strictSame([...asked].sort(), all.sort(), 'every condition stands in the table');
});

t.test('a trace shows what the route has', async (t) => {
  const shown: [PolicyMatch, string][] = [
    [{ asPath: ['^1$'] }, 'asPath: the route has (64512) 65001 65002 {65003,65004}, wanted ["^1$"]'],
    [{ communities: ['1:1'] }, 'communities: the route has 65001:150 no-export, wanted ["1:1"]'],
    [{ largeCommunities: [[1, 1, 1]] }, 'largeCommunities: the route has 65001:2:3, wanted [[1,1,1]]'],
    [{ nextHops: [{ prefix: '10.0.0.0/8' }] }, 'nextHops: the route has 192.0.2.9, wanted [{"prefix":"10.0.0.0/8"}]'],
    [{ med: { min: 31 } }, 'med: the route has 30, wanted {"min":31}'],
    [{ families: ['ipv6-unicast'] }, 'families: the route has ipv4-unicast, wanted ["ipv6-unicast"]'],
    [{ pathLength: { min: 9 } }, 'pathLength: the route has 3, wanted {"min":9}'],
    [{ origins: ['igp'] }, 'origins: the route has egp, wanted ["igp"]'],
  ];
  t.ok(shown.length > 0);
  for (const [match, why] of shown) {
    const policy = compilePolicy({ name: 'one', statements: [{ name: 'one', match }], defaultVerdict: 'reject' });
    t.equal(policy.trace(four).steps[0]?.why, why);
  }
});
