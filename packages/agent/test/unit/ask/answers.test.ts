/** Answers about a router whose parts are real and not started, and how they read. */
import { createSpeaker } from '@routelet/bgp';
import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { answerNeighbor } from '../../../src/ask/neighbor.ts';
import { answerPeers } from '../../../src/ask/peers.ts';
import { answerPlan } from '../../../src/ask/plan.ts';
import { answerRoutes } from '../../../src/ask/routes.ts';
import { answerStatus } from '../../../src/ask/status.ts';
import { neighborText, peersText, planText, routesText, statusText, whyText } from '../../../src/ask/text/answers.ts';
import { age, table } from '../../../src/ask/text/table.ts';
import { answerWhy } from '../../../src/ask/why.ts';
import { ClusterStore } from '../../../src/cluster/store.ts';
import { parseOptions } from '../../../src/options/parse.ts';
import { parseWithFlags } from '../../../src/options/with-flags.ts';
import type { RouterInspection } from '../../../src/router/inspection.ts';
import { NodeTable } from '../../../src/router/node-table.ts';
import { speakerOptions } from '../../../src/router/peering.ts';
import { planRouter } from '../../../src/router/plan.ts';
import { routeContext } from '../../../src/router/route-context.ts';
import { node } from '../router/fixture.ts';

const argv = [
  '--run-firewall=false',
  '--run-service-proxy=false',
  '--peer-router-ips=10.0.0.99',
  '--peer-router-asns=64600',
];
const noFile = () => '';
const parsed = parseOptions(argv, noFile);
if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
const { options } = parsed;
const flags = (given: readonly string[]) => parseWithFlags(argv, given, noFile);

function inspection(): RouterInspection {
  const nodes = [1, 2].map((n) => node(`n${n}`, { addresses: [`10.0.0.${n}`], podCidrs: [`10.244.${n}.0/24`] }));
  nodes.push(node('n3', { addresses: ['10.0.0.3'] }));
  const cluster = new ClusterStore();
  for (const object of nodes) cluster.set(object);
  const known = new NodeTable('n1', nodes);
  const { plan, problems } = planRouter(
    { nodeName: 'n1', own: known.own, nodes: known.facts, vips: [], previous: undefined },
    options,
  );
  const subnet = parsePrefix('10.0.0.0/24');
  if (plan === undefined || subnet === undefined) throw new Error(JSON.stringify(problems));
  const speaker = createSpeaker(speakerOptions(plan, options, false));
  speaker.setAnnouncements(plan.announcements);
  speaker.setPeers(plan.peers);
  return {
    options,
    nodeName: 'n1',
    cluster,
    kinds: ['Node', 'Service', 'EndpointSlice'],
    meshPassword: undefined,
    facts: known.facts,
    plan,
    context: routeContext(plan.identity, known.facts.values(), [subnet], options),
    host: { interface: { index: 2, name: 'eth0', mtu: 1500 }, subnets: [subnet] },
    speaker,
    rib: undefined,
    refusals: [],
    problems,
    nowMs: 0,
    nodeChanges: async () => [],
  };
}

const NODE = 'kind: Node\napiVersion: v1\n';
const manifest = (text: string) => [{ file: 'n.yaml', text }];
const plan = (question: Partial<Parameters<typeof answerPlan>[1]>) =>
  answerPlan(inspection(), { manifests: [], all: false, flags: [], ...question }, flags);

t.test('peers, routes, neighbor, status', async (t) => {
  const asked = inspection();
  const peers = answerPeers(asked);
  t.strictSame(
    peers.peers.map(({ name, address, state }) => [name, address, state]),
    [
      ['(external)', '10.0.0.99', 'Idle'],
      ['n2', '10.0.0.2', 'Idle'],
      ['n3', '10.0.0.3', 'Idle'],
    ],
  );
  t.match(peersText(peers), /^peer +name +AS .*\n10\.0\.0\.99 +\(external\) +64600 +ebgp +Idle /);
  t.equal(routesText(answerRoutes(asked)), 'no routes\n');
  t.match(neighborText(answerNeighbor(asked, '10.0.0.2', 10)), /^peer: +10\.0\.0\.2 n2\nAS: +64512 \(ibgp\)/);
  t.throws(() => answerNeighbor(asked, '10.0.0.4', 10), { code: 'not-found', message: /no session with 10\.0\.0\.4/ });
  const component = { name: 'NRC', periodMs: 300_000, sinceMs: 61_000, hasBeaten: true, isLate: false };
  const status = answerStatus({
    ...{ version: '1.2.3', runtime: 'v26', node: 'n1', uptimeMs: 3_700_000, source: 'manifests' },
    modules: [
      {
        name: 'router',
        start: async () => {},
        stop: async () => {},
        report: () => ({ counts: { peers: 3 }, problems: [{ code: 'cni', subject: 'x', text: 'no file' }] }),
      },
    ],
    components: [
      component,
      { ...component, name: 'late', isLate: true },
      { ...component, name: 'new', hasBeaten: false },
    ],
  });
  t.strictSame(
    status.heartbeats.map(({ state }) => state),
    ['alive', 'late', 'waiting'],
  );
  t.match(statusText(status), /^version: +1\.2\.3 \(Node v26\)[^$]*up: +1h1m[^$]*problems\n +cni: no file\n$/);
});

t.test('why, where no BGP is needed to know', async (t) => {
  const why = (about: string) => answerWhy(inspection(), about);
  t.match(why('10.244.1.7'), { stoppedAt: undefined, destination: '10.244.1.0/24', verdict: /pod CIDR of this node/ });
  t.match(why('10.0.0.2'), { stoppedAt: undefined, verdict: /an address of node n2 itself/ });
  t.match(why('10.0.0.3'), { stoppedAt: 'node', verdict: /node n3 has no pod CIDR/ });
  t.match(why('n1'), { stoppedAt: undefined, verdict: 'n1 is this node' });
  t.match(why('192.0.2.1'), { stoppedAt: 'node', verdict: /no node has a pod CIDR that holds 192\.0\.2\.1/ });
  t.throws(() => why('nobody'), { code: 'bad-question' });
  t.match(why('10.244.2.0/25'), { stoppedAt: 'session', verdict: /BGP does not run on this node/ });
  t.equal(whyText(why('n3')).split('\n')[0], 'STOP  node      node n3 has no pod CIDR, so it announces none');
});

t.test('plan: nodes, annotations, flags', async (t) => {
  t.equal((await plan({})).empty, true);
  t.equal(planText(await plan({})), 'nothing would change\n');

  const added = await plan({
    manifests: manifest(
      'kind: Node\napiVersion: v1\nmetadata: {name: n4}\nspec: {podCIDRs: [10.244.4.0/24]}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.4}]}\n',
    ),
  });
  t.match(added.sessions, [
    { address: '10.0.0.4', name: 'n4', change: 'added', announce: [{ prefix: '10.244.1.0/24', nextHop: '10.0.0.1' }] },
  ]);
  t.strictSame(added.routes, [{ change: 'add', route: '10.244.4.0/24 via 10.0.0.4', why: 'once n4 announces it' }]);
  t.match(
    planText(added),
    /^sessions\n {2}10\.0\.0\.4 n4: starts\n {4}announce 10\.244\.1\.0\/24 next hop 10\.0\.0\.1 origin igp/,
  );

  const removed = await plan({ manifests: manifest(`${NODE}metadata: {name: n9}\n`), all: true });
  t.match(removed.problems, [{ code: 'node-missing' }]);
  t.match(removed.notes, [/what there is would stay as it is/]);

  const bad = await plan({ manifests: manifest('kind: Node\napiVersion: v2\nmetadata: {name: n9}\n') });
  t.match(bad.badObjects, [/n\.yaml line 1: Node: apiVersion "v2", expected "v1"/]);

  const service = await plan({
    manifests: manifest(
      'kind: Service\napiVersion: v1\nmetadata: {name: web, namespace: default, annotations: {kube-router.io/service.advertise.clusterip: "true"}}\nspec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ports: [{port: 80}]}\n---\nkind: EndpointSlice\napiVersion: discovery.k8s.io/v1\naddressType: IPv4\nmetadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}\nports: [{port: 80}]\nendpoints: [{addresses: [10.244.1.5], nodeName: n1}]\n',
    ),
  });
  t.strictSame(service.badObjects, []);
  t.match(
    service.sessions.map(({ address, change }) => [address, change]),
    [
      ['10.0.0.2', 'updated'],
      ['10.0.0.3', 'updated'],
      ['10.0.0.99', 'updated'],
    ],
    'a Service that is announced changes the import policy of all sessions',
  );

  const asn = await plan({ flags: ['--cluster-asn=65000'] });
  t.match(asn.notes, [/flags are read at start/, /this node is AS 65000, BGP identifier 10\.0\.0\.1/]);
  t.strictSame(asn.sessions.map(({ address, change }) => `${address} ${change}`).sort(), [
    '10.0.0.2 reset',
    '10.0.0.3 reset',
    '10.0.0.99 reset',
  ]);
  t.match(asn.sessions.find(({ address }) => address === '10.0.0.99')?.announce, [{ attributes: { asPath: [65000] } }]);
  const other = await plan({ flags: ['--peer-router-ips=10.0.0.98'] });
  t.strictSame(
    other.sessions.map(({ address, change }) => `${address} ${change}`).sort(),
    ['10.0.0.98 added', '10.0.0.99 removed'],
    'a list that is given takes the place of the one of the start',
  );
  await t.rejects(plan({ flags: ['--bgp-port=x'] }), { code: 'bad-question', message: /--bgp-port: bad value "x"/ });
  await t.rejects(plan({ flags: ['--nonsense'] }), { code: 'bad-question', message: 'unknown flag: --nonsense' });
});

t.test('tables and times', async (t) => {
  t.equal(
    table(
      ['a', 'bb'],
      [
        ['1', ''],
        ['22', '3'],
      ],
    ),
    'a   bb\n1\n22  3\n',
  );
  t.strictSame([0, 59_999, 61_000, 7_260_000, 90_000_000].map(age), ['0s', '59s', '1m1s', '2h1m', '1d1h']);
});
