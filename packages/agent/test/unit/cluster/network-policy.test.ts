import t from 'tap';
import { readNetworkPolicy } from '../../../src/cluster/network-policy.ts';

const metadata = { name: 'np', namespace: 'shop', labels: { a: 'b' } };
const read = (spec: unknown) => readNetworkPolicy({ metadata, spec });

t.test('what is read of a NetworkPolicy', (t) => {
  t.strictSame(
    read({
      podSelector: {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: {} },
            { namespaceSelector: { matchLabels: { team: 'a' } } },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
          ],
          ports: [{ protocol: 'UDP', port: 53 }, { port: 'http' }, { port: 8000, endPort: 8010 }, {}],
        },
      ],
      egress: [{ to: [{ ipBlock: { cidr: '::/0' } }] }],
    }),
    {
      kind: 'NetworkPolicy',
      metadata: { name: 'np', namespace: 'shop', labels: {}, annotations: {} },
      spec: {
        podSelector: {
          matchLabels: { app: 'web' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
        },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            peers: [
              { podSelector: { matchLabels: {}, matchExpressions: [] } },
              { namespaceSelector: { matchLabels: { team: 'a' }, matchExpressions: [] } },
              { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
            ],
            ports: [
              { protocol: 'UDP', port: 53 },
              { protocol: 'TCP', port: 'http' },
              { protocol: 'TCP', port: 8000, endPort: 8010 },
              { protocol: 'TCP' },
            ],
          },
        ],
        egress: [{ peers: [{ ipBlock: { cidr: '::/0', except: [] } }], ports: [] }],
      },
    },
  );
  t.end();
});

t.test('N-3, N-4: policy types and empty rules by the defaults of the API', (t) => {
  const all = { matchLabels: {}, matchExpressions: [] };
  t.match(read({}), { spec: { podSelector: all, policyTypes: ['Ingress'], ingress: [], egress: [] } });
  t.match(read({ podSelector: null, ingress: null }), { spec: { podSelector: all, ingress: [] } });
  t.match(read({ egress: [{}] }), { spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ peers: [], ports: [] }] } });
  t.match(read({ policyTypes: ['Egress'] }), { spec: { policyTypes: ['Egress'] } });
  t.end();
});

t.test('a bad NetworkPolicy is named by path and value', (t) => {
  const cases: readonly (readonly [spec: unknown, problem: RegExp])[] = [
    [undefined, /^spec: /],
    [{ ingress: [{ ports: 80 }] }, /^spec\.ingress\[0\]\.ports: /],
    [{ policyTypes: ['Both'] }, /^spec\.policyTypes\[0\]: /],
  ];
  t.ok(cases.length > 0);
  for (const [spec, problem] of cases) t.match(read(spec), { problem }, JSON.stringify(spec));
  t.end();
});
