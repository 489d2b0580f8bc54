import t from 'tap';
import { planService } from '../../../src/proxy/service-plan.ts';
import { address, node, type ServiceInput, service, settings, slice, words } from './fixture.ts';

/** The places of a Service whose IPv4 endpoints are these, and what is said about it. */
function plan(input: ServiceInput, endpoints: readonly string[], changes: Partial<typeof node> = {}) {
  const slices = [slice('four', 'web', 4, endpoints)];
  const { virtualServices, problems, healthCheck } = planService(
    service('web', input),
    slices,
    { ...node, families: [4], ...changes },
    settings,
  );
  return { places: virtualServices.map(words), problems: problems.map(({ text }) => text), healthCheck };
}

const balancer = {
  spec: {
    type: 'LoadBalancer',
    externalIPs: ['198.51.100.7'],
    ports: [{ port: 80, nodePort: 30080 }],
  },
  status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } },
};

t.test('every place of every type, in each family', (t) => {
  const slices = [slice('four', 'web', 4, ['5 n1', '6 n2']), slice('six', 'web', 6, ['5 n1'])];
  const places = (input: ServiceInput, changes: Partial<typeof node> = {}) =>
    planService(service('web', input), slices, { ...node, ...changes }, settings).virtualServices.map(words);
  t.same(places({}), ['tcp 10.96.0.10:80 rr > 5* 6', 'tcp [fd00:96::10]:80 rr > 5*']);
  t.same(places({ spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] } }), [
    'tcp 10.96.0.10:80 rr > 5* 6',
    'tcp [fd00:96::10]:80 rr > 5*',
    'tcp 192.0.2.1:30080 rr > 5* 6',
    'tcp [2001:db8::1]:30080 rr > 5*',
  ]);
  t.same(places(balancer), [
    'tcp 10.96.0.10:80 rr > 5* 6',
    'tcp [fd00:96::10]:80 rr > 5*',
    'tcp 198.51.100.7:80 rr > 5* 6',
    'tcp 203.0.113.7:80 rr > 5* 6',
    'tcp 192.0.2.1:30080 rr > 5* 6',
    'tcp [2001:db8::1]:30080 rr > 5*',
  ]);
  t.same(
    places({ spec: { type: 'NodePort', clusterIPs: ['10.96.0.10'], ports: [{ port: 80, nodePort: 30080 }] } }),
    ['tcp 10.96.0.10:80 rr > 5* 6', 'tcp 192.0.2.1:30080 rr > 5* 6'],
    'a node port in the families of its Service',
  );
  t.same(
    places(
      { spec: { type: 'NodePort', clusterIPs: ['10.96.0.10'], ports: [{ port: 80, nodePort: 30080 }] } },
      { nodePortAddresses: [address('192.0.2.1'), address('192.0.2.2')] },
    ).slice(1),
    ['tcp 192.0.2.1:30080 rr > 5* 6', 'tcp 192.0.2.2:30080 rr > 5* 6'],
    'V-10: on all addresses',
  );
  t.same(places({}, { families: [6] }), ['tcp [fd00:96::10]:80 rr > 5*'], 'a family that is off');
  t.end();
});

t.test('a Service that is none of ours has no place (S-8, S-9, S-10)', (t) => {
  const cases: readonly ServiceInput[] = [
    { spec: { type: 'ExternalName' } },
    { spec: { clusterIPs: ['None'] } },
    { labels: { 'service.kubernetes.io/headless': '' } },
    { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
  ];
  for (const input of cases) t.same(plan(input, ['5 n1']).places, [], JSON.stringify(input));
  t.equal(plan({ labels: { 'service.kubernetes.io/service-proxy-name': 'kube-router' } }, ['5 n1']).places.length, 1);
  const status = (entry: object) => ({ ...balancer, status: { loadBalancer: { ingress: [entry] } } });
  t.notMatch(plan(status({ ip: '203.0.113.7', ipMode: 'Proxy' }), ['5 n1']).places.join(), '203.0.113.7');
  t.match(plan(status({ ip: '203.0.113.7', ipMode: 'VIP' }), ['5 n1']).places.join(), '203.0.113.7');
  t.notMatch(
    plan({ ...balancer, annotations: { 'kube-router.io/service.skiplbips': 'true' } }, ['5 n1']).places.join(),
    '203.0.113.7',
  );
  t.end();
});

t.test('traffic policies by conditions of endpoints (KEP-1669, T-31)', (t) => {
  /** Endpoints of this node n1 and another; then those that traffic goes to: Cluster, internal Local, external Local. */
  const cases: readonly (readonly [
    endpoints: readonly string[],
    cluster: string,
    internalLocal: string,
    externalLocal: string | undefined,
  ])[] = [
    [['5 n1', '6 n2'], '5* 6', '5*', '5*'],
    [['6 n2'], '6', '', undefined],
    [[], '', '', undefined],
    [['5 n1 unready', '6 n2'], '6', '', undefined],
    [['5 n1 unready'], '', '', undefined],
    [['5 n1 ending', '6 n2'], '6', '5*', '5*'],
    [['5 n1', '7 n1 ending', '6 n2'], '5* 6', '5*', '5*'],
    [['5 n1 ending', '6 n2 ending'], '5* 6', '5*', '5*'],
    [['5 n1 ending', '6 n2 ended'], '5*', '5*', '5*'],
    [['5 n1 ended', '6 n2 ended'], '', '', undefined],
    [['6 n2 ending', '7 n3 unready'], '6', '', undefined],
  ];
  t.ok(cases.length > 0);
  for (const [endpoints, cluster, internalLocal, externalLocal] of cases) {
    const name = endpoints.join(', ') || 'none';
    const all = plan(balancer, endpoints).places;
    const trim = (list: string) => (list === '' ? '' : ` ${list}`);
    t.same(
      all,
      ['10.96.0.10:80', '198.51.100.7:80', '203.0.113.7:80', '192.0.2.1:30080'].map(
        (at) => `tcp ${at} rr >${trim(cluster)}`,
      ),
      `Cluster: ${name}`,
    );
    const local = {
      ...balancer,
      spec: { ...balancer.spec, internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' },
    };
    const outside = ['198.51.100.7:80', '203.0.113.7:80', '192.0.2.1:30080'];
    t.same(
      plan(local, endpoints).places,
      [
        `tcp 10.96.0.10:80 rr >${trim(internalLocal)}`,
        ...(externalLocal === undefined ? [] : outside.map((at) => `tcp ${at} rr >${trim(externalLocal)}`)),
      ],
      `Local: ${name}`,
    );
  }
  t.end();
});

t.test('S-3: the annotation makes what comes from outside local, and cluster IPs not', (t) => {
  const spec = { ...balancer.spec, internalTrafficPolicy: 'Local' };
  const annotations = { 'kube-router.io/service.local': 'true' };
  t.same(plan({ ...balancer, spec, annotations }, ['5 n1', '6 n2']).places, [
    'tcp 10.96.0.10:80 rr > 5* 6',
    'tcp 198.51.100.7:80 rr > 5*',
    'tcp 203.0.113.7:80 rr > 5*',
    'tcp 192.0.2.1:30080 rr > 5*',
  ]);
  t.end();
});

t.test('hints of the topology are followed when all endpoints have them (S-11)', (t) => {
  const cases: readonly (readonly [endpoints: readonly string[], chosen: string, why: string])[] = [
    [['5 n1 zone=a', '6 n2 zone=b'], '5*', 'the zone'],
    [['5 n1 zone=b', '6 n2 zone=a'], '6', 'the zone that the hint names, not the one of the node'],
    [['5 n1 zone=a', '6 n2'], '5* 6', 'one without hints'],
    [['5 n1 zone=b', '6 n2 zone=b'], '5* 6', 'none for this zone'],
    [['5 n1 zone=a,b', '6 n2 zone=b'], '5*', 'several zones'],
    [['5 n1 zone=a node=n1', '6 n2 zone=a node=n2'], '5*', 'the node before the zone'],
    [['5 n3 zone=a node=n3', '6 n2 zone=b node=n2'], '5', 'no hint for this node, but one for its zone'],
    [['5 n1 zone=a', '6 n2 unready'], '5*', 'one that is not ready does not count'],
    [['5 n1 zone=a unready', '6 n2 zone=b'], '6', 'no ready one in the zone'],
  ];
  t.ok(cases.length > 0);
  for (const [endpoints, chosen, why] of cases)
    t.same(plan({}, endpoints).places, [`tcp 10.96.0.10:80 rr > ${chosen}`], why);
  t.same(
    plan({}, ['5 n1 zone=a', '6 n2 zone=b'], { zone: undefined }).places,
    ['tcp 10.96.0.10:80 rr > 5* 6'],
    'no zone',
  );
  t.end();
});

t.test('scheduler, its flags and persistence (V-11)', (t) => {
  const scheduler = { 'kube-router.io/service.scheduler': 'mh', 'kube-router.io/service.schedflags': 'flag-1, flag-2' };
  t.same(plan({ annotations: scheduler }, []).places, ['tcp 10.96.0.10:80 mh 0x18 >']);
  t.same(plan({ spec: { sessionAffinity: 'ClientIP' } }, []).places, ['tcp 10.96.0.10:80 rr 0x1 10800s >']);
  const spec = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
  t.same(plan({ spec, annotations: scheduler }, []).places, ['tcp 10.96.0.10:80 mh 0x19 60s >']);
  t.end();
});

t.test('bad slices cost only themselves, by name (T-32)', (t) => {
  const odd = [
    slice('nil-port', 'web', 4, ['9 n1'], { ports: [{ protocol: 'TCP' }] }),
    slice('nil-name', 'web', 4, ['5 n1'], { ports: [{ port: 8080 }] }),
    slice('other-name', 'web', 4, ['8 n1'], { ports: [{ name: 'metrics', port: 9090 }] }),
    slice('other-protocol', 'web', 4, ['8 n1'], { ports: [{ port: 8080, protocol: 'UDP' }] }),
    slice('no-conditions', 'web', 4, [], {
      endpoints: [{ addresses: ['10.244.0.6'], conditions: {} }, { addresses: ['10.244.0.7'] }],
    }),
    slice('addresses', 'web', 4, [
      '0.0.0.0 n1',
      '127.0.0.1 n1',
      '224.0.0.1 n1',
      '169.254.1.1 n1',
      'fd00::1 n1',
      '192.0.2.1 n1',
    ]),
    slice('no-address', 'web', 4, [], { endpoints: [{ addresses: [] }] }),
    slice('names', 'web', 4, [], { addressType: 'FQDN', endpoints: [{ addresses: ['www.example.org'] }] }),
  ];
  const { virtualServices, problems } = planService(service('web'), odd, { ...node, families: [4] }, settings);
  t.same(
    virtualServices.map(words),
    ['tcp 10.96.0.10:80 rr > 5* 6 7 1*'],
    'a pod in the network of the node has its address',
  );
  t.same(
    problems.map(({ text }) => text),
    [
      'service shop/web: endpoint slice shop/nil-port: port "" has no number: it is left out',
      'service shop/web: endpoint slice shop/addresses: address 0.0.0.0 is no host: it is left out',
      'service shop/web: endpoint slice shop/addresses: address 127.0.0.1 is a loopback address: it is left out',
      'service shop/web: endpoint slice shop/addresses: address 224.0.0.1 is a multicast address: it is left out',
      'service shop/web: endpoint slice shop/addresses: address 169.254.1.1 is link-local: it is left out',
      "service shop/web: endpoint slice shop/addresses: address fd00::1 is not of the slice's type, IPv4: it is left out",
    ],
  );
  t.end();
});

t.test('an endpoint in two slices is one, ready when either says so', (t) => {
  const slices = [
    slice('a', 'web', 4, ['5 n1 ending']),
    slice('b', 'web', 4, ['5 n1']),
    slice('c', 'web', 4, ['5 n1 ending']),
  ];
  t.same(planService(service('web'), slices, { ...node, families: [4] }, settings).virtualServices.map(words), [
    'tcp 10.96.0.10:80 rr > 5*',
  ]);
  t.end();
});

t.test('addresses outside of their ranges are not served (V-80)', (t) => {
  const { places, problems } = plan({ spec: { externalIPs: ['8.8.8.8'] } }, ['5 n1']);
  t.same(places, ['tcp 10.96.0.10:80 rr > 5*']);
  t.match(problems, [
    /^service shop\/web: external IP 8\.8\.8\.8 is not served: expected an address of --service-external-ip-range/,
  ]);
  t.end();
});

t.test('health checks count the ready endpoints of this node', (t) => {
  const spec = { ...balancer.spec, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 };
  const check = (endpoints: readonly string[]) => plan({ ...balancer, spec }, endpoints).healthCheck?.localEndpoints;
  t.equal(check(['5 n1', '7 n1', '6 n2']), 2);
  t.equal(check(['5 n1 ending', '6 n2']), 0, 'one that ends takes nothing new from a load balancer');
  t.equal(check([]), 0);
  t.equal(plan({ ...balancer, spec: { ...spec, externalTrafficPolicy: 'Cluster' } }, ['5 n1']).healthCheck, undefined);
  t.end();
});

t.test('hairpins by annotation, for external addresses by a second one (S-7)', (t) => {
  const hairpins = (annotations: object, hairpinMode = false) =>
    planService(
      service('web', { ...balancer, annotations }),
      [],
      { ...node, families: [4] },
      { ...settings, hairpinMode },
    )
      .virtualServices.filter(({ hairpin }) => hairpin)
      .map(({ kind }) => kind);
  t.same(hairpins({}), []);
  t.same(hairpins({ 'kube-router.io/service.hairpin': '' }), ['cluster-ip', 'node-port']);
  t.same(hairpins({}, true), ['cluster-ip', 'node-port']);
  t.same(hairpins({ 'kube-router.io/service.hairpin': '', 'kube-router.io/service.hairpin.externalips': '' }), [
    'cluster-ip',
    'external-ip',
    'load-balancer-ip',
    'node-port',
  ]);
  t.end();
});
