import t from 'tap';
import { parseAddress } from '../../../src/annotations/prefix.ts';
import { addressCheck } from '../../../src/service/address-ranges.ts';

const ranges = {
  serviceClusterIpRange: ['10.96.0.0/12', 'fd00:96::/112'],
  serviceExternalIpRange: ['198.51.100.0/24', '10.97.0.0/16'],
  loadBalancerIpRange: ['203.0.113.0/24', '2001:db8:1::/64'],
  strictExternalIpValidation: true,
};

function verdict(kind: 'external-ip' | 'load-balancer-ip', text: string, changes: Partial<typeof ranges> = {}) {
  const address = parseAddress(text);
  if (!address) throw new Error(text);
  return addressCheck({ ...ranges, ...changes })(kind, address);
}

t.test('V-80: each kind in its own ranges, none in those of cluster IPs', (t) => {
  const cases: readonly (readonly [
    kind: 'external-ip' | 'load-balancer-ip',
    text: string,
    refused: RegExp | undefined,
  ])[] = [
    ['external-ip', '198.51.100.7', undefined],
    ['external-ip', '203.0.113.7', /--service-external-ip-range, which has 198\.51\.100\.0\/24, 10\.97\.0\.0\/16/],
    ['load-balancer-ip', '203.0.113.7', undefined],
    ['load-balancer-ip', '198.51.100.7', /--loadbalancer-ip-range, which has 203\.0\.113\.0\/24, 2001:db8:1::\/64/],
    ['load-balancer-ip', '2001:db8:1::7', undefined],
    ['load-balancer-ip', '2001:db8:2::7', /--loadbalancer-ip-range/],
    ['external-ip', '10.97.0.1', /outside of 10\.96\.0\.0\/12, the cluster IPs/],
    ['load-balancer-ip', 'fd00:96::1', /outside of fd00:96::\/112, the cluster IPs/],
  ];
  t.ok(cases.length > 0);
  for (const [kind, text, refused] of cases) {
    if (refused) t.match(verdict(kind, text), refused, `${kind} ${text}`);
    else t.equal(verdict(kind, text), undefined, `${kind} ${text}`);
  }
  t.end();
});

t.test('V-80: without a range nothing is taken; not strict, everything', (t) => {
  const none = { serviceExternalIpRange: [], loadBalancerIpRange: [] };
  t.match(verdict('external-ip', '198.51.100.7', none), /which has nothing \(--strict-external-ip-validation\)/);
  t.match(verdict('load-balancer-ip', '203.0.113.7', none), /which has nothing/);
  for (const text of ['198.51.100.7', '10.96.0.1', '8.8.8.8']) {
    t.equal(verdict('external-ip', text, { ...none, strictExternalIpValidation: false }), undefined, text);
  }
  t.end();
});
