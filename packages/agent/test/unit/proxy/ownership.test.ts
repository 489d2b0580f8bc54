import t from 'tap';
import { ownership } from '../../../src/proxy/ownership.ts';
import { address } from './fixture.ts';

t.test('what is not wanted goes only where it is ours (T-36)', (t) => {
  const owns = ownership({
    serviceClusterIpRange: ['10.96.0.0/12', 'fd00:96::/112'],
    serviceExternalIpRange: ['198.51.100.0/24'],
    loadBalancerIpRange: ['203.0.113.0/24'],
    serviceNodePortRange: '30000:32767',
    excludedCidrs: ['203.0.113.128/25'],
  });
  const host = { held: new Set(['172.16.0.9']), node: new Set(['192.0.2.1']) };
  const cases: readonly (readonly [text: string, port: number, ours: boolean, why: string])[] = [
    ['10.96.0.1', 443, true, 'cluster IPs'],
    ['fd00:96::1', 443, true, 'cluster IPs of IPv6'],
    ['198.51.100.7', 80, true, 'external IPs'],
    ['203.0.113.7', 80, true, 'load balancer IPs'],
    ['203.0.113.200', 80, false, '--excluded-cidrs'],
    ['172.16.0.9', 80, true, 'on kube-dummy-if'],
    ['172.16.0.10', 80, false, 'somebody else'],
    ['192.0.2.1', 30080, true, 'a node port'],
    ['192.0.2.1', 443, false, 'another port of the node'],
    ['192.0.2.2', 30080, false, 'another node'],
  ];
  t.ok(cases.length > 0);
  for (const [text, port, ours, why] of cases)
    t.equal(owns({ protocol: 'TCP', address: address(text), port }, host), ours, why);
  t.end();
});
