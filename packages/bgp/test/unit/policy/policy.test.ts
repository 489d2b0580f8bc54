import fc from 'fast-check';
import t from 'tap';
import { parsePrefix } from '../../../src/address.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { PolicyChain, PrefixRange } from '../../../src/policy/model.ts';
import { PrefixSet, type PrefixWords } from '../../../src/policy/prefix-set.ts';
import type { PolicyRoute } from '../../../src/policy/route.ts';

function wordsOf(text: string): PrefixWords {
  const { address, length } = parsePrefix(text, 'clear');
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  return { words: address.length === 4 ? 1 : 4, length, word: (index) => view.getUint32(index * 4) };
}

function route(prefix: string, rest: Partial<Omit<PolicyRoute, keyof PrefixWords>> = {}): PolicyRoute {
  return {
    ...wordsOf(prefix),
    attributes: {},
    nextHop: undefined,
    neighbor: '192.0.2.1',
    peerType: 'ebgp',
    source: 'local',
    ...rest,
  };
}

t.test('prefix ranges', async (t) => {
  const cases: [PrefixRange, string, boolean][] = [
    [{ prefix: '10.0.0.0/8' }, '10.0.0.0/8', true],
    [{ prefix: '10.0.0.0/8' }, '10.0.0.0/9', false],
    [{ prefix: '10.0.0.0/8', le: 32 }, '10.1.2.3/32', true],
    [{ prefix: '10.0.0.0/8', le: 32 }, '11.0.0.0/9', false],
    [{ prefix: '10.0.0.0/8', ge: 24 }, '10.1.2.0/24', true],
    [{ prefix: '10.0.0.0/8', ge: 24 }, '10.1.0.0/16', false],
    [{ prefix: '10.0.0.0/8', ge: 16, le: 24 }, '10.1.2.0/25', false],
    [{ prefix: '0.0.0.0/0' }, '0.0.0.0/0', true],
    [{ prefix: '0.0.0.0/0', le: 32 }, '224.0.0.0/4', true],
    [{ prefix: '0.0.0.0/0', le: 32 }, '::/0', false],
    [{ prefix: '2001:db8::/32', le: 64 }, '2001:db8:1::/64', true],
    [{ prefix: '2001:db8::/33', le: 64 }, '2001:db8:8000::/64', false],
  ];
  for (const [range, prefix, expected] of cases) {
    t.equal(new PrefixSet([range]).has(wordsOf(prefix)), expected, `${JSON.stringify(range)} ${prefix}`);
  }
  t.equal(new PrefixSet([]).has(wordsOf('10.0.0.0/8')), false, 'an empty list never holds');
  t.throws(() => new PrefixSet([{ prefix: '10.0.0.0/8', ge: 4 }]), RangeError);
  t.throws(() => new PrefixSet([{ prefix: '10.0.0.0/8', le: 33 }]), RangeError);
});

t.test('a set of ranges is what its ranges are one by one', async (t) => {
  const prefix = fc.tuple(
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: 16 }),
  );
  const text = prefix.map(([a, b, length]) => {
    const word = (((a << 24) | (b << 16)) & (length === 0 ? 0 : -1 << (32 - length))) >>> 0;
    return `${word >>> 24}.${(word >>> 16) & 255}.0.0/${length}`;
  });
  const range = fc.record({ prefix: text, le: fc.integer({ min: 16, max: 32 }) });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), text, (ranges, candidate) => {
      const words = wordsOf(candidate);
      return new PrefixSet(ranges).has(words) === ranges.some((each) => new PrefixSet([each]).has(words));
    }),
  );
  t.pass();
});

const chain: PolicyChain = {
  name: 'test',
  statements: [
    { name: 'mark', match: { source: 'local' }, actions: [{ kind: 'add-communities', communities: [1] }] },
    {
      name: 'pods',
      match: { prefixes: [{ prefix: '10.0.0.0/8', le: 32 }], neighbors: ['192.0.2.1'] },
      actions: [{ kind: 'set-med', value: 5 }],
      verdict: 'accept',
    },
    { name: 'internal', match: { peerType: 'ibgp' }, verdict: 'accept' },
    { name: 'tagged', match: { communities: [99] }, verdict: 'accept' },
  ],
  defaultVerdict: 'reject',
};

t.test('statements in order, the first verdict decides', async (t) => {
  const policy = compilePolicy(chain);
  const local = policy.evaluate(route('10.1.0.0/16'));
  t.equal(local.accepted, true);
  t.strictSame(local.actions, [
    { kind: 'add-communities', communities: [1] },
    { kind: 'set-med', value: 5 },
  ]);
  t.equal(policy.evaluate(route('10.2.0.0/16')), local, 'equal outcomes are one object');
  t.strictSame(policy.evaluate(route('10.1.0.0/16', { source: 'ebgp' })).actions, [{ kind: 'set-med', value: 5 }]);
  t.equal(policy.evaluate(route('10.1.0.0/16', { neighbor: '192.0.2.2' })).accepted, false);
  t.equal(policy.evaluate(route('11.0.0.0/16', { peerType: 'ibgp' })).accepted, true);
  t.equal(policy.evaluate(route('11.0.0.0/16', { attributes: { communities: [98, 99] } })).accepted, true);
  t.match(policy.evaluate(route('11.0.0.0/16')), { accepted: false, actions: [] });
});

t.test('a trace names what decided and what failed', async (t) => {
  const policy = compilePolicy(chain);
  t.strictSame(policy.trace(route('11.0.0.0/16', { source: 'ebgp' })).steps, [
    { statement: 'mark', failed: 'source', why: 'source: the route has ebgp, wanted "local"' },
    {
      statement: 'pods',
      failed: 'prefixes',
      why: 'prefixes: the route has 11.0.0.0/16, wanted [{"prefix":"10.0.0.0/8","le":32}]',
    },
    { statement: 'internal', failed: 'peerType', why: 'peerType: the route has ebgp, wanted "ibgp"' },
    { statement: 'tagged', failed: 'communities', why: 'communities: the route has none, wanted [99]' },
    { statement: 'default', verdict: 'reject' },
  ]);
  t.strictSame(policy.trace(route('10.0.0.0/16')).steps, [
    { statement: 'mark' },
    { statement: 'pods', verdict: 'accept' },
  ]);
});

t.test('peers of a class have equal outcomes', async (t) => {
  const policy = compilePolicy(chain);
  const peers = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].flatMap((neighbor) =>
    (['ibgp', 'ebgp'] as const).map((peerType) => ({ neighbor, peerType })),
  );
  for (const a of peers) {
    for (const b of peers) {
      if (policy.classOf(a) !== policy.classOf(b)) continue;
      for (const prefix of ['10.0.0.0/8', '11.0.0.0/8']) {
        t.equal(policy.evaluate(route(prefix, a)), policy.evaluate(route(prefix, b)));
      }
    }
  }
  t.equal(
    policy.classOf(peers[2] ?? { neighbor: '', peerType: 'ibgp' }),
    policy.classOf(peers[4] ?? { neighbor: '', peerType: 'ebgp' }),
  );
  t.not(
    policy.classOf({ neighbor: '192.0.2.1', peerType: 'ebgp' }),
    policy.classOf({ neighbor: '192.0.2.2', peerType: 'ebgp' }),
  );
  t.equal(policy.readsPrefix, true);
  t.match(compilePolicy({ name: 'none', statements: [], defaultVerdict: 'accept' }).constant, {
    accepted: true,
    actions: [],
  });
});

const jumping: PolicyChain = {
  name: 'jumping',
  prefixSets: { bogons: [{ prefix: '10.0.0.0/8', le: 32 }], ours: [{ prefix: '192.0.2.0/24' }] },
  subchains: {
    clean: {
      statements: [
        { name: 'bogons', match: { prefixSet: 'bogons' }, verdict: 'reject' },
        { name: 'mark', match: {}, actions: [{ kind: 'set-med', value: 1 }] },
      ],
    },
    ours: {
      statements: [{ name: 'exact', match: { prefixSet: 'ours' }, verdict: 'accept' }],
      defaultVerdict: 'reject',
    },
    both: {
      statements: [
        { name: 'first clean', match: {}, jump: 'clean' },
        { name: 'then ours', match: {}, jump: 'ours' },
      ],
    },
  },
  statements: [
    {
      name: 'external',
      match: { source: 'ebgp' },
      actions: [{ kind: 'set-local-preference', value: 5 }],
      jump: 'clean',
    },
    { name: 'internal', match: { source: 'ibgp' }, jump: 'both', verdict: 'accept' },
    { name: 'rest', match: { source: 'ebgp' }, jump: 'clean', verdict: 'accept' },
  ],
  defaultVerdict: 'reject',
};

t.test('subchains: jump, return, verdicts of their own', async (t) => {
  const policy = compilePolicy(jumping);
  const external = policy.trace(route('203.0.113.0/24', { source: 'ebgp' }));
  t.strictSame(external.outcome.actions, [
    { kind: 'set-local-preference', value: 5 },
    { kind: 'set-med', value: 1 },
    { kind: 'set-med', value: 1 },
  ]);
  t.equal(external.outcome.accepted, true);
  t.strictSame(
    external.steps.map(({ subchain, statement, failed, jump, verdict }) =>
      [subchain, statement, failed && `failed ${failed}`, jump && `jump ${jump}`, verdict].filter(Boolean).join(' '),
    ),
    [
      'external jump clean',
      'clean bogons failed prefixSet',
      'clean mark',
      'internal failed source',
      'rest jump clean accept',
      'clean bogons failed prefixSet',
      'clean mark',
    ],
  );
  const verdicts: [string, 'ebgp' | 'ibgp' | 'local', boolean][] = [
    ['10.1.0.0/16', 'ebgp', false],
    ['192.0.2.0/24', 'ibgp', true],
    ['203.0.113.0/24', 'ibgp', false],
    ['10.1.0.0/16', 'ibgp', false],
    ['192.0.2.0/24', 'local', false],
  ];
  for (const [prefix, source, expected] of verdicts) {
    t.equal(policy.evaluate(route(prefix, { source })).accepted, expected, `${prefix} ${source}`);
  }
  t.equal(policy.readsPrefix, true, 'conditions of subchains count');
});

t.test('conditions about the peer in a subchain make classes, too', async (t) => {
  const policy = compilePolicy({
    name: 'nested',
    subchains: { peers: { statements: [{ name: 'one', match: { neighbors: ['192.0.2.0/25'] }, verdict: 'accept' }] } },
    statements: [{ name: 'all', match: {}, jump: 'peers' }],
    defaultVerdict: 'reject',
  });
  const classOf = (neighbor: string) => policy.classOf({ neighbor, peerType: 'ebgp' });
  t.equal(classOf('192.0.2.1'), classOf('192.0.2.2'));
  t.not(classOf('192.0.2.1'), classOf('192.0.2.129'));
});
