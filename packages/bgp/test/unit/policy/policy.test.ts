import fc from 'fast-check';
import t from 'tap';
import { parsePrefix } from '../../../src/address.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { applyActions } from '../../../src/policy/actions.ts';
import { compilePolicy, type PolicyRoute } from '../../../src/policy/compile.ts';
import type { PolicyChain, PolicyMatch, PrefixRange } from '../../../src/policy/model.ts';
import { PrefixSet, type PrefixWords } from '../../../src/policy/prefix-set.ts';

function wordsOf(text: string): PrefixWords {
  const { address, length } = parsePrefix(text, 'clear');
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  return { words: address.length === 4 ? 1 : 4, length, word: (index) => view.getUint32(index * 4) };
}

function route(prefix: string, rest: Partial<Omit<PolicyRoute, keyof PrefixWords>> = {}): PolicyRoute {
  return { ...wordsOf(prefix), attributes: {}, neighbor: '192.0.2.1', peerType: 'ebgp', source: 'local', ...rest };
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
  t.strictSame(local, {
    accepted: true,
    actions: [
      { kind: 'add-communities', communities: [1] },
      { kind: 'set-med', value: 5 },
    ],
  });
  t.equal(policy.evaluate(route('10.2.0.0/16')), local, 'equal outcomes are one object');
  t.strictSame(policy.evaluate(route('10.1.0.0/16', { source: 'ebgp' })).actions, [{ kind: 'set-med', value: 5 }]);
  t.equal(policy.evaluate(route('10.1.0.0/16', { neighbor: '192.0.2.2' })).accepted, false);
  t.equal(policy.evaluate(route('11.0.0.0/16', { peerType: 'ibgp' })).accepted, true);
  t.equal(policy.evaluate(route('11.0.0.0/16', { attributes: { communities: [98, 99] } })).accepted, true);
  t.strictSame(policy.evaluate(route('11.0.0.0/16')), { accepted: false, actions: [] });
});

t.test('communities of three kinds', async (t) => {
  const one = (match: PolicyMatch, attributes: PathAttributes): boolean =>
    compilePolicy({
      name: 'one',
      statements: [{ name: 'one', match, verdict: 'accept' }],
      defaultVerdict: 'reject',
    }).evaluate(route('10.0.0.0/8', { attributes })).accepted;
  t.equal(one({ communities: [1, 2] }, { communities: [2] }), true);
  t.equal(one({ communities: [1] }, {}), false);
  t.equal(
    one(
      { largeCommunities: [[1, 2, 3]] },
      {
        largeCommunities: [
          [0, 0, 0],
          [1, 2, 3],
        ],
      },
    ),
    true,
  );
  t.equal(one({ largeCommunities: [[1, 2, 3]] }, { largeCommunities: [[1, 2, 4]] }), false);
  t.equal(one({ extendedCommunities: [5n] }, { extendedCommunities: [5n] }), true);
  t.equal(one({ extendedCommunities: [5n] }, { extendedCommunities: [6n] }), false);
  t.equal(one({ communities: [1], largeCommunities: [[1, 2, 3]] }, { communities: [1] }), false, 'all conditions');
});

t.test('a trace names what decided and what failed', async (t) => {
  const policy = compilePolicy(chain);
  t.strictSame(policy.trace(route('11.0.0.0/16', { source: 'ebgp' })).steps, [
    { statement: 'mark', failed: 'source' },
    { statement: 'pods', failed: 'prefixes' },
    { statement: 'internal', failed: 'peerType' },
    { statement: 'tagged', failed: 'communities' },
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
  t.strictSame(compilePolicy({ name: 'none', statements: [], defaultVerdict: 'accept' }).constant, {
    accepted: true,
    actions: [],
  });
});

t.test('actions', async (t) => {
  const path = (...asns: number[]) => [{ kind: 'sequence' as const, asns }];
  t.strictSame(applyActions({ asPath: path(1) }, [{ kind: 'prepend', asn: 7, count: 2 }]), { asPath: path(7, 7, 1) });
  t.strictSame(
    applyActions({ largeCommunities: [[1, 2, 3]] }, [
      {
        kind: 'add-large-communities',
        communities: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    ]),
    {
      largeCommunities: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
  );
  t.strictSame(applyActions({}, [{ kind: 'prepend', asn: 7, count: 1 }]), { asPath: path(7) });
  t.strictSame(applyActions({ communities: [2] }, [{ kind: 'add-communities', communities: [1, 2] }]), {
    communities: [2, 1],
  });
  t.strictSame(
    applyActions({}, [
      { kind: 'set-local-preference', value: 0 },
      { kind: 'set-med', value: 4 },
    ]),
    { localPref: 0, multiExitDisc: 4 },
  );
});
