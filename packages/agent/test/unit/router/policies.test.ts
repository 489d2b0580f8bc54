import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { planPolicies } from '../../../src/router/policies.ts';
import { options } from './fixture.ts';

/** Nothing is added to what external peers get. */
const plain = { vips: [], communities: [], prepend: undefined, reflects: false };

const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
const podCidrs = prefixes('10.244.1.0/24', 'fd00:1::/64');
/** Host routes of this node that are no pod CIDR. */
const vips = {
  name: 'service-vips',
  match: {
    prefixes: [
      { prefix: '0.0.0.0/0', ge: 32, le: 32 },
      { prefix: '::/0', ge: 128, le: 128 },
    ],
    source: 'local',
  },
  verdict: 'accept',
};
const own = { prefixes: [{ prefix: '10.244.1.0/24' }, { prefix: 'fd00:1::/64' }], source: 'local' };

t.test('B-44: all is imported but default routes and what the annotation rejects', (t) => {
  t.strictSame(
    planPolicies({ ...plain, podCidrs, importReject: prefixes('10.9.0.0/16', 'fd00:9::/64') }, options).import,
    {
      name: 'kube_router_import',
      statements: [
        {
          name: 'default-routes',
          match: { prefixes: [{ prefix: '0.0.0.0/0' }, { prefix: '::/0' }] },
          verdict: 'reject',
        },
        {
          name: 'custom-reject',
          match: {
            prefixes: [
              { prefix: '10.9.0.0/16', ge: 16, le: 32 },
              { prefix: 'fd00:9::/64', ge: 64, le: 128 },
            ],
          },
          verdict: 'reject',
        },
      ],
      defaultVerdict: 'accept',
    },
  );
  t.end();
});

t.test('B-46: what has nothing to match is left out', (t) => {
  const {
    import: chain,
    exportToNodes,
    exportToExternal,
  } = planPolicies({ ...plain, podCidrs: [], importReject: [] }, options);
  t.strictSame(
    chain.statements.map(({ name }) => name),
    ['default-routes'],
  );
  t.strictSame([exportToNodes.statements, exportToExternal.statements], [[], [vips]]);
  t.end();
});

const toSelf = (statement: object) => ({ ...statement, actions: [{ kind: 'next-hop-self' }] });

t.test('B-42: default reject; pod CIDRs to nodes, and to external peers if asked', (t) => {
  const accept = { name: 'pod-cidr', match: own, verdict: 'accept' };
  const cases: readonly (readonly [
    what: string,
    changes: Partial<typeof options>,
    nodes: unknown[],
    external: unknown[],
  ])[] = [
    ['defaults', {}, [accept], [accept, vips]],
    ['enable-ibgp=false', { enableIbgp: false }, [], [accept, vips]],
    [
      'T-25: advertise-pod-cidr=false leaks in no family',
      { advertisePodCidr: false },
      [accept],
      [{ name: 'no-pod-cidr', match: { prefixes: own.prefixes }, verdict: 'reject' }, vips],
    ],
    ['override-nexthop', { overrideNextHop: true }, [accept], [accept, vips].map(toSelf)],
  ];
  t.ok(cases.length > 0);
  for (const [what, changes, nodes, external] of cases) {
    const policies = planPolicies({ ...plain, podCidrs, importReject: [] }, { ...options, ...changes });
    t.same(policies.exportToNodes.statements, nodes, `${what}: to nodes`);
    t.same(policies.exportToExternal.statements, external, `${what}: to external peers`);
    t.equal(policies.exportToNodes.defaultVerdict, 'reject');
    t.equal(policies.exportToExternal.defaultVerdict, 'reject');
  }
  t.end();
});

t.test('A-2, A-4: communities and prepending for external peers alone', (t) => {
  const input = {
    podCidrs,
    vips: [],
    importReject: [],
    communities: [0xfde80064],
    prepend: { asn: 65100, count: 2 },
    reflects: false,
  };
  const { exportToNodes, exportToExternal } = planPolicies(input, { ...options, overrideNextHop: true });
  t.strictSame(exportToNodes.statements, [{ name: 'pod-cidr', match: own, verdict: 'accept' }]);
  t.equal(exportToExternal.statements.length, 2);
  for (const { name, actions } of exportToExternal.statements) {
    t.strictSame(
      actions,
      [
        { kind: 'prepend', asn: 65100, count: 2 },
        { kind: 'add-communities', communities: [0xfde80064] },
        { kind: 'next-hop-self' },
      ],
      name,
    );
  }
  t.end();
});

t.test('A-9: a reflector passes on to nodes what it learned from nodes', (t) => {
  const names = (reflects: boolean, changes = {}) =>
    planPolicies(
      { ...plain, podCidrs, importReject: [], reflects },
      { ...options, ...changes },
    ).exportToNodes.statements.map(({ name }) => name);
  t.strictSame(names(true), ['pod-cidr', 'reflected']);
  t.strictSame(names(false), ['pod-cidr']);
  t.strictSame(names(true, { enableIbgp: false }), []);
  t.end();
});

t.test('B-44, B-48: addresses of Services are not imported, by a reflector neither', (t) => {
  for (const reflects of [false, true]) {
    const input = { ...plain, podCidrs, vips: ['10.96.0.10', 'fd00:96::a'], importReject: [], reflects };
    const { import: chain } = planPolicies(input, options);
    t.strictSame(chain.statements[1], { name: 'service-vips', match: { prefixSet: 'vips' }, verdict: 'reject' });
    t.strictSame(chain.prefixSets, { vips: [{ prefix: '10.96.0.10/32' }, { prefix: 'fd00:96::a/128' }] });
  }
  t.end();
});

t.test('B-43: no statement to nodes takes a host route of this node', (t) => {
  const input = { ...plain, podCidrs, vips: ['10.96.0.10'], importReject: [], reflects: true };
  t.strictSame(
    planPolicies(input, options).exportToNodes.statements.map(({ match }) => match),
    [own, { source: 'ibgp' }],
  );
  t.end();
});
