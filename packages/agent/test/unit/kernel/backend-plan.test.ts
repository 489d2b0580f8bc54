import t from 'tap';
import { chooseBackend } from '../../../src/kernel/backend-plan.ts';

const hint = '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n';
const canary = '*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n';
const rules = (count: number) => `*filter\n:INPUT ACCEPT [0:0]\n${'-A INPUT -j ACCEPT\n'.repeat(count)}COMMIT\n`;

const cases: readonly (readonly [
  what: string,
  nft: string | undefined,
  legacy: string | undefined,
  backend: string,
])[] = [
  ['nothing anywhere', '', '', 'system'],
  ['kubelet in nft', hint, rules(100), 'nft'],
  ['kubelet in legacy', rules(100), hint, 'legacy'],
  ['kubelet in both, after a change of the host', hint, hint, 'nft'],
  ['kubelet before 1.24', rules(1), canary, 'legacy'],
  [
    'a rule that only names the chain',
    `${rules(1)}-A INPUT -m comment --comment KUBE-IPTABLES-HINT`,
    rules(3),
    'legacy',
  ],
  ['more rules in legacy', rules(1), rules(2), 'legacy'],
  ['more rules in nft', rules(2), rules(1), 'nft'],
  ['as many in both', rules(2), rules(2), 'system'],
  ['one program only', undefined, rules(2), 'system'],
  ['one program only, kubelet in it', undefined, hint, 'legacy'],
  ['neither program under its own name', undefined, undefined, 'system'],
];

t.test('the backend is kubelet’s, else the one with more rules, else the system’s', (t) => {
  t.ok(cases.length > 0);
  for (const [what, nft, legacy, backend] of cases) t.equal(chooseBackend({ nft, legacy }).backend, backend, what);
  t.strictSame(chooseBackend({ nft: rules(2), legacy: rules(1) }).rules, { nft: 2, legacy: 1 });
  t.end();
});
