/**
 * The owner of rules against the real kernel, with both backends of iptables. What stands is read with iptables-save; the
 * lock is held by a program of its own.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Command, runCommand } from '../../src/kernel/command.ts';
import type { Rule } from '../../src/kernel/rule.ts';
import type { RuleClaim, RuleGoal } from '../../src/kernel/rule-plan.ts';
import { Ruleset } from '../../src/kernel/ruleset.ts';

const sh = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
const directory = await mkdtemp(join(tmpdir(), 'routelet-ruleset-'));
// The lock of this test alone.
process.env['XTABLES_LOCKFILE'] = join(directory, 'xtables.lock');
t.teardown(() => rm(directory, { recursive: true }));

const note = (text: string, target = 'ACCEPT'): Rule => ['-m', 'comment', '--comment', text, '-j', target];
const claim = (word: string): RuleClaim => ({
  tables: ['filter'],
  rule: (rule) => rule.some((token) => token.startsWith(word)),
  chain: (chain) => chain.startsWith(word.toUpperCase()),
});

const firewall: RuleGoal = {
  shared: [{ table: 'filter', chain: 'FORWARD', place: 'first', rule: note('fw jump', 'FW-MAIN') }],
  chains: [
    { table: 'filter', chain: 'FW-MAIN', rules: [['-s', '10.1.0.0/16', '-j', 'FW-POD']] },
    { table: 'filter', chain: 'FW-POD', rules: [['-j', 'REJECT', '--reject-with', 'icmp-port-unreachable']] },
  ],
};
const router: RuleGoal = {
  shared: [{ table: 'filter', chain: 'FORWARD', place: 'head', rule: ['-i', 'br0', ...note('rt one')] }],
  chains: [],
};

for (const backend of ['nft', 'legacy'] as const) {
  await t.test(`iptables-${backend}`, async (t) => {
    // Kubelet's chain says which backend counts.
    sh(`iptables-${backend} -t mangle -N KUBE-IPTABLES-HINT; iptables-${backend} -A FORWARD -s 192.0.2.0/24 -j DROP`);
    t.teardown(() => sh(`iptables-${backend} -t mangle -X; iptables-${backend} -F; iptables-${backend} -X`));
    let changing = 0;
    const run: Command = (command, args, options) => {
      if (command.endsWith('-restore')) changing++;
      return runCommand(command, args, options);
    };
    const ruleset = new Ruleset(run);
    const rules = {
      router: ruleset.module('router', claim('rt')),
      firewall: ruleset.module('firewall', claim('fw')),
    };
    const standing = () =>
      sh(`iptables-${backend}-save -t filter`)
        .split('\n')
        .filter((line) => line.startsWith('-A') || / - /.test(line));
    const wanted = [
      ':FW-MAIN - [0:0]',
      ':FW-POD - [0:0]',
      '-A FORWARD -m comment --comment "fw jump" -j FW-MAIN',
      '-A FORWARD -i br0 -m comment --comment "rt one" -j ACCEPT',
      '-A FORWARD -s 192.0.2.0/24 -j DROP',
      '-A FW-MAIN -s 10.1.0.0/16 -j FW-POD',
      '-A FW-POD -j REJECT --reject-with icmp-port-unreachable',
    ];

    t.match(await ruleset.backend(), { backend, reason: /kubelet/ });
    t.match(await rules.router.apply(4, router), { changes: 1, drifted: [] });
    t.match(await rules.firewall.apply(4, firewall), { drifted: [] });
    t.strictSame(standing(), wanted, 'the module that comes later may stand before the other');
    changing = 0;
    t.match(await rules.firewall.apply(4, firewall), { changes: 0, drifted: [], held: [] });
    t.match(await rules.router.apply(4, router), { changes: 0 });
    t.equal(changing, 0, 'no changing command when all is as wanted');

    // A process that starts anew has no memory.
    const again = new Ruleset(runCommand);
    const reborn = again.module('firewall', claim('fw'));
    t.match(await reborn.apply(4, firewall), { changes: 0 }, 'what stands is adopted');
    const less = { ...firewall, chains: [{ table: 'filter', chain: 'FW-MAIN', rules: [note('fw')] }] } as const;
    await reborn.apply(4, less);
    t.notMatch(standing().join('\n'), /FW-POD/, 'what an earlier life made and nobody wants goes');
    t.strictSame((await rules.firewall.apply(4, firewall)).drifted, ['filter FW-MAIN', 'filter FW-POD']);
    t.strictSame(standing(), wanted);

    const drifts = [
      'iptables -I FORWARD 1 -s 198.51.100.0/24 -j ACCEPT',
      'iptables -D FORWARD 1',
      'iptables -F FW-MAIN',
      'iptables -I FW-POD 1 -j ACCEPT',
      'iptables -F FORWARD; iptables -F FW-MAIN; iptables -X FW-MAIN; iptables -A FORWARD -s 192.0.2.0/24 -j DROP',
    ];
    t.ok(drifts.length > 0);
    for (const drift of drifts) {
      sh(drift.replaceAll('iptables', `iptables-${backend}`));
      t.not(standing().join('\n'), wanted.join('\n'), `drifted: ${drift}`);
      t.not((await rules.firewall.apply(4, firewall)).drifted.length, 0, 'and it is said');
      await rules.router.apply(4, router);
      sh(`iptables-${backend} -D FORWARD -s 198.51.100.0/24 -j ACCEPT 2>/dev/null || true`);
      t.strictSame(standing(), wanted, `repaired: ${drift}`);
    }

    const bad = {
      ...router,
      shared: [{ ...router.shared[0], rule: ['-j', 'NO-SUCH', '-m', 'comment', '--comment', 'rt'] }],
    };
    await t.rejects(rules.router.apply(4, bad as RuleGoal), { code: 'EEXIT', message: /NO-SUCH/ });
    t.strictSame(standing(), wanted, 'nothing of a void commit');
    t.match(await rules.firewall.apply(4, firewall), { changes: 0 }, 'and the other module does not notice');

    sh(`iptables-${backend} -N THEIRS; iptables-${backend} -A THEIRS -j FW-POD`);
    t.match(await rules.firewall.apply(4, { shared: [], chains: [] }), {
      held: [/^chain FW-POD of table filter stays, empty: chain THEIRS has a rule that calls it/],
    });
    sh(`iptables-${backend} -F THEIRS; iptables-${backend} -X THEIRS`);
    await rules.firewall.apply(4, { shared: [], chains: [] });
    await rules.router.apply(4, { shared: [], chains: [] });
    t.strictSame(standing(), ['-A FORWARD -s 192.0.2.0/24 -j DROP'], 'and only ours goes');

    // Between the reading and the writing of a pass a rule that it wants to delete goes by another hand.
    await rules.router.apply(4, router);
    let race = 0;
    const racing = new Ruleset(async (command, args, options) => {
      if (command.endsWith('-restore') && race++ === 0) sh(`iptables-${backend} -D FORWARD 1`);
      return runCommand(command, args, options);
    });
    await racing.module('router', claim('rt')).apply(4, { shared: [], chains: [] });
    t.equal(race, 1, 'planned again: nothing was left to do');
    t.strictSame(standing(), ['-A FORWARD -s 192.0.2.0/24 -j DROP']);
  });
}

await t.test('many rules: one command', async (t) => {
  const ruleset = new Ruleset(runCommand);
  const module = ruleset.module('firewall', claim('fw'));
  const chains = Array.from({ length: 200 }, (_, i) => ({
    table: 'filter' as const,
    chain: `FW-${i}`,
    rules: Array.from({ length: 10 }, (_, j): Rule => ['-d', `10.${i}.${j}.0/24`, ...note(`policy ${j}`, 'RETURN')]),
  }));
  const start = performance.now();
  await module.apply(4, { shared: [], chains });
  const filled = performance.now();
  t.match(await module.apply(4, { shared: [], chains }), { changes: 0 });
  t.comment(
    `| 200 chains of 10 rules: written in ${Math.round(filled - start)} ms, compared in ${Math.round(performance.now() - filled)} ms`,
  );
  await module.apply(4, { shared: [], chains: [] });
  t.notMatch(sh('iptables-save'), /FW-/);
});

t.test('a lock that is not given back is named with its holder', async (t) => {
  sh('iptables-legacy -t mangle -N KUBE-IPTABLES-HINT');
  const holder = spawn('flock', [
    '--no-fork',
    join(directory, 'xtables.lock'),
    'sh',
    '-c',
    'echo locked; exec sleep infinity',
  ]);
  t.teardown(() => holder.kill());
  await once(holder.stdout, 'data');
  // One second in place of ten.
  const hasty: Command = (command, args, options) =>
    runCommand(
      command,
      args.map((word) => (word === '10' ? '1' : word)),
      options,
    );
  const module = new Ruleset(hasty).module('router', claim('rt'));
  await t.rejects(module.apply(4, router), {
    code: 'xtables-lock',
    message: new RegExp(
      `^iptables-legacy-restore: .*\\(process ${holder.pid}\\).* holds ${directory}/xtables.lock for more`,
    ),
  });
  holder.kill();
  await once(holder, 'exit');
  t.match(await module.apply(4, router), { changes: 1 }, 'the next pass has it');
});
