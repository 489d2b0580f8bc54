/** What the backend of iptables makes of one small cluster. That the kernel takes and prints it so is shown by the level policy. */
import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { formatRule } from '../../../src/kernel/rule.ts';
import { activePolicies, sortedPods } from '../../../src/policy/backend.ts';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import {
  closedChain,
  firewallClaim,
  isFirewallSet,
  localPodsGoal,
  planJumps,
  planPodChain,
  planPolicyChains,
  planSharedChains,
  planTopChains,
  policySets,
  setElements,
} from '../../../src/policy/iptables-plan.ts';
import { Names } from '../../../src/policy/names.ts';
import { planSettings } from '../../../src/policy/settings.ts';
import { node } from '../router/fixture.ts';
import { added, fromClient, NODE, policy, smallCluster } from './objects.ts';

const compiler = new PolicyCompiler(NODE);
compiler.apply(
  added(
    ...smallCluster,
    policy('in', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [fromClient, { from: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ protocol: 'SCTP' }] }],
      egress: [{ ports: [{ port: 53, protocol: 'UDP' }] }],
    }),
    policy('idle', { podSelector: { matchLabels: { app: 'none' } } }),
  ),
);
const options = {
  ...{ enableIpv4: true, enableIpv6: true, netpolDefaultDeny: true, serviceNodePortRange: '30000:32767' },
  ...{ serviceClusterIpRange: ['10.96.0.0/12'], serviceExternalIpRange: ['192.0.2.0/24'], loadBalancerIpRange: [] },
};
const settings = planSettings(options, node(NODE, { addresses: ['10.0.0.1'], podCidrs: ['10.1.0.0/24', 'fd00::/64'] }));
const pods = sortedPods(compiler);
const policies = activePolicies(compiler, pods);
const lines = (chains: readonly { chain: string; rules: readonly (readonly string[])[] }[]) =>
  chains.flatMap(({ chain, rules }) => rules.map((rule) => `-A ${chain} ${formatRule(rule)}`));

t.test('iptables: a policy', (t) => {
  const names = new Names();
  t.strictSame([...policies.keys()], ['x/in'], 'only policies of pods of this node');
  const chains = [...policies.values()].flatMap((one) => planPolicyChains(one, names, 4));
  const [ingress, egress] = [names.policyChain('x/in', 'ingress', 4), names.policyChain('x/in', 'egress', 4)];
  const set = (id: Parameters<Names['set']>[0], direction: 'ingress' | 'egress') => names.set(id, direction, 4);
  const targets = { policy: 'x/in', of: 'targets' } as const;
  const rule = { policy: 'x/in', direction: 'ingress' } as const;
  const clients = set({ ...rule, of: 'pods', rule: 0 }, 'ingress');
  const owners = set({ ...rule, of: 'named-port', rule: 0, protocol: 'TCP', port: 8080 }, 'ingress');
  const blocks = set({ ...rule, of: 'blocks', rule: 1 }, 'ingress');
  const dst = set(targets, 'ingress');
  const src = set(targets, 'egress');
  const pair = (start: string) => [
    `${start} -j MARK --set-xmark 0x10000/0x10000`,
    `${start} -m mark --mark 0x10000/0x10000 -j RETURN`,
  ];
  t.strictSame(lines(chains), [
    ...pair(
      `-A ${ingress} -p tcp -m comment --comment "x/in ingress pods" -m set --match-set ${clients} src -m set --match-set ${dst} dst -m tcp --dport 80:90`,
    ),
    ...pair(
      `-A ${ingress} -p tcp -m comment --comment "x/in ingress pods np" -m set --match-set ${clients} src -m set --match-set ${owners} dst -m tcp --dport 8080`,
    ),
    ...pair(
      `-A ${ingress} -p sctp -m comment --comment "x/in ingress cidr" -m set --match-set ${blocks} src -m set --match-set ${dst} dst`,
    ),
    ...pair(
      `-A ${egress} -p udp -m comment --comment "x/in egress any" -m set --match-set ${src} src -m udp --dport 53`,
    ),
  ]);
  const sets = [...policies.values()].flatMap((one) => policySets(one, names, 4));
  t.strictSame(
    new Map(sets.map(({ name, type, id }) => [name, [type, setElements(compiler.elements(id), 4).sort()]])),
    new Map([
      [clients, ['hash:ip', ['10.1.1.1']]],
      [dst, ['hash:ip', ['10.1.0.1']]],
      [owners, ['hash:ip', ['10.1.0.1']]],
      [blocks, ['hash:net', ['0.0.0.0/1', '128.0.0.0/1']]],
      [src, ['hash:ip', ['10.1.0.1']]],
    ]),
  );
  t.strictSame(setElements(['::/0', 'fd00::/8', '10.0.0.0/8'], 6), ['::/1', '8000::/1', 'fd00::/8']);
  t.end();
});

t.test('iptables: pods, and the way to them', (t) => {
  const names = new Names();
  const [web, free] = [names.podChain('x/web'), names.podChain('x/free')];
  const chains = pods.flatMap((one) => planPodChain(one, names, 4) ?? []);
  const node = (chain: string, address: string) =>
    `-A ${chain} -d ${address}/32 -m comment --comment "rule to permit the traffic traffic to pods when source is the pod's local node" -m addrtype --src-type LOCAL -m physdev ! --physdev-is-bridged -j ACCEPT`;
  const end = (chain: string, name: string) => [
    `-A ${chain} -m comment --comment "x/${name} log-drop" -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/min --limit-burst 10 -j NFLOG --nflog-prefix "pod x/${name}" --nflog-group 100`,
    `-A ${chain} -m comment --comment "x/${name} reject" -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with icmp-port-unreachable`,
    `-A ${chain} -j MARK --set-xmark 0x0/0x10000`,
    `-A ${chain} -m comment --comment "set mark to ACCEPT traffic that comply to network policies" -j MARK --set-xmark 0x20000/0x20000`,
  ];
  t.strictSame(lines(chains), [
    `-A ${free} -j KUBE-NWPLCY-COMMON`,
    node(free, '10.1.0.2'),
    `-A ${free} -s 10.1.0.2/32 -m comment --comment "run through default egress network policy chain" -j KUBE-NWPLCY-DEFAULT`,
    `-A ${free} -d 10.1.0.2/32 -m comment --comment "run through default ingress network policy chain" -j KUBE-NWPLCY-DEFAULT`,
    ...end(free, 'free'),
    `-A ${web} -j KUBE-NWPLCY-COMMON`,
    node(web, '10.1.0.1'),
    `-A ${web} -d 10.1.0.1/32 -m comment --comment "x/in policy" -j ${names.policyChain('x/in', 'ingress', 4)}`,
    `-A ${web} -s 10.1.0.1/32 -m comment --comment "x/in policy" -j ${names.policyChain('x/in', 'egress', 4)}`,
    ...end(web, 'web'),
  ]);
  t.equal(
    pods.flatMap((one) => planPodChain(one, names, 6) ?? []).length,
    1,
    'none for a pod without an address of the family',
  );
  const top = lines(planTopChains(settings, pods.slice(1), names, 4));
  const into = (rest: string) => `-d 10.1.0.1/32 ${rest}-m comment --comment "x/web in" -j ${web}`;
  const from = (rest: string) => `-s 10.1.0.1/32 ${rest}-m comment --comment "x/web out" -j ${web}`;
  const bridged = '-m physdev --physdev-is-bridged ';
  const tail =
    '-m comment --comment "rule to explicitly handle traffic for network policies ACCEPT/REJECT decision" -j KUBE-NWPLCY-TAIL';
  t.match(
    top[0],
    /^-A KUBE-ROUTER-INPUT -d 10.96.0.0\/12 -m comment --comment "allow traffic to primary\/secondary cluster IP range - BVHX2PIHDXXEO43X" -j RETURN$/,
  );
  t.match(
    top[1],
    /"allow LOCAL TCP traffic to node ports - LR7XO7NXDBGQJD2M" -m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 -j RETURN$/,
  );
  t.match(top[4], /-d 192.0.2.0\/24 .*"allow traffic to external IP range: 192.0.2.0\/24 - /);
  t.strictSame(top.slice(5), [
    `-A KUBE-ROUTER-INPUT ${from('')}`,
    `-A KUBE-ROUTER-INPUT ${tail}`,
    ...[into(bridged), from(bridged), into(''), from(''), tail].map((rule) => `-A KUBE-ROUTER-FORWARD ${rule}`),
    ...[into(''), from(''), tail].map((rule) => `-A KUBE-ROUTER-OUTPUT ${rule}`),
  ]);
  t.end();
});

t.test('iptables: what all pods share', (t) => {
  const shared = (open: boolean) =>
    lines(planSharedChains({ ...settings, closedCidrs: open ? [] : settings.closedCidrs }, 4));
  const tail = (open: boolean) => shared(open).filter((line) => line.startsWith('-A KUBE-NWPLCY-TAIL'));
  const accept = '-A KUBE-NWPLCY-TAIL -m comment --comment "accept netpol-ok" -m mark --mark 0x20000/0x20000 -j ACCEPT';
  t.strictSame(tail(true), [accept], '--netpol-default-deny=false');
  const reject = '-j REJECT --reject-with icmp-port-unreachable';
  const cidr = (flag: string, side: string, rest: string) =>
    `-A KUBE-NWPLCY-TAIL ${flag} 10.1.0.0/24 -m comment --comment ${rest} -m addrtype ! --${side}-type LOCAL ${reject}`;
  const gate = (side: string) =>
    `"reject unprogrammed local pod (default-deny)" -m set ! --match-set kube-router-local-pods ${side}`;
  t.strictSame(tail(false), [
    '-A KUBE-NWPLCY-TAIL -m comment --comment "traffic of the node itself" -m addrtype --src-type LOCAL -m physdev ! --physdev-is-bridged -j RETURN',
    '-A KUBE-NWPLCY-TAIL -m comment --comment "answers to the node itself" -m addrtype --dst-type LOCAL -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
    cidr('-s', 'src', gate('src')),
    cidr('-d', 'dst', gate('dst')),
    accept,
    cidr('-s', 'src', '"reject pre-netpol (default-deny)"'),
    cidr('-d', 'dst', '"reject pre-netpol (default-deny)"'),
  ]);
  t.equal(shared(false).filter((line) => line.startsWith('-A KUBE-NWPLCY-COMMON')).length, 5);
  t.strictSame(localPodsGoal(pods, 4).elements, ['10.1.0.2', '10.1.0.1']);
  t.strictSame(
    planJumps().map(({ chain, place }) => `${chain} ${place}`),
    ['INPUT first', 'FORWARD first', 'OUTPUT first'],
  );
  t.end();
});

t.test('what is known again, and what is closed when the kernel refuses it', (t) => {
  const [jump] = planJumps();
  t.ok(jump && firewallClaim.rule(jump.rule, 'filter', 'INPUT'));
  t.ok(
    firewallClaim.rule(
      ['-m', 'comment', '--comment', 'kube-router netpol', '-j', 'KUBE-ROUTER-INPUT'],
      'filter',
      'INPUT',
    ),
  );
  t.notOk(firewallClaim.rule(['-j', 'KUBE-ROUTER-SERVICES'], 'filter', 'INPUT'), 'the proxy has rules of its own');
  for (const chain of ['KUBE-POD-FW-X', 'KUBE-NWPLCY-X', 'KUBE-ROUTER-FORWARD'])
    t.ok(firewallClaim.chain(chain, 'filter'));
  for (const chain of ['KUBE-ROUTER-SERVICES', 'KUBE-SERVICES', 'FORWARD'])
    t.notOk(firewallClaim.chain(chain, 'filter'));
  for (const set of ['KUBE-SRC-X', 'inet6:KUBE-DST-X', 'kube-router-local-pods', 'inet6:kube-router-local-pods'])
    t.ok(isFirewallSet(set), set);
  for (const set of ['kube-router-pod-subnets', 'kube-router-local-ips', 'MY-KUBE-SRC-X'])
    t.notOk(isFirewallSet(set), set);
  t.strictSame(closedChain('KUBE-NWPLCY-X', 4)?.rules, []);
  t.strictSame(closedChain('KUBE-POD-FW-X', 6)?.rules, [['-j', 'REJECT', '--reject-with', 'icmp6-port-unreachable']]);
  t.equal(closedChain('KUBE-NWPLCY-COMMON', 4), undefined, 'what all share is not closed by one');
  t.end();
});

t.test('settings', (t) => {
  t.strictSame(settings.closedCidrs, [parsePrefix('10.1.0.0/24'), parsePrefix('fd00::/64')]);
  const annotated = node(NODE, {
    ...{ addresses: ['10.0.0.1'], podCidrs: ['10.1.0.0/24'] },
    annotations: { 'kube-router.io/pod-cidrs': '10.9.0.0/24' },
  });
  t.strictSame(planSettings(options, annotated).closedCidrs, [parsePrefix('10.9.0.0/24')]);
  t.strictSame(planSettings({ ...options, netpolDefaultDeny: false }, annotated).closedCidrs, []);
  t.end();
});
