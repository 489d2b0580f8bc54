import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { planPolicies } from '../../../src/router/policies.ts';
import { options } from './fixture.ts';

/** Nothing is added to what external peers get. */
const plain = { communities: [], prepend: undefined, reflects: false };

const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
const podCidrs = prefixes('10.244.1.0/24', 'fd00:1::/64');
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
  t.strictSame([exportToNodes.statements, exportToExternal.statements], [[], []]);
  t.end();
});

t.test('B-42: default reject; pod CIDRs to nodes, and to external peers if asked', (t) => {
  const accept = { name: 'pod-cidr', match: own, verdict: 'accept' };
  const cases: readonly (readonly [
    what: string,
    changes: Partial<typeof options>,
    nodes: unknown[],
    external: unknown[],
  ])[] = [
    ['defaults', {}, [accept], [accept]],
    ['enable-ibgp=false', { enableIbgp: false }, [], [accept]],
    ['T-25: advertise-pod-cidr=false leaks in no family', { advertisePodCidr: false }, [accept], []],
    ['override-nexthop', { overrideNextHop: true }, [accept], [{ ...accept, actions: [{ kind: 'next-hop-self' }] }]],
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
    importReject: [],
    communities: [0xfde80064],
    prepend: { asn: 65100, count: 2 },
    reflects: false,
  };
  const { exportToNodes, exportToExternal } = planPolicies(input, { ...options, overrideNextHop: true });
  t.strictSame(exportToNodes.statements, [{ name: 'pod-cidr', match: own, verdict: 'accept' }]);
  t.strictSame(exportToExternal.statements[0]?.actions, [
    { kind: 'prepend', asn: 65100, count: 2 },
    { kind: 'add-communities', communities: [0xfde80064] },
    { kind: 'next-hop-self' },
  ]);
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
