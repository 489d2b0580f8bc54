import t from 'tap';
import { readNode } from '../../../src/cluster/node.ts';

t.test('what is read of a Node', (t) => {
  t.same(
    readNode({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: 'n',
        uid: 'u',
        resourceVersion: '7',
        annotations: { a: 'b' },
        managedFields: [{}],
        generation: 1,
      },
      spec: {
        podCIDR: '10.244.1.0/24',
        podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'],
        providerID: 'kind://n',
        taints: [],
      },
      status: {
        addresses: [
          { type: 'InternalIP', address: '10.0.0.1' },
          { type: 'Hostname', address: 'n' },
        ],
        images: [],
      },
    }),
    {
      kind: 'Node',
      metadata: { name: 'n', uid: 'u', resourceVersion: '7', labels: {}, annotations: { a: 'b' } },
      spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'], providerID: 'kind://n' },
      status: {
        addresses: [
          { type: 'InternalIP', address: '10.0.0.1' },
          { type: 'Hostname', address: 'n' },
        ],
      },
    },
  );
  t.end();
});

t.test('the least Node there is', (t) => {
  const least = {
    kind: 'Node',
    metadata: { name: 'n', labels: {}, annotations: {} },
    spec: { podCIDRs: [] },
    status: { addresses: [] },
  };
  for (const raw of [
    { metadata: { name: 'n' } },
    { metadata: { name: 'n', labels: null }, spec: { podCIDR: '' }, status: null },
  ]) {
    t.same(readNode(raw), least);
  }
  t.end();
});

t.test('a bad Node is named by path and value', (t) => {
  const cases: readonly (readonly [raw: unknown, problem: RegExp])[] = [
    [{ metadata: { name: 'n' }, spec: { podCIDR: '10.244.1.0' } }, /^spec\.podCIDR: /],
    [
      { metadata: { name: 'n' }, spec: { podCIDRs: ['10.244.1.0/24', '10.244.2.0/33'] } },
      /^spec\.podCIDRs\[1\]: "10\.244\.2\.0\/33" is no prefix/,
    ],
    [
      { metadata: { name: 'n' }, status: { addresses: [{ type: 'InternalIP', address: 'n.example' }] } },
      /^status\.addresses\[0\]\.address: "n\.example" is no IP address/,
    ],
    [
      { metadata: { name: 'n', annotations: { 'kube-router.io/node.asn': 64512 } } },
      /^metadata\.annotations\["kube-router\.io\/node\.asn"\]: .*string/,
    ],
    [{ metadata: {} }, /^metadata\.name: /],
    [{}, /^metadata: /],
    ['text', /object/],
    [undefined, /object/],
  ];
  t.ok(cases.length > 0);
  for (const [raw, problem] of cases) t.match(readNode(raw), { problem }, JSON.stringify(raw));
  t.end();
});
