import t from 'tap';
import { readEndpointSlice } from '../../../src/cluster/endpoint-slice.ts';

const metadata = { name: 'web-x7', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web', app: 'web' } };

t.test('what is read of an EndpointSlice', (t) => {
  t.strictSame(
    readEndpointSlice({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': 'x' } },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.244.1.5'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'n1',
          zone: 'a',
          hints: { forZones: [{ name: 'a' }] },
          targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'u' },
        },
      ],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    }),
    {
      kind: 'EndpointSlice',
      metadata: { name: 'web-x7', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' }, annotations: {} },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.244.1.5'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'n1',
          zone: 'a',
          hints: { forZones: ['a'], forNodes: [] },
          targetRef: { kind: 'Pod', name: 'web-1', namespace: 'shop' },
        },
      ],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    },
  );
  t.end();
});

t.test('T-32: what is not there has the default of the API', (t) => {
  const conditions = (raw: unknown) => {
    const slice = readEndpointSlice({
      metadata,
      addressType: 'IPv6',
      endpoints: [{ addresses: ['fd00::1'], conditions: raw }],
    });
    return 'problem' in slice ? slice.problem : slice.endpoints[0]?.conditions;
  };
  const cases: readonly (readonly [raw: unknown, ready: boolean, serving: boolean, terminating: boolean])[] = [
    [undefined, true, true, false],
    [{}, true, true, false],
    [{ ready: null, serving: null, terminating: null }, true, true, false],
    [{ ready: false }, false, false, false],
    [{ ready: false, serving: true, terminating: true }, false, true, true],
  ];
  t.ok(cases.length > 0);
  for (const [raw, ready, serving, terminating] of cases) {
    t.strictSame(conditions(raw), { ready, serving, terminating }, JSON.stringify(raw));
  }
  t.match(
    readEndpointSlice({ metadata, addressType: 'IPv4', endpoints: null, ports: [{}, { name: null, port: null }] }),
    {
      endpoints: [],
      ports: [
        { name: '', protocol: 'TCP', port: undefined },
        { name: '', protocol: 'TCP' },
      ],
    },
    'a port without name and number',
  );
  t.match(readEndpointSlice({ metadata, addressType: 'IPv4' }), { endpoints: [], ports: [] });
  t.end();
});

t.test('V-16: a slice of names has no endpoints', (t) => {
  const raw = { metadata, addressType: 'FQDN', endpoints: [{ addresses: ['a.example'] }], ports: [] };
  t.match(readEndpointSlice(raw), { addressType: 'FQDN', endpoints: [] });
  t.end();
});

t.test('a bad EndpointSlice is named by path and value', (t) => {
  const cases: readonly (readonly [raw: unknown, problem: RegExp])[] = [
    [{ addressType: 'IPX' }, /^addressType: /],
    [{}, /^addressType: /],
    [
      { addressType: 'IPv4', endpoints: [{ addresses: ['a.example'] }] },
      /^endpoints\[0\]\.addresses\[0\]: "a\.example"/,
    ],
    [{ addressType: 'IPv4', ports: [{ port: 70000 }] }, /^ports\[0\]\.port: /],
  ];
  t.ok(cases.length > 0);
  for (const [raw, problem] of cases) {
    t.match(readEndpointSlice({ metadata, ...(raw as object) }), { problem }, JSON.stringify(raw));
  }
  t.end();
});
