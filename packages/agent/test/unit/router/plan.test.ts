import t from 'tap';
import { NodeTable } from '../../../src/router/node-table.ts';
import { planRouter, type RouterPlan } from '../../../src/router/plan.ts';
import { facts, node, options } from './fixture.ts';

const PEERS = 'kube-router.io/peers';
const GOOD = '[{remoteip: 10.0.0.254, remoteasn: 65001}]';

function plan(annotations: Record<string, string>, previous?: RouterPlan, changes: Partial<typeof options> = {}) {
  const own = node('n1', { addresses: ['10.0.0.1'], podCidrs: ['10.244.1.0/24'], annotations });
  const table = new NodeTable('n1', [own, node('n2', { addresses: ['10.0.0.2'], podCidrs: ['10.244.2.0/24'] })]);
  const result = planRouter(
    { nodeName: 'n1', own: table.own, nodes: table.facts, vips: [], previous },
    { ...options, enableIpv6: false, ...changes },
  );
  return {
    plan: result.plan,
    peers: result.plan?.peers.map(({ address }) => address),
    problems: result.problems.map(({ text }) => text),
  };
}

t.test('the own Node is missing: one problem, no plan', (t) => {
  const nodes = new Map([['n2', facts('n2', { addresses: ['10.0.0.2'] })]]);
  t.strictSame(planRouter({ nodeName: 'n1', own: undefined, nodes, vips: [], previous: undefined }, options), {
    plan: undefined,
    problems: [
      { code: 'node-missing', subject: 'n1', text: 'node n1: there is no such Node in the cluster; waiting for it' },
    ],
  });
  t.end();
});

t.test('a plan and the same again: what is equal is the same object', (t) => {
  const first = plan({ [PEERS]: GOOD });
  t.strictSame(first.peers, ['10.0.0.2', '10.0.0.254']);
  t.strictSame(first.problems, []);
  t.strictSame(first.plan?.announcements, [{ prefix: '10.244.1.0/24', nextHop: '10.0.0.1' }]);
  const second = plan({ [PEERS]: GOOD }, first.plan);
  t.equal(second.plan?.identity, first.plan?.identity);
  t.equal(second.plan?.policies, first.plan?.policies);
  const other = plan({ [PEERS]: GOOD }, first.plan, { overrideNextHop: true });
  t.not(other.plan?.policies, first.plan?.policies);
  t.equal(other.plan?.identity, first.plan?.identity);
  t.end();
});

t.test('A-5: a bad edit keeps the peers of the last good value and says so; a good one applies', (t) => {
  const first = plan({ [PEERS]: GOOD });
  const bad = plan(
    { [PEERS]: '- {remoteip: 10.0.0.253, remoteasn: 65001}\n- {remoteip: x, remoteasn: 1}' },
    first.plan,
  );
  t.strictSame(bad.peers, ['10.0.0.2', '10.0.0.254']);
  t.strictSame(bad.problems, [
    `node n1: annotation ${PEERS} at [1].remoteip: got "x", expected an IPv4 or IPv6 address; the peers of its last good value stay`,
  ]);
  const worse = plan({ [PEERS]: '{' }, bad.plan);
  t.strictSame(worse.peers, ['10.0.0.2', '10.0.0.254']);
  const good = plan({ [PEERS]: '[{remoteip: 10.0.0.253, remoteasn: 65001}]' }, worse.plan);
  t.strictSame(good.peers, ['10.0.0.2', '10.0.0.253']);
  t.strictSame(good.problems, []);
  t.strictSame(plan({}, good.plan).peers, ['10.0.0.2'], 'no annotation, no external peers');
  t.end();
});

t.test('A-5: a bad value at start uses what is good of it', (t) => {
  const { peers, problems } = plan({
    [PEERS]: '- {remoteip: 10.0.0.253, remoteasn: 65001}\n- {remoteip: 10.0.0.252, remoteasn: 1, bfd: 7}',
  });
  t.strictSame(peers, ['10.0.0.2', '10.0.0.253']);
  t.equal(problems.length, 1);
  t.end();
});

t.test('A-12: peers of flags win over annotations, bad ones included', (t) => {
  const routerPeers = [{ address: '10.0.0.250', asn: 65001, port: 179 }];
  const { peers, problems } = plan({ [PEERS]: '{' }, undefined, { routerPeers });
  t.strictSame(peers, ['10.0.0.2', '10.0.0.250']);
  t.strictSame(problems, []);
  t.end();
});

t.test('A-3: a changed reject list is another import chain', (t) => {
  const key = 'kube-router.io/node.bgp.customimportreject';
  const first = plan({});
  const second = plan({ [key]: '10.9.0.0/16' }, first.plan);
  t.not(second.plan?.policies, first.plan?.policies);
  t.equal(second.plan?.policies.import.statements.length, 2);
  t.end();
});
