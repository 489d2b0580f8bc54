import t from 'tap';
import { describeVip, planVips } from '../../../src/router/vip-plan.ts';
import { addressCheck } from '../../../src/service/address-ranges.ts';
import { summarizeEndpoints } from '../../../src/service/endpoint-summary.ts';
import { readServiceFacts } from '../../../src/service/service-facts.ts';
import { service, slice, vipOptions } from './service-fixture.ts';

type Parts = NonNullable<Parameters<typeof service>[1]>;

interface Case {
  readonly parts?: Parts;
  readonly endpoints?: readonly string[];
  readonly endpoints6?: readonly string[];
  readonly options?: Partial<typeof vipOptions>;
}

const own = { name: 'n1', addresses: new Set(['10.0.0.1', '10.244.0.1']) };

/** Addresses with their verdicts. */
function plan({ parts, endpoints = ['n1'], endpoints6 = [], options = {} }: Case): string[] {
  const all = { ...vipOptions, ...options };
  const facts = readServiceFacts(service('web', parts), addressCheck(all));
  const slices = [slice('a', 'web', 4, ...endpoints), slice('b', 'web', 6, ...endpoints6)];
  return planVips(facts, summarizeEndpoints(slices, own), all).map(
    ({ address, verdict }) => `${address.text} ${verdict}`,
  );
}

const off = { advertiseClusterIp: false, advertiseExternalIp: false, advertiseLoadBalancerIp: false };
const three: Parts = { spec: { externalIPs: ['198.51.100.7'] }, ingress: [{ ip: '203.0.113.9' }] };
const annotated = (annotations: Record<string, string>): Parts => ({ ...three, annotations });

t.test('which addresses are announced', (t) => {
  const cases: readonly (readonly [what: string, given: Case, wanted: readonly string[]])[] = [
    [
      'F-38: all three kinds by flags',
      { parts: three },
      ['10.96.0.10 announced', '198.51.100.7 announced', '203.0.113.9 announced'],
    ],
    [
      'F-38: none by flags',
      { parts: three, options: off },
      ['10.96.0.10 not-asked-for', '198.51.100.7 not-asked-for', '203.0.113.9 not-asked-for'],
    ],
    [
      'S-1: annotations over flags that are off',
      { parts: annotated({ 'advertise.clusterip': 'true', 'advertise.loadbalancerip': '1' }), options: off },
      ['10.96.0.10 announced', '198.51.100.7 not-asked-for', '203.0.113.9 announced'],
    ],
    [
      'S-1: annotations over flags that are on; an unreadable one is false',
      { parts: annotated({ 'advertise.clusterip': 'false', 'advertise.externalip': 'maybe' }) },
      ['10.96.0.10 not-asked-for', '198.51.100.7 not-asked-for', '203.0.113.9 announced'],
    ],
    ['S-2: skiplbips', { parts: annotated({ skiplbips: '' }) }, ['10.96.0.10 announced', '198.51.100.7 announced']],
    [
      'S-3: service.local is Local for external and load balancer addresses',
      { parts: annotated({ local: 'true' }), endpoints: ['n2'] },
      ['10.96.0.10 announced', '198.51.100.7 no-local-endpoint', '203.0.113.9 no-local-endpoint'],
    ],
    [
      'S-8: of another proxy',
      { parts: { labels: { 'service.kubernetes.io/service-proxy-name': 'cilium' } } },
      ['10.96.0.10 passed-over'],
    ],
    [
      'S-8: of our own name',
      { parts: { labels: { 'service.kubernetes.io/service-proxy-name': 'kube-router' } } },
      ['10.96.0.10 announced'],
    ],
    [
      'S-9: headless by label',
      { parts: { labels: { 'service.kubernetes.io/headless': '' } } },
      ['10.96.0.10 passed-over'],
    ],
    [
      'S-10: ipMode Proxy and host names are no addresses of ours',
      {
        parts: {
          ingress: [{ ip: '203.0.113.9', ipMode: 'Proxy' }, { hostname: 'lb' }, { ip: '203.0.113.10', ipMode: 'VIP' }],
        },
      },
      ['10.96.0.10 announced', '203.0.113.10 announced'],
    ],
    [
      'S-10: headless without a cluster IP: its external IPs neither',
      { parts: { spec: { clusterIPs: ['None'], type: 'ClusterIP', externalIPs: ['198.51.100.7'] } } },
      ['198.51.100.7 passed-over'],
    ],
    [
      'S-10: ExternalName',
      { parts: { spec: { type: 'ExternalName', externalIPs: ['198.51.100.7'] } } },
      ['10.96.0.10 passed-over', '198.51.100.7 passed-over'],
    ],
    [
      'an ingress of what is no load balancer any more',
      { parts: { spec: { type: 'ClusterIP' }, ingress: [{ ip: '203.0.113.9' }] } },
      ['10.96.0.10 announced'],
    ],
    [
      'B-52: outside of the ranges',
      { parts: { spec: { externalIPs: ['8.8.8.8', '10.96.0.99'] }, ingress: [{ ip: '198.51.100.7' }] } },
      ['10.96.0.10 announced', '8.8.8.8 refused', '10.96.0.99 refused', '198.51.100.7 refused'],
    ],
    [
      'B-52: not strict',
      { parts: { spec: { externalIPs: ['8.8.8.8'] } }, options: { strictExternalIpValidation: false } },
      ['10.96.0.10 announced', '8.8.8.8 announced'],
    ],
    [
      'a family that is off',
      {
        parts: { spec: { clusterIPs: ['10.96.0.10', 'fd00:96::a'] } },
        endpoints6: ['n1'],
        options: { enableIpv6: false },
      },
      ['10.96.0.10 announced', 'fd00:96::a family-off'],
    ],
    [
      'dual stack',
      { parts: { spec: { clusterIPs: ['10.96.0.10', 'FD00:96::0A'] } }, endpoints6: ['n1'] },
      ['10.96.0.10 announced', 'fd00:96::a announced'],
    ],
    [
      'T-27: endpoints of one family alone',
      { parts: { spec: { clusterIPs: ['10.96.0.10', 'fd00:96::a'] } } },
      ['10.96.0.10 announced', 'fd00:96::a no-endpoint'],
    ],
    ['T-27: no endpoint', { endpoints: [] }, ['10.96.0.10 no-endpoint']],
    ['T-27: none serves', { endpoints: ['n1 unready', 'n2 unready'] }, ['10.96.0.10 no-endpoint']],
    ['T-27: one that ends still serves', { endpoints: ['n2 unready serving terminating'] }, ['10.96.0.10 announced']],
    [
      'B-51: as the original, without any endpoint',
      { endpoints: [], options: { advertiseVipsWithoutEndpoints: true } },
      ['10.96.0.10 announced'],
    ],
    [
      'B-50: as the original, Local with an endpoint here that does not serve',
      {
        parts: { spec: { internalTrafficPolicy: 'Local' } },
        endpoints: ['n1 unready'],
        options: { advertiseVipsWithoutEndpoints: true },
      },
      ['10.96.0.10 announced'],
    ],
    [
      'B-50: as the original, Local with none here',
      {
        parts: { spec: { internalTrafficPolicy: 'Local' } },
        endpoints: ['n2'],
        options: { advertiseVipsWithoutEndpoints: true },
      },
      ['10.96.0.10 no-local-endpoint'],
    ],
    [
      'B-50: internalTrafficPolicy Local, here',
      { parts: { spec: { internalTrafficPolicy: 'Local' } }, endpoints: ['n2', 'n1'] },
      ['10.96.0.10 announced'],
    ],
    [
      'B-50: internalTrafficPolicy Local, elsewhere',
      { parts: { spec: { internalTrafficPolicy: 'Local' } }, endpoints: ['n2'] },
      ['10.96.0.10 no-local-endpoint'],
    ],
    [
      'B-50: Local, here but not serving',
      { parts: { spec: { internalTrafficPolicy: 'Local' } }, endpoints: ['n1 unready', 'n2'] },
      ['10.96.0.10 no-local-endpoint'],
    ],
    [
      'B-50: externalTrafficPolicy Local is not about the cluster IP',
      { parts: { ...three, spec: { ...three.spec, externalTrafficPolicy: 'Local' } }, endpoints: ['n2'] },
      ['10.96.0.10 announced', '198.51.100.7 no-local-endpoint', '203.0.113.9 no-local-endpoint'],
    ],
    [
      'B-50: without a node name the address decides',
      { parts: { spec: { internalTrafficPolicy: 'Local' } }, endpoints: ['-'] },
      ['10.96.0.10 announced'],
    ],
    [
      'B-50: and is not another one',
      { parts: { spec: { internalTrafficPolicy: 'Local' } }, endpoints: ['n2', '-'] },
      ['10.96.0.10 no-local-endpoint'],
    ],
  ];
  t.ok(cases.length > 0);
  for (const [what, given, wanted] of cases) t.strictSame(plan(given), wanted, what);
  t.end();
});

t.test('T-32: slices without endpoints, of names, or headless count for nothing', (t) => {
  const headless = slice('h', 'web', 4, 'n1');
  const labelled = {
    ...headless,
    metadata: { ...headless.metadata, labels: { ...headless.metadata.labels, 'service.kubernetes.io/headless': '' } },
  };
  const names = { ...slice('f', 'web', 4), addressType: 'FQDN' as const };
  const empty = {
    ...headless,
    endpoints: [{ addresses: [], conditions: { ready: true, serving: true, terminating: false } }],
  };
  for (const one of [labelled, names, empty]) {
    t.strictSame(summarizeEndpoints([one], own)[4], { serving: false, servingHere: false, here: false });
  }
  t.end();
});

t.test('every decision can be said', (t) => {
  const facts = readServiceFacts(
    service('web', {
      spec: { clusterIPs: ['10.96.0.10', 'fd00:96::a'], externalIPs: ['8.8.8.8'] },
      ingress: [{ ip: '203.0.113.9' }],
    }),
    addressCheck(vipOptions),
  );
  const options = { ...vipOptions, advertiseLoadBalancerIp: false };
  const decisions = planVips(facts, summarizeEndpoints([slice('a', 'web', 4, 'n2')], own), options);
  t.strictSame(decisions.map(describeVip), [
    'cluster IP 10.96.0.10 of service shop/web is announced',
    'cluster IP fd00:96::a of service shop/web is not announced: no endpoint of its family serves',
    'external IP 8.8.8.8 of service shop/web is not announced: expected an address of --service-external-ip-range, which has 198.51.100.0/24 (--strict-external-ip-validation)',
    'load balancer IP 203.0.113.9 of service shop/web is not announced: neither flag nor annotation asks for it',
  ]);
  t.end();
});
