import t from 'tap';
import { type ChainGoal, formatRestore, planChain } from '../../../src/kernel/chain-plan.ts';
import { equalRules, formatRule, parseRules, type Rule } from '../../../src/kernel/rule.ts';

/** Output of `iptables -S FORWARD` (1.8.9, nf_tables) with the original's three rules around a foreign one. */
const FORWARD = `-P FORWARD ACCEPT
-A FORWARD -o eth0 -m comment --comment "allow outbound node port traffic on node interface with which node ip is associated" -j ACCEPT
-A FORWARD -s 192.0.2.0/24 -m comment --comment "say \\"no\\"" -j DROP
-A FORWARD -o kube-bridge -m comment --comment "allow inbound traffic to pods" -j ACCEPT
-A FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT
`;

const rule = (letter: string): Rule => ['-m', 'comment', '--comment', letter, '-j', 'ACCEPT'];
const rules = (letters: string) => [...letters].map(rule);

t.test('rules are read as tokens and written back', (t) => {
  const parsed = parseRules(FORWARD, 'FORWARD');
  t.equal(parsed.length, 4);
  t.strictSame(parsed[1], ['-s', '192.0.2.0/24', '-m', 'comment', '--comment', 'say "no"', '-j', 'DROP']);
  t.strictSame(
    parsed.map((one) => `-A FORWARD ${formatRule(one)}`),
    FORWARD.trim().split('\n').slice(1),
  );
  t.strictSame(parseRules(FORWARD, 'INPUT'), []);
  t.notOk(equalRules(rule('a'), rule('b')));
  t.notOk(equalRules(rule('a'), rule('a').slice(0, 4)));
  t.end();
});

/** Head rules a, b, c; tail rule t; absent rule o; upper case letters are foreign. Operations as `-x`, `^x` (insert), `+x`. */
const cases: readonly (readonly [actual: string, operations: string, after: string])[] = [
  ['', '^c ^b ^a +t', 'abct'],
  ['abct', '', 'abct'],
  ['abctX', '', 'abctX'],
  ['XaYbZct', '', 'XaYbZct'],
  ['abtc', '', 'abtc'],
  ['Xbct', '-b -c ^c ^b ^a', 'abcXt'],
  ['bact', '-b -a -c ^c ^b ^a', 'abct'],
  ['abcabct', '-a -b -c -a -b -c ^c ^b ^a', 'abct'],
  ['abctt', '-t', 'abct'],
  ['oabcot', '-o -o', 'abct'],
];

const goal: ChainGoal = { table: 'filter', chain: 'C', head: rules('abc'), tail: rules('t'), absent: rules('o') };

t.test('head in order, tail anywhere, absent gone, foreign rules untouched', (t) => {
  t.ok(cases.length > 0);
  for (const [actual, expected, after] of cases) {
    const operations = planChain(goal, rules(actual));
    const sign = { delete: '-', insert: '^', append: '+' };
    t.equal(operations.map((one) => sign[one.kind] + one.rule[3]).join(' '), expected, `operations for ${actual}`);

    // What the kernel makes of them: -D takes the first equal rule.
    let chain = [...actual];
    for (const { kind, rule } of operations) {
      const letter = rule[3] ?? '';
      if (kind === 'append') chain.push(letter);
      else if (kind === 'insert') chain.unshift(letter);
      else chain = chain.toSpliced(chain.indexOf(letter), 1);
    }
    t.equal(chain.join(''), after, `chain after ${actual}`);
    t.strictSame(planChain(goal, chain.map(rule)), [], `nothing left for ${actual}`);
  }
  t.end();
});

t.test('one commit a table, nothing at all without operations', (t) => {
  const nat: ChainGoal = { table: 'nat', chain: 'POSTROUTING', head: [], tail: [['-j', 'MASQUERADE']], absent: [] };
  const plan = (of: ChainGoal) => ({ goal: of, operations: planChain(of, []) });
  t.equal(
    formatRestore([plan({ ...goal, head: [['-m', 'comment', '--comment', 'two words', '-j', 'ACCEPT']] }), plan(nat)]),
    `*filter
-I C 1 -m comment --comment "two words" -j ACCEPT
-A C -m comment --comment t -j ACCEPT
COMMIT
*nat
-A POSTROUTING -j MASQUERADE
COMMIT
`,
  );
  t.equal(formatRestore([{ goal: nat, operations: [] }]), '');
  t.end();
});
