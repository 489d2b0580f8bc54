import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { formatRule, parseTokens } from '../../../src/kernel/rule.ts';
import type { Table } from '../../../src/kernel/rule-plan.ts';
import { planProxyRules, planProxySysctls, planServiceSets, proxyClaim } from '../../../src/proxy/forwarding.ts';
import { planService } from '../../../src/proxy/service-plan.ts';
import { node, type ServiceInput, service, settings, slice } from './fixture.ts';

const entries = (input: ServiceInput, endpoints: readonly string[] = ['5 n1', '6 n2']) =>
  planService(service('web', input), [slice('a', 'web', 4, endpoints), slice('b', 'web', 6, endpoints)], node, settings)
    .virtualServices;

const podCidrs = ['10.244.0.0/24', 'fd00:244::/64'].map((text) => {
  const prefix = parsePrefix(text);
  if (!prefix) throw new Error(text);
  return prefix;
});

/** All rules of a goal, with table, chain and place. */
function rules(family: 4 | 6, input: ServiceInput, changes: object = {}): string[] {
  const source = family === 4 ? '192.0.2.1' : '2001:db8::1';
  const flags = { masqueradeAll: false, permitAll: true, randomFully: true };
  const { shared, chains } = planProxyRules({
    family,
    source,
    podCidrs,
    ...flags,
    entries: entries(input),
    ...changes,
  });
  return [
    ...shared.map(({ table, chain, place, rule }) => `${table} ${chain} ${place}: ${formatRule(rule)}`),
    ...chains.flatMap(({ table, chain, rules }) => rules.map((rule) => `${table} ${chain}: ${formatRule(rule)}`)),
  ];
}

const balancer = (ranges: readonly string[]): ServiceInput => ({
  spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ranges },
  status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }, { ip: '2001:db8:b::7' }] } },
});

t.test('V-20, V-41, V-42: the text of the original', (t) => {
  t.same(rules(4, {}), [
    'filter INPUT head: -m comment --comment "handle traffic to IPVS service IPs in custom chain" -m set --match-set kube-router-svip dst -j KUBE-ROUTER-SERVICES',
    'nat POSTROUTING tail: ! -s 10.244.0.0/24 ! -d 10.244.0.0/24 -m ipvs --vdir ORIGINAL --vmethod MASQ -m comment --comment "" -j SNAT --to-source 192.0.2.1 --random-fully',
    'filter KUBE-ROUTER-SERVICES: -p icmp -m comment --comment "allow icmp echo requests" -m icmp --icmp-type 8 -j ACCEPT',
    'filter KUBE-ROUTER-SERVICES: -p icmp -m comment --comment "allow icmp destination unreachable messages" -m icmp --icmp-type 3 -j ACCEPT',
    'filter KUBE-ROUTER-SERVICES: -p icmp -m comment --comment "allow icmp time exceeded messages" -m icmp --icmp-type 11 -j ACCEPT',
    'filter KUBE-ROUTER-SERVICES: -m comment --comment "allow input traffic to ipvs services" -m set --match-set kube-router-svip-prt dst,dst -j ACCEPT',
    'filter KUBE-ROUTER-SERVICES: -m comment --comment "reject all unexpected traffic to service IPs" -m set ! --match-set kube-router-local-ips dst -j REJECT --reject-with icmp-port-unreachable',
  ]);
  const six = rules(6, {}, { randomFully: false });
  t.match(six[1], /^nat POSTROUTING tail: ! -s fd00:244::\/64 .* -j SNAT --to-source 2001:db8::1$/);
  t.equal(six.filter((rule) => rule.includes('ipv6-icmp')).length, 6);
  t.match(six.at(-1), /--match-set inet6:kube-router-local-ips dst -j REJECT --reject-with icmp6-port-unreachable$/);
  t.end();
});

t.test('V-21: masquerading all; without the firewall nothing of it', (t) => {
  t.same(rules(4, {}, { masqueradeAll: true, permitAll: false }), [
    'nat POSTROUTING tail: -m ipvs --vdir ORIGINAL --vmethod MASQ -m comment --comment "" -j SNAT --to-source 192.0.2.1 --random-fully',
  ]);
  t.end();
});

t.test('V-31: a hairpin for each endpoint of this node and each address', (t) => {
  const hairpin = { annotations: { 'kube-router.io/service.hairpin': '' } };
  const found = (family: 4 | 6) => rules(family, hairpin).filter((rule) => rule.includes('HAIRPIN'));
  t.same(found(4), [
    'nat POSTROUTING head: -m ipvs --vdir ORIGINAL -j KUBE-ROUTER-HAIRPIN',
    'nat KUBE-ROUTER-HAIRPIN: -s 10.244.0.5/32 -d 10.244.0.5/32 -m ipvs --vaddr 10.96.0.10 --vport 80 -j SNAT --to-source 10.96.0.10',
  ]);
  t.same(found(6).slice(1), [
    'nat KUBE-ROUTER-HAIRPIN: -s fd00:244::5/128 -d fd00:244::5/128 -m ipvs --vaddr fd00:96::10 --vport 80 -j SNAT --to-source fd00:96::10',
  ]);
  t.same(
    rules(4, {}).filter((rule) => rule.includes('HAIRPIN')),
    [],
  );
  t.end();
});

const sets = (family: 4 | 6, input: ServiceInput, permitAll = true) =>
  planServiceSets({ family, entries: entries(input), localIps: ['192.0.2.1'], permitAll }).map(
    ({ name, type, elements }) => `${name} ${type}: ${elements.join(' ')}`,
  );

t.test('V-40: the sets of the original', (t) => {
  t.same(sets(4, { spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30080, protocol: 'SCTP' }] } }), [
    'kube-router-local-ips hash:ip: 192.0.2.1',
    'kube-router-svip-prt hash:ip,port: 10.96.0.10,sctp:80 192.0.2.1,sctp:30080',
    'kube-router-svip hash:ip: 10.96.0.10 192.0.2.1',
  ]);
  t.match(sets(6, {}), [
    /^inet6:kube-router-local-ips/,
    'inet6:kube-router-svip-prt hash:ip,port: fd00:96::10,tcp:80',
    /./,
  ]);
  t.same(sets(4, {}, false), []);
  t.end();
});

t.test('loadBalancerSourceRanges guard load balancer IPs, with or without the rest (S-11)', (t) => {
  const guard = balancer(['198.18.0.0/15', '192.0.2.7/32', '2001:db8:7::/48']);
  t.same(sets(4, guard, false), [
    'kube-router-lb-src hash:ip,port,net: 203.0.113.7,tcp:80,198.18.0.0/15 203.0.113.7,tcp:80,192.0.2.7/32',
    'kube-router-lb-guard hash:ip,port: 203.0.113.7,tcp:80',
  ]);
  t.match(
    sets(6, balancer(['198.18.0.0/15']), false),
    ['inet6:kube-router-lb-src hash:ip,port,net: ', 'inet6:kube-router-lb-guard hash:ip,port: 2001:db8:b::7,tcp:80'],
    'a family without a range lets nobody in',
  );
  t.same(sets(4, balancer(['198.18.0.0/15', '0.0.0.0/0']), false), [], 'everybody');
  t.equal(
    rules(4, guard, { permitAll: false })[0],
    'filter INPUT head: -m comment --comment "clients outside of loadBalancerSourceRanges" -m set --match-set kube-router-lb-guard dst,dst -m set ! --match-set kube-router-lb-src dst,dst,src -j DROP',
  );
  t.match(rules(4, guard)[1], /KUBE-ROUTER-SERVICES$/, 'before what is accepted');
  t.notMatch(rules(4, {}).join(), /lb-guard/);
  t.end();
});

t.test('what is known again as ours, earlier forms too', (t) => {
  const cases: readonly (readonly [table: Table, chain: string, rule: string, ours: boolean])[] = [
    [
      'nat',
      'POSTROUTING',
      '-m ipvs --vdir ORIGINAL --vmethod MASQ -m comment --comment "" ! -s 10.0.0.0/24 ! -d 10.0.0.0/24 -j MASQUERADE',
      true,
    ],
    [
      'nat',
      'POSTROUTING',
      '-m ipvs --vdir ORIGINAL --vmethod MASQ -m comment --comment "" -j SNAT --to-source 10.0.0.1',
      true,
    ],
    ['nat', 'POSTROUTING', '-m ipvs --vdir ORIGINAL -j KUBE-ROUTER-HAIRPIN', true],
    ['nat', 'POSTROUTING', '-s 10.244.0.0/16 -j MASQUERADE', false],
    ['nat', 'POSTROUTING', '-m ipvs --vdir ORIGINAL -j LOG', false],
    [
      'filter',
      'INPUT',
      '-m comment --comment "handle traffic to IPVS service IPs in custom chain" -m set --match-set kube-router-svip dst -j KUBE-ROUTER-SERVICES',
      true,
    ],
    ['filter', 'INPUT', '-p tcp -j ACCEPT', false],
  ];
  t.ok(cases.length > 0);
  for (const [table, chain, rule, ours] of cases) t.equal(proxyClaim.rule(parseTokens(rule), table, chain), ours, rule);
  t.ok(proxyClaim.chain('KUBE-ROUTER-SERVICES', 'filter'));
  t.notOk(proxyClaim.chain('KUBE-ROUTER-INPUT', 'filter'));
  t.end();
});

t.test('K-7: strict filters are made loose, those that are off stay off', (t) => {
  const filters = new Map([
    ['all', '0'],
    ['kube-bridge', '1'],
    ['eth0', '2'],
  ]);
  const found = planProxySysctls('eth0', filters).map(({ key, value }) => `${key}=${value}`);
  t.same(found, [
    'net/ipv4/vs/conntrack=1',
    'net/ipv4/vs/expire_nodest_conn=1',
    'net/ipv4/vs/expire_quiescent_template=1',
    'net/ipv4/vs/conn_reuse_mode=0',
    'net/ipv4/vs/sloppy_tcp=0',
    'net/ipv4/conf/all/arp_ignore=1',
    'net/ipv4/conf/all/arp_announce=2',
    'net/ipv4/conf/kube-bridge/rp_filter=2',
  ]);
  t.end();
});
