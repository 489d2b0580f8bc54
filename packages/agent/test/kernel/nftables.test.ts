/**
 * The nftables backend against the real kernel: what it writes by change is what a full pass would write, a full pass of
 * what stands writes nothing, and what others do to its tables is put back without a touch of theirs.
 */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { parsePrefix } from '../../src/annotations/prefix.ts';
import { type Command, runCommand } from '../../src/kernel/command.ts';
import { PolicyCompiler } from '../../src/policy/compile/compiler.ts';
import { NftablesBackend } from '../../src/policy/nftables-backend.ts';
import type { FirewallSettings } from '../../src/policy/settings.ts';
import { added, deleted, modified, namespace, pod, policy } from '../unit/policy/objects.ts';
import { PolicyCluster } from '../unit/policy/policy-cluster.ts';
import { seeded, Worlds } from '../unit/policy/worlds.ts';

const NODE = 'node-1';
const tables = ['ip kube-router-filter-ipv4', 'ip6 kube-router-filter-ipv6'] as const;
const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
const settings: FirewallSettings = {
  families: [4, 6],
  clusterIpRanges: prefixes('10.96.0.0/12', 'fd96::/112'),
  externalIpRanges: prefixes('203.0.113.0/24'),
  loadBalancerIpRanges: [],
  nodePortRange: '30000:32767',
  closedCidrs: prefixes('10.0.0.0/24', 'fd00::/64'),
};
const nft = (command: string) => execFileSync('nft', ['-f', '-'], { input: command, encoding: 'utf8' });
const list = () => execFileSync('nft', ['-s', 'list', 'ruleset'], { encoding: 'utf8' });

/** Each transaction, as the lines of its commands. */
const transactions: string[][] = [];
const run: Command = (command, args, options) => {
  if (options?.input !== undefined) transactions.push(options.input.trim().split('\n'));
  return runCommand(command, args, options);
};

const web = pod('web', ['10.0.0.1', 'fd00::1'], { labels: { app: 'web' } });
const client = pod('client', ['10.0.0.2', 'fd00::2'], { labels: { app: 'client' }, node: 'node-2' });
const toWeb = policy('to-web', {
  podSelector: { matchLabels: { app: 'web' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 80 }] }],
});
const blocks = policy('blocks', {
  podSelector: { matchLabels: { app: 'web' } },
  policyTypes: ['Egress'],
  egress: [
    { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['192.0.2.0/24'] } }, { ipBlock: { cidr: '::/0' } }] },
    { to: [{ ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.7/32'] } }], ports: [{ port: 53, protocol: 'UDP' }] },
  ],
});

/** A backend with web, client and the policies written; what stood before goes. */
async function start(...policies: readonly ReturnType<typeof policy>[]) {
  nft('flush ruleset');
  const compiler = new PolicyCompiler(NODE);
  compiler.apply(added(namespace('x'), web, client, ...policies));
  const wanted = { compiler, settings };
  const backend = new NftablesBackend(run);
  await backend.sync(wanted);
  transactions.length = 0;
  return { compiler, wanted, backend };
}

await t.test('changes add up to what a full pass writes', async (t) => {
  nft('flush ruleset');
  const worlds = new Worlds(seeded(7));
  const random = seeded(8);
  const cluster = new PolicyCluster();
  const wanted = { compiler: new PolicyCompiler(NODE), settings };
  const backend = new NftablesBackend(run);
  await backend.sync(wanted);
  let settled = 0;
  for (let step = 0; step < 40; step++) {
    const changes = cluster.become(worlds.world());
    // In two parts, so that there are moments in which two pods have one address.
    const cut = Math.floor(random() * changes.length);
    for (const part of [changes.slice(0, cut), changes.slice(cut)]) {
      const updated = await backend.update(wanted, wanted.compiler.apply(part));
      const writtenBefore = transactions.length;
      const afresh = await new NftablesBackend(run).sync(wanted);
      const again = await backend.sync(wanted);
      const found = [...updated.problems, ...again.drifted, ...transactions.slice(writtenBefore)];
      const sound = afresh.changes + again.changes + found.length === 0;
      if (!sound) t.strictSame(found, [], `step ${step}`);
      if (sound) settled++;
    }
  }
  t.equal(settled, 80, 'after each update a full pass has nothing to write and finds no foreign hand');
  const made = transactions.filter((lines) => lines.some((line) => line.startsWith('delete table'))).length;
  t.equal(made, 2, 'each table is made once');
  const text = list();
  t.match(text, /vmap @kube-router-pods/);
});

await t.test('a restart changes nothing', async (t) => {
  const { wanted } = await start(toWeb, blocks);
  const before = execFileSync('nft', ['-a', 'list', 'ruleset'], { encoding: 'utf8' });
  const { changes, drifted, counts } = await new NftablesBackend(run).sync(wanted);
  t.strictSame([changes, drifted], [0, []]);
  t.strictSame(transactions, []);
  t.equal(execFileSync('nft', ['-a', 'list', 'ruleset'], { encoding: 'utf8' }), before, 'handles and all');
  t.strictSame(counts, { chains: 4 + 2 * 3, sets: 2 * (2 + 3) });
});

await t.test('a pod of another node is one element', async (t) => {
  const { compiler, wanted, backend } = await start(toWeb, blocks);
  const other = pod('other', ['10.0.0.9', 'fd00::9'], { labels: { app: 'client' }, node: 'node-2' });
  await backend.update(wanted, compiler.apply(added(other)));
  t.match(transactions, [
    [/^add element ip kube-router-filter-ipv4 KUBE-SRC-\w+ \{ 10\.0\.0\.9 \}$/],
    [/^add element ip6 kube-router-filter-ipv6 KUBE-SRC-\w+ \{ fd00::9 \}$/],
  ]);
  t.strictSame(
    transactions.map(({ length }) => length),
    [1, 1],
  );
  await backend.update(wanted, compiler.apply(deleted(other)));
  t.match(transactions.slice(2), [[/^delete element .* \{ 10\.0\.0\.9 \}$/], [/^delete element .* \{ fd00::9 \}$/]]);
});

await t.test('a new pod of the node is its chain and its elements', async (t) => {
  const { compiler, wanted, backend } = await start(toWeb);
  await backend.update(wanted, compiler.apply(added(pod('second', ['10.0.0.3'], { labels: { app: 'web' } }))));
  t.equal(transactions.length, 1, 'nothing of IPv6');
  const [lines = []] = transactions;
  t.match(lines[0], /^add chain .* KUBE-POD-FW-\w+$/);
  t.notOk(
    lines.some((line) => /^add (rule|chain) ip \S+ KUBE-(ROUTER|NWPLCY)/.test(line)),
    'no rule of others',
  );
  t.equal(lines.filter((line) => line.includes('add element')).length, 3, 'target, verdict, local pod');
  t.match(list(), /10\.0\.0\.3 : jump KUBE-POD-FW-/);
});

await t.test('prefixes come, go and change their bounds in one transaction', async (t) => {
  const { compiler, wanted, backend } = await start(blocks);
  let last = blocks;
  for (const [cidr, ...except] of [
    ['0.0.0.0/0'],
    ['0.0.0.0/1', '10.0.0.0/8'],
    ['10.0.0.0/8', '10.1.2.3/32'],
    ['10.0.0.0/7'],
    ['10.0.0.5/32'],
    ['0.0.0.0/0', '0.0.0.0/32', '255.255.255.255/32'],
  ] as const) {
    const next = policy('blocks', {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr, except } }, { ipBlock: { cidr: '::/0', except: ['fe80::/10'] } }] }],
    });
    transactions.length = 0;
    await backend.update(wanted, compiler.apply(modified(next, last)));
    last = next;
    t.notOk(
      transactions.flat().some((line) => line.startsWith('delete table')),
      `${cidr} by element`,
    );
    t.equal((await new NftablesBackend(run).sync(wanted)).changes, 0, `${cidr} stands as planned`);
  }
});

await t.test('what others do to the tables is put back, and theirs is left alone', async (t) => {
  const { wanted, backend } = await start(toWeb, blocks);
  nft('add table inet other; add chain inet other c; add rule inet other c counter');
  const before = list();
  for (const [what, found] of [
    [`flush table ${tables[0]}`, /chain KUBE-ROUTER-FORWARD/],
    [`delete table ${tables[1]}`, /ip6 kube-router-filter-ipv6 table/],
    [`insert rule ${tables[0]} KUBE-ROUTER-FORWARD accept`, /^ip kube-router-filter-ipv4 chain KUBE-ROUTER-FORWARD$/],
    [`delete element ${tables[0]} kube-router-pods { 10.0.0.1 }`, /set kube-router-pods/],
    [`add element ${tables[1]} kube-router-local-pods { fd00::77 }`, /set kube-router-local-pods/],
    [`add chain ${tables[0]} foreign; add rule ${tables[0]} foreign accept`, /chain foreign/],
    [`add map ${tables[0]} foreign { type ipv4_addr : verdict ; }`, /set foreign/],
    [`add chain ${tables[0]} KUBE-ROUTER-FORWARD { policy drop ; }`, /chain KUBE-ROUTER-FORWARD/],
  ] as const) {
    nft(what);
    transactions.length = 0;
    const { changes, drifted } = await backend.sync(wanted);
    t.ok(changes > 0, what);
    t.match(drifted.join('\n'), found, what);
    t.equal(transactions.length, 1, 'in one transaction');
    t.equal(sorted(list()), sorted(before));
    t.equal((await backend.sync(wanted)).changes, 0, 'and it stays');
  }
});

await t.test('what the kernel refuses is closed and named, the rest stands', async (t) => {
  const bad = policy('bad', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 81 }] }] });
  nft('flush ruleset');
  const compiler = new PolicyCompiler(NODE);
  compiler.apply(added(namespace('x'), web, client, toWeb));
  const wanted = { compiler, settings };
  let refusing = true;
  // nft refuses a port that is none; its words and its line are the real ones.
  const backend = new NftablesBackend((command, args, options) => {
    const input = options?.input;
    if (input === undefined || !refusing) return run(command, args, options);
    return run(command, args, { ...options, input: input.replaceAll('dport 81 ', 'dport 810000 ') });
  });
  await backend.sync(wanted);
  const result = await backend.update(wanted, compiler.apply(added(bad)));
  t.match(result.problems, [
    {
      subject: 'NetworkPolicy x/bad',
      text: /^NetworkPolicy x\/bad: the kernel refuses its rules, it is closed: Service out of range$/,
    },
    { subject: 'NetworkPolicy x/bad' },
  ]);
  const standing = list();
  t.match(standing, /tcp dport 80 /, 'the other policy has its rules');
  t.notMatch(standing, /dport 81 /);
  const jumps = standing.match(/counter jump KUBE-NWPLCY-\w+ comment "x\/bad ingress policy/g) ?? [];
  t.equal(jumps.length, 2, 'the pod goes through its chain, which lets nothing pass, in both families');
  const other = pod('other', ['10.0.0.9'], { labels: { app: 'client' }, node: 'node-2' });
  await backend.update(wanted, compiler.apply(added(other)));
  t.match(list(), /10\.0\.0\.9/, 'and is kept up');
  t.equal((await backend.sync(wanted)).problems.length, 2, 'a full pass tries it again');
  refusing = false;
  const healed = await backend.sync(wanted);
  t.strictSame(healed.problems, []);
  t.match(list(), /tcp dport 81 /);
  t.equal((await new NftablesBackend(run).sync(wanted)).changes, 0);
});

await t.test('the tables of the original become ours in one transaction', async (t) => {
  const { wanted } = await start(toWeb);
  const before = list();
  nft('flush ruleset');
  nft(`
    add table ip kube-router-filter-ipv4
    add chain ip kube-router-filter-ipv4 KUBE-ROUTER-FORWARD { type filter hook forward priority 0 ; }
    add chain ip kube-router-filter-ipv4 KUBE-POD-FW-OLDOLDOLDOLDOLD2
    add chain ip kube-router-filter-ipv4 KUBE-NWPLCY-OLDOLDOLDOLDOLD2
    add set ip kube-router-filter-ipv4 KUBE-SRC-OLDOLDOLDOLDOLD2 { type ipv4_addr ; }
    add rule ip kube-router-filter-ipv4 KUBE-POD-FW-OLDOLDOLDOLDOLD2 counter jump KUBE-NWPLCY-OLDOLDOLDOLDOLD2
    add rule ip kube-router-filter-ipv4 KUBE-NWPLCY-OLDOLDOLDOLDOLD2 ip saddr @KUBE-SRC-OLDOLDOLDOLDOLD2 counter meta mark set meta mark or 0x10000 return
    add rule ip kube-router-filter-ipv4 KUBE-ROUTER-FORWARD ip daddr 10.0.0.1 counter jump KUBE-POD-FW-OLDOLDOLDOLDOLD2
  `);
  transactions.length = 0;
  const { drifted } = await new NftablesBackend(run).sync(wanted);
  t.strictSame(drifted, [], 'which nobody changed behind our back');
  t.equal(transactions.length, 2, 'one a family');
  t.equal(sorted(list()), sorted(before));
});

await t.test('all goes when another backend takes its place', async (t) => {
  const { backend } = await start(toWeb);
  nft('add table inet other');
  t.equal(await backend.remove([4, 6]), true);
  t.equal(list(), 'table inet other {\n}\n');
  t.equal(await backend.remove([4, 6]), false);
  const missing = new NftablesBackend((_, args) => runCommand('no-such-program', args));
  t.equal(await missing.remove([4, 6]), false, 'without nft there is nothing of it');
  await t.rejects(missing.sync({ compiler: new PolicyCompiler(NODE), settings }), { code: 'ENOENT' });
});

/** Tables, chains and sets stand in the order in which they were made. */
function sorted(listing: string): string {
  return listing
    .replaceAll(/elements = \{[^}]*\}/g, (one) =>
      one
        .split(/[\s,{}]+/)
        .sort()
        .join(' '),
    )
    .split('\n')
    .sort()
    .join('\n');
}
