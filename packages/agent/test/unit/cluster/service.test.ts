import t from 'tap';
import { readService } from '../../../src/cluster/service.ts';

t.test('what is read of a Service', (t) => {
  t.strictSame(
    readService({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u',
        resourceVersion: '7',
        labels: { app: 'web', 'service.kubernetes.io/headless': '' },
        annotations: {
          'kube-router.io/service.local': 'true',
          'kubectl.kubernetes.io/last-applied-configuration': '{}',
        },
        managedFields: [{}],
      },
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.10',
        clusterIPs: ['10.96.0.10', 'fd00:10:96::a'],
        ipFamilies: ['IPv4', 'IPv6'],
        ipFamilyPolicy: 'RequireDualStack',
        selector: { app: 'web' },
        ports: [
          { name: 'http', protocol: 'TCP', port: 80, targetPort: 'http', nodePort: 30080 },
          { name: 'dns', protocol: 'UDP', port: 53, targetPort: 5353 },
        ],
        externalIPs: ['198.51.100.7'],
        externalTrafficPolicy: 'Local',
        internalTrafficPolicy: 'Cluster',
        trafficDistribution: 'PreferClose',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
        healthCheckNodePort: 31000,
        loadBalancerClass: 'kube-router',
        loadBalancerSourceRanges: ['203.0.113.0/24'],
        allocateLoadBalancerNodePorts: false,
      },
      status: {
        loadBalancer: {
          ingress: [
            { ip: '203.0.113.9', ipMode: 'VIP', ports: [] },
            { ip: '203.0.113.10', ipMode: 'Proxy' },
            { hostname: 'lb.example' },
          ],
        },
      },
    }),
    {
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'shop',
        labels: { 'service.kubernetes.io/headless': '' },
        annotations: { 'kube-router.io/service.local': 'true' },
      },
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['10.96.0.10', 'fd00:10:96::a'],
        ipFamilies: ['IPv4', 'IPv6'],
        ports: [
          { protocol: 'TCP', port: 80, name: 'http', targetPort: 'http', nodePort: 30080 },
          { protocol: 'UDP', port: 53, name: 'dns', targetPort: 5353 },
        ],
        externalIPs: ['198.51.100.7'],
        externalTrafficPolicy: 'Local',
        internalTrafficPolicy: 'Cluster',
        sessionAffinity: 'ClientIP',
        loadBalancerSourceRanges: ['203.0.113.0/24'],
        allocateLoadBalancerNodePorts: false,
        ipFamilyPolicy: 'RequireDualStack',
        trafficDistribution: 'PreferClose',
        sessionAffinityTimeoutSeconds: 10800,
        healthCheckNodePort: 31000,
        loadBalancerClass: 'kube-router',
      },
      status: {
        loadBalancer: {
          ingress: [
            { ipMode: 'VIP', ip: '203.0.113.9' },
            { ipMode: 'Proxy', ip: '203.0.113.10' },
            { ipMode: 'VIP', hostname: 'lb.example' },
          ],
        },
      },
    },
  );
  t.end();
});

t.test('the least Service there is has the defaults of the API', (t) => {
  const least = {
    metadata: { name: 's', namespace: 'default', labels: {}, annotations: {} },
    spec: {
      type: 'ClusterIP',
      clusterIPs: [],
      ports: [],
      externalIPs: [],
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      allocateLoadBalancerNodePorts: true,
    },
    status: { loadBalancer: { ingress: [] } },
  };
  const nulls = { clusterIPs: null, ports: null, externalTrafficPolicy: '', healthCheckNodePort: 0 };
  for (const spec of [{}, nulls, { clusterIP: '' }, { clusterIP: 'None', clusterIPs: ['None'] }]) {
    t.match(readService({ metadata: { name: 's' }, spec, status: {} }), least, JSON.stringify(spec));
  }
  t.match(
    readService({ metadata: { name: 's' }, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } }),
    { spec: { clusterIPs: ['10.96.0.1'], ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 80 }] } },
    'a manifest made by hand has only the old field, and a port with nothing but its number',
  );
  t.end();
});

t.test('a bad Service is named by path and value', (t) => {
  const cases: readonly (readonly [spec: unknown, problem: RegExp])[] = [
    [undefined, /^spec: /],
    [{ clusterIP: 'nine' }, /^spec\.clusterIP: "nine" is no IP address, expected one, "None" or nothing/],
    [{ externalIPs: ['198.51.100.7', 'x'] }, /^spec\.externalIPs\[1\]: "x" is no IP address/],
    [{ ports: [{ port: 0 }] }, /^spec\.ports\[0\]\.port: /],
    [{ ports: [{ port: 80, protocol: 'ICMP' }] }, /^spec\.ports\[0\]\.protocol: /],
    [{ type: 'Nothing' }, /^spec\.type: /],
    [{ loadBalancerSourceRanges: ['10.0.0.1'] }, /^spec\.loadBalancerSourceRanges\[0\]: "10\.0\.0\.1" is no prefix/],
  ];
  t.ok(cases.length > 0);
  for (const [spec, problem] of cases) {
    t.match(readService({ metadata: { name: 's' }, spec }), { problem }, JSON.stringify(spec));
  }
  t.match(readService({ metadata: { name: 's' }, spec: {}, status: { loadBalancer: { ingress: [{ ip: 'x' }] } } }), {
    problem: /^status\.loadBalancer\.ingress\[0\]\.ip: /,
  });
  for (const raw of [undefined, null, 'text', [], { metadata: {} }]) t.match(readService(raw), { problem: /./ });
  t.end();
});
