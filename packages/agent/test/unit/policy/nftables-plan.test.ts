/** What nftables gets of one small cluster. That the kernel takes it and does it is shown by the levels kernel and policy. */
import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { ActivePolicies } from '../../../src/policy/active-policies.ts';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import type { LocalPod } from '../../../src/policy/compile/model.ts';
import { Names } from '../../../src/policy/names.ts';
import { planNftables } from '../../../src/policy/nftables-plan.ts';
import { formatTable, type NftTable } from '../../../src/policy/nftables-table.ts';
import { added, fromClient, NODE, policy, smallCluster } from './objects.ts';

const compiler = new PolicyCompiler(NODE);
compiler.apply(
  added(
    ...smallCluster,
    policy('in', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        fromClient,
        { from: [{ ipBlock: { cidr: '0.0.0.0/0' } }, { ipBlock: { cidr: '::7/128' } }], ports: [{ protocol: 'SCTP' }] },
      ],
      egress: [{ ports: [{ port: 53, protocol: 'UDP' }] }],
    }),
    policy('idle', { podSelector: { matchLabels: { app: 'none' } } }),
  ),
);
const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
const settings = {
  families: [4, 6] as const,
  clusterIpRanges: prefixes('10.96.0.0/12'),
  externalIpRanges: prefixes('192.0.2.0/24'),
  loadBalancerIpRanges: [],
  nodePortRange: '30000:32767',
  closedCidrs: prefixes('10.1.0.0/24', 'fd00::/64'),
};
const active = new ActivePolicies(compiler);
const pods = active.pods();

function plan(family: 4 | 6, some: readonly LocalPod[] = pods, refused: readonly string[] = [], given = settings) {
  const names = new Names();
  const view = { family, names, refused: new Set(refused), elements: compiler.elements.bind(compiler) };
  return { names, table: planNftables({ settings: given, pods: some, policies: active.policies(compiler), view }) };
}

const rulesOf = (table: NftTable, name: string) =>
  table.chains.find((chain) => chain.name === name)?.rules.map(({ text }) => text);
const elementsOf = (table: NftTable, name: string) => table.sets.find((set) => set.name === name)?.elements;

t.test('a pod is one element, however many there are', (t) => {
  const { names, table } = plan(4);
  const forward = ['ip daddr vmap @kube-router-pods', 'ip saddr vmap @kube-router-pods', 'jump KUBE-NWPLCY-TAIL'];
  t.strictSame(rulesOf(table, 'KUBE-ROUTER-FORWARD'), forward);
  const many = Array.from({ length: 300 }, (_, at) => {
    const key = `x/pod-${at}`;
    return { key, namespace: 'x', name: `pod-${at}`, addresses: [`10.1.1.${at}`], ingress: ['x/in'], egress: [] };
  });
  t.strictSame(rulesOf(plan(4, many).table, 'KUBE-ROUTER-FORWARD'), forward);
  t.strictSame(elementsOf(table, 'kube-router-pods'), [
    `10.1.0.2 : jump ${names.podChain('x/free')}`,
    `10.1.0.1 : jump ${names.podChain('x/web')}`,
  ]);
  t.strictSame(elementsOf(table, 'kube-router-local-pods'), ['10.1.0.2', '10.1.0.1']);
  t.end();
});

t.test('a policy is a chain for each direction', (t) => {
  const { names, table } = plan(4);
  const own = names.set({ policy: 'x/in', of: 'targets' }, 'egress', 4);
  const mark = 'counter meta mark set meta mark or 0x10000 return';
  t.strictSame(rulesOf(table, names.policyChain('x/in', 'egress', 4)), [`ip saddr @${own} udp dport 53 ${mark}`]);
  t.match(rulesOf(table, names.policyChain('x/in', 'ingress', 4)), [
    /^ip saddr @KUBE-SRC-\w+ ip daddr @KUBE-DST-\w+ tcp dport 80-90 counter /,
    / tcp dport 8080 counter /,
    / meta l4proto sctp counter /,
  ]);
  const blocks = names.set({ policy: 'x/in', of: 'blocks', direction: 'ingress', rule: 1 }, 'ingress', 4);
  t.strictSame(table.sets.find(({ name }) => name === blocks)?.kind, 'prefixes');
  t.strictSame(elementsOf(table, blocks), ['0.0.0.0/1', '128.0.0.0/1'], 'N-8');
  const six = plan(6);
  const blocks6 = six.names.set({ policy: 'x/in', of: 'blocks', direction: 'ingress', rule: 1 }, 'ingress', 6);
  t.strictSame(elementsOf(six.table, blocks6), ['::7'], 'as it is listed');
  t.end();
});

t.test('the chain of a pod, in the order of N-38', (t) => {
  const { names, table } = plan(4);
  const end = (name: string) => [
    `meta mark and 0x10000 == 0x0 limit rate 10/minute burst 10 packets log prefix "pod ${name} " group 100`,
    'meta mark and 0x10000 == 0x0 counter reject',
    'meta mark set meta mark and 0xfffeffff',
    'meta mark set meta mark or 0x20000',
  ];
  t.strictSame(rulesOf(table, names.podChain('x/web')), [
    'jump KUBE-NWPLCY-COMMON',
    `ip daddr 10.1.0.1 counter jump ${names.policyChain('x/in', 'ingress', 4)}`,
    `ip saddr 10.1.0.1 counter jump ${names.policyChain('x/in', 'egress', 4)}`,
    ...end('x/web'),
  ]);
  t.strictSame(rulesOf(table, names.podChain('x/free')), [
    'jump KUBE-NWPLCY-COMMON',
    'ip saddr 10.1.0.2 counter jump KUBE-NWPLCY-DEFAULT',
    'ip daddr 10.1.0.2 counter jump KUBE-NWPLCY-DEFAULT',
    ...end('x/free'),
  ]);
  t.end();
});

t.test('what the kernel calls, and what it does with pods that are not programmed', (t) => {
  const { table } = plan(4);
  t.strictSame(rulesOf(table, 'KUBE-ROUTER-INPUT'), [
    'ip daddr 10.96.0.0/12 counter return',
    'fib daddr type local tcp dport 30000-32767 counter return',
    'fib daddr type local udp dport 30000-32767 counter return',
    'fib daddr type local sctp dport 30000-32767 counter return',
    'ip daddr 192.0.2.0/24 counter return',
    'ip saddr vmap @kube-router-pods',
    'jump KUBE-NWPLCY-TAIL',
  ]);
  t.strictSame(rulesOf(table, 'KUBE-ROUTER-OUTPUT')?.[0], 'fib saddr type local counter return');
  t.strictSame(rulesOf(table, 'KUBE-NWPLCY-TAIL'), [
    'fib daddr type local ct state established,related return',
    'ip saddr 10.1.0.0/24 ip saddr != @kube-router-local-pods fib saddr type != local counter reject',
    'ip daddr 10.1.0.0/24 ip daddr != @kube-router-local-pods fib daddr type != local counter reject',
    'meta mark and 0x20000 == 0x20000 counter accept',
    'ip saddr 10.1.0.0/24 fib saddr type != local counter reject',
    'ip daddr 10.1.0.0/24 fib daddr type != local counter reject',
  ]);
  const open = plan(4, pods, [], { ...settings, closedCidrs: [] }).table;
  t.strictSame(rulesOf(open, 'KUBE-NWPLCY-TAIL'), ['meta mark and 0x20000 == 0x20000 counter accept']);
  t.match(rulesOf(plan(6).table, 'KUBE-NWPLCY-TAIL')?.[1], /nd-neighbor-solicit/);
  t.end();
});

t.test('an address of two pods passes what both let pass', (t) => {
  const [free, web] = pods as [LocalPod, LocalPod];
  const { names, table } = plan(4, [web, { ...free, addresses: web.addresses }]);
  const both = names.podChain('x/free x/web');
  t.strictSame(elementsOf(table, 'kube-router-pods'), [`10.1.0.1 : jump ${both}`]);
  t.strictSame(rulesOf(table, both), [`jump ${names.podChain('x/free')}`, `jump ${names.podChain('x/web')}`]);
  t.end();
});

t.test('what the kernel refused is closed', (t) => {
  const { names, table } = plan(4, pods, ['NetworkPolicy x/in', 'pod x/free']);
  t.strictSame(rulesOf(table, names.policyChain('x/in', 'ingress', 4)), []);
  t.strictSame(rulesOf(table, names.podChain('x/free')), ['counter reject']);
  t.strictSame(
    table.sets.map(({ name }) => name),
    ['kube-router-local-pods', 'kube-router-pods'],
  );
  t.end();
});

t.test('comments name what a rule is for and end in a hash of it', (t) => {
  const { names, table } = plan(4);
  const comments = table.chains.flatMap(({ rules }) => rules.map(({ comment }) => comment));
  t.ok(comments.length > 20);
  for (const comment of comments) t.match(comment, /^[^"]{2,100} - [A-Z2-7]{16}$/);
  const other = plan(4, pods.slice(1)).table;
  const of = (one: NftTable) => one.chains.find(({ name }) => name === names.podChain('x/web'));
  t.strictSame(of(other), of(table), 'which other pods do not change');
  t.match(of(table)?.rules[1]?.comment, /^x\/in ingress policy - /);
  const lines = formatTable(table, 4).map(({ text }) => text);
  t.strictSame(
    lines.slice(0, 3),
    ['add', 'delete', 'add'].map((action) => `${action} table ip kube-router-filter-ipv4`),
  );
  t.ok(
    lines.some((line) => line.endsWith('KUBE-ROUTER-INPUT { type filter hook input priority 0 ; policy accept ; }')),
  );
  t.end();
});
