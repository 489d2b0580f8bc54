import { IFF_UP, type Link } from '@routelet/netlink-wire';
import t from 'tap';
import { formatRestore, planTable, type RuleGoal } from '../../../src/kernel/rule-plan.ts';
import { SavedTable } from '../../../src/kernel/saved-table.ts';
import { planBridge } from '../../../src/router/bridge.ts';
import { planForwardingSysctls, planRules, planSets, routerClaim } from '../../../src/router/forwarding.ts';
import { readHost } from '../../../src/router/host.ts';
import { facts } from './fixture.ts';

/** Rules of `iptables-save` (1.8.9, nf_tables) after the commands of K-1 and K-4. */
const FORWARD = `-A FORWARD -o eth0 -m comment --comment "allow outbound node port traffic on node interface with which node ip is associated" -j ACCEPT
-A FORWARD -o kube-bridge -m comment --comment "allow inbound traffic to pods" -j ACCEPT
-A FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT
`;
const egress = (set: string) =>
  `-A POSTROUTING -m set --match-set ${set}kube-router-pod-subnets src -m set ! --match-set ${set}kube-router-pod-subnets dst -m set ! --match-set ${set}kube-router-node-ips dst -j MASQUERADE`;

const input = { family: 4, nodeInterface: 'eth0', enablePodEgress: true, randomFully: true } as const;

/** Lines of the change from chains with this content. */
function changes(goal: RuleGoal, forward: string, postrouting: string) {
  const table = (chain: string, rules: string) => new SavedTable(`:${chain} ACCEPT [0:0]\n${rules}`);
  const module = { goal, claim: routerClaim };
  const plans = [
    planTable('filter', [module], table('FORWARD', forward)),
    planTable('nat', [module], table('POSTROUTING', postrouting)),
  ];
  return formatRestore(plans).split('\n').filter(Boolean);
}

t.test('K-1, K-4: what the original left is as wanted', (t) => {
  t.strictSame(changes(planRules(input), FORWARD, `${egress('')} --random-fully\n`), []);
  t.strictSame(changes(planRules({ ...input, family: 6 }), FORWARD, `${egress('inet6:')} --random-fully\n`), []);
  t.strictSame(changes(planRules({ ...input, randomFully: false }), FORWARD, `${egress('')}\n`), []);
  t.end();
});

t.test('K-1, K-4: from nothing, the same lines as the original', (t) => {
  t.strictSame(changes(planRules(input), '', ''), [
    '*filter',
    '-I FORWARD 1 -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT',
    '-I FORWARD 1 -o kube-bridge -m comment --comment "allow inbound traffic to pods" -j ACCEPT',
    '-I FORWARD 1 -o eth0 -m comment --comment "allow outbound node port traffic on node interface with which node ip is associated" -j ACCEPT',
    'COMMIT',
    '*nat',
    `${egress('')} --random-fully`,
    'COMMIT',
  ]);
  t.end();
});

t.test('K-4: historical variants go; off removes the rule', (t) => {
  const old = egress('').replace(' -m set ! --match-set kube-router-node-ips dst', '');
  const del = (line: string) => line.replace('-A ', '-D ');
  const all = [old, `${old} --random-fully`, egress(''), `${egress('')} --random-fully`];
  const wanted = all.at(-1) ?? '';
  const foreign = '-A POSTROUTING -m set --match-set theirs src -j MASQUERADE';
  t.strictSame(changes(planRules(input), FORWARD, `${[...all, foreign].join('\n')}\n`), [
    '*nat',
    del(old),
    del(`${old} --random-fully`),
    del(egress('')),
    'COMMIT',
  ]);
  const off = planRules({ ...input, enablePodEgress: false });
  t.strictSame(changes(off, FORWARD, `${wanted}\n`), ['*nat', del(wanted), 'COMMIT']);
  t.end();
});

t.test('K-1: the rule of an interface that no longer holds the address goes', (t) => {
  t.strictSame(changes(planRules({ ...input, nodeInterface: 'bond0' }), FORWARD, `${egress('')} --random-fully\n`), [
    '*filter',
    '-D FORWARD -o eth0 -m comment --comment "allow outbound node port traffic on node interface with which node ip is associated" -j ACCEPT',
    '-D FORWARD -o kube-bridge -m comment --comment "allow inbound traffic to pods" -j ACCEPT',
    '-D FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT',
    '-I FORWARD 1 -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT',
    '-I FORWARD 1 -o kube-bridge -m comment --comment "allow inbound traffic to pods" -j ACCEPT',
    '-I FORWARD 1 -o bond0 -m comment --comment "allow outbound node port traffic on node interface with which node ip is associated" -j ACCEPT',
    'COMMIT',
  ]);
  t.end();
});

t.test('K-2, K-3, K-5: sets of a family', (t) => {
  const nodes = [
    facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] }),
    facts('n2', { addresses: ['10.0.0.2', 'external:192.0.2.2'], podCidrs: ['0.0.0.0/0', '10.244.2.0/24'] }),
  ];
  t.strictSame(planSets(nodes, 4), [
    { name: 'kube-router-pod-subnets', type: 'hash:net', family: 'inet', elements: ['10.244.1.0/24', '10.244.2.0/24'] },
    { name: 'kube-router-node-ips', type: 'hash:ip', family: 'inet', elements: ['10.0.0.1', '10.0.0.2', '192.0.2.2'] },
  ]);
  const ipv6 = planSets(nodes, 6);
  t.strictSame(
    ipv6.map(({ name, family, elements }) => [name, family, elements]),
    [
      ['inet6:kube-router-pod-subnets', 'inet6', ['fd00:1::/64']],
      ['inet6:kube-router-node-ips', 'inet6', ['fd00::1']],
    ],
  );
  for (const { name } of ipv6) t.ok(name.length <= 30, `${name} leaves room for the name of its swap`);
  t.end();
});

t.test('C-7, C-8: sysctls', (t) => {
  const keys = (enableIpv6: boolean) =>
    planForwardingSysctls({ enableIpv6 }).map(({ key, value }) => `${key}=${value}`);
  t.strictSame(keys(false), ['net/bridge/bridge-nf-call-iptables=1']);
  t.strictSame(keys(true), [
    'net/bridge/bridge-nf-call-iptables=1',
    'net/bridge/bridge-nf-call-ip6tables=1',
    'net/ipv6/conf/all/disable_ipv6=0',
  ]);
  t.end();
});

const link = (index: number, name: string, mtu: number, flags = 0): Link => ({ index, name, type: 1, flags, mtu });

t.test('C-4: the bridge is made, given the MTU and set up', (t) => {
  const steps = (links: Link[], mtu: number | undefined) =>
    planBridge(links, mtu).map(({ action, object: { name: _, ...rest } }) => [action, rest]);
  t.strictSame(steps([], 1450), [
    ['create', { kind: 'bridge' }],
    ['set', { mtu: 1450 }],
    ['set', { up: true }],
  ]);
  t.strictSame(steps([link(4, 'kube-bridge', 1500, IFF_UP)], 1450), [['set', { mtu: 1450 }]]);
  t.strictSame(steps([link(4, 'kube-bridge', 1500)], undefined), [['set', { up: true }]]);
  t.strictSame(steps([link(4, 'kube-bridge', 1450, IFF_UP)], 1450), []);
  t.end();
});

t.test('C-3: interface and subnets of the node addresses', (t) => {
  const address = (index: number, bytes: number[], prefixLength: number) => ({
    family: bytes.length === 4 ? 2 : 10,
    index,
    prefixLength,
    scope: 0,
    flags: 0,
    local: Uint8Array.from(bytes),
  });
  const host = readHost(
    [link(1, 'lo', 65536), link(2, 'eth0', 1450), link(3, 'eth1', 9000)],
    [
      address(1, [127, 0, 0, 1], 8),
      address(2, [10, 0, 0, 1], 24),
      address(3, [192, 168, 0, 1], 16),
      address(2, [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 64),
    ],
    { primary: '10.0.0.1', addresses: ['10.0.0.1', 'fd00::1'] },
  );
  t.strictSame(host.interface, { index: 2, name: 'eth0', mtu: 1450 });
  t.strictSame(
    host.subnets.map(({ text }) => text),
    ['10.0.0.0/24', 'fd00::/64'],
  );
  t.strictSame(readHost([], [], { primary: '10.0.0.1', addresses: ['10.0.0.1'] }), {
    interface: undefined,
    subnets: [],
  });
  t.end();
});
