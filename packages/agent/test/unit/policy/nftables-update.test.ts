/** Updates add up to the full plan, and a difference leads from any table to any other. */
import t from 'tap';
import type { ClusterChange } from '../../../src/cluster/model.ts';
import { ActivePolicies } from '../../../src/policy/active-policies.ts';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import { Names } from '../../../src/policy/names.ts';
import { type NftView, planNftables } from '../../../src/policy/nftables-plan.ts';
import {
  digestOf,
  formatChange,
  type ListedTable,
  type NftTable,
  noteChange,
  planDifference,
  planDrift,
  type StandingTable,
  standingOf,
} from '../../../src/policy/nftables-table.ts';
import { planUpdate } from '../../../src/policy/nftables-update.ts';
import { added, deleted, modified, NODE, namespace, pod, policy } from './objects.ts';
import { PolicyCluster } from './policy-cluster.ts';
import { seeded, Worlds } from './worlds.ts';

const settings = {
  ...{ families: [4, 6] as const, clusterIpRanges: [], externalIpRanges: [], loadBalancerIpRanges: [] },
  ...{ nodePortRange: '30000:32767', closedCidrs: [] },
};

/** A node whose table of IPv4 is kept up by updates alone. */
class Node {
  readonly compiler = new PolicyCompiler(NODE);
  readonly active = new ActivePolicies(this.compiler);
  readonly names = new Names();
  readonly refused = new Set<string>();
  standing: StandingTable = standingOf(this.full());

  view(): NftView {
    return { family: 4, names: this.names, refused: this.refused, elements: (id) => this.compiler.elements(id) };
  }

  full(): NftTable {
    const policies = this.active.policies(this.compiler);
    return planNftables({ settings, pods: this.active.pods(), policies, view: this.view() });
  }

  /** Undefined when the update asked for the full plan. */
  update(changes: readonly ClusterChange[]): string[] | undefined {
    const change = this.compiler.apply(changes);
    const activeChange = this.active.update(this.compiler, change);
    const { compiler, active, standing } = this;
    const plan = planUpdate({ compiler, active, activeChange, change, view: this.view(), standing });
    if (plan === undefined) {
      this.standing = standingOf(this.full());
      return undefined;
    }
    noteChange(standing, plan);
    return formatChange(plan, 4).map(({ text }) => text);
  }
}

const plain = ({ chains, sets }: StandingTable) => ({
  chains: Object.fromEntries([...chains].sort()),
  sets: Object.fromEntries([...sets].sort()),
});

t.test('random clusters, changed in random parts', (t) => {
  const random = seeded(3);
  const worlds = new Worlds(seeded(4));
  const cluster = new PolicyCluster();
  const node = new Node();
  let updates = 0;
  let full = 0;
  for (let step = 0; step < 400; step++) {
    let changes = cluster.become(worlds.world());
    while (changes.length > 0) {
      const cut = 1 + Math.floor(random() * changes.length);
      const done = node.update(changes.slice(0, cut));
      changes = changes.slice(cut);
      updates++;
      if (done === undefined) full++;
      const [is, should] = [plain(node.standing), plain(standingOf(node.full()))];
      if (JSON.stringify(is) !== JSON.stringify(should)) {
        t.strictSame(is, should, `step ${step}`);
        t.end();
        return;
      }
    }
  }
  t.ok(updates > 1000 && full < updates / 2, `${updates} updates, ${full} of them by a full plan`);
  t.end();
});

t.test('an update names what changed and nothing else', (t) => {
  const node = new Node();
  const web = pod('web', ['10.1.0.1'], { labels: { app: 'web' } });
  const open = policy('open', {
    podSelector: { matchLabels: { app: 'web' } },
    ingress: [{ from: [{ podSelector: {} }] }],
  });
  node.update(added(namespace('x'), web, open));
  const other = pod('other', ['10.1.9.9'], { node: 'node-2' });
  t.match(node.update(added(other)), [/^add element \S+ \S+ KUBE-SRC-\w+ \{ 10.1.9.9 \}$/]);
  t.match(node.update(deleted(other)), [/^delete element \S+ \S+ KUBE-SRC-\w+ \{ 10.1.9.9 \}$/]);
  t.strictSame(node.update(added(policy('idle', { podSelector: { matchLabels: { app: 'none' } } }))), []);
  const same = policy('open', {
    podSelector: { matchLabels: { app: 'web' } },
    ingress: [{ from: [{ podSelector: {} }] }],
  });
  t.strictSame(node.update(modified(same, open)), [], 'the same rules are not written again');
  const gone = node.update(deleted(same)) ?? [];
  t.strictSame(
    gone.map((line) => line.split(' ').slice(0, 2).join(' ')),
    ['flush chain', ...Array(7).fill('add rule'), 'flush chain', 'delete chain', 'delete set', 'delete set'],
    'the pod is open before the chain of the policy goes, which goes before its sets',
  );
  t.equal(node.update(added(pod('twin', ['10.1.0.1']))), undefined, 'one address of two pods needs the full plan');
  t.end();
});

t.test('a policy that the kernel refused has no sets to keep up', (t) => {
  const node = new Node();
  const web = pod('web', ['10.1.0.1'], { labels: { app: 'web' } });
  node.refused.add('NetworkPolicy x/open');
  node.update(
    added(namespace('x'), web, policy('open', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] })),
  );
  t.strictSame(node.update(added(pod('other', ['10.1.9.9'], { node: 'node-2' }))), []);
  t.end();
});

t.test('what cannot be changed in place is made anew', (t) => {
  const chain = { name: 'C', rules: [{ text: 'accept', comment: 'c' }], hook: 'input' };
  const wanted: NftTable = { chains: [chain], sets: [{ name: 'S', kind: 'prefixes', elements: ['10.0.0.0/8'] }] };
  const elements = new Map([['S', new Set(['10.0.0.0/8'])]]);
  const listed = (change: Partial<ListedTable> = {}): ListedTable => ({ ...standingOf(wanted), elements, ...change });
  const nothing = { chains: [], newChains: new Set(), newSets: [], elements: [], staleChains: [], staleSets: [] };
  t.strictSame(planDifference(listed(), wanted), nothing);
  t.strictSame(planDrift(standingOf(wanted), listed()), []);
  const digest = digestOf([]);
  for (const [what, change] of [
    ['a chain of another hook', { chains: new Map([['C', { comments: ['c'], hook: 'filter input 10 accept' }]]) }],
    ['a chain without a hook', { chains: new Map([['C', { comments: ['c'] }]]) }],
    ['a set of another kind', { sets: new Map([['S', { kind: 'addresses' as const, digest }]]) }],
    ['a set that is unknown', { sets: new Map([['S', { digest }]]) }],
    ['a map of others', { sets: new Map([...listed().sets, ['M', { kind: 'verdicts' as const, digest }]]) }],
  ] as const) {
    t.equal(planDifference(listed(change), wanted), undefined, what);
    t.equal(planDrift(standingOf(wanted), listed(change)).length, 1, what);
  }
  const change = planDifference(listed({ elements: new Map([['S', new Set(['10.0.0.0/9'])]]) }), wanted);
  t.strictSame(change && formatChange(change, 4).map(({ text }) => text), [
    'delete element ip kube-router-filter-ipv4 S { 10.0.0.0/9 }',
    'add element ip kube-router-filter-ipv4 S { 10.0.0.0/8 }',
  ]);
  t.end();
});
