import { readFile } from 'node:fs/promises';
import t from 'tap';
import {
  createLab,
  KernelWatch,
  type LabAgent,
  type LabNode,
  type LabPod,
  peersAnnotation,
  startAgent,
  startBird,
  waitFor,
} from '../../src/index.ts';
import { programPath } from '../../src/kubernetes/binaries.ts';
import { registerNode } from '../../src/kubernetes/node-object.ts';
import { startShippedPlane } from '../../src/kubernetes/shipped-plane.ts';
import { podRoutes } from '../../src/manifest-cluster.ts';

const serviceAccount = 'system:serviceaccount:kube-system:routelet';

const lab = await createLab();
const { control, plane, kubeconfig } = await startShippedPlane(lab);

const agents = new Map<string, LabAgent>();
const pods = new Map<string, LabPod>();
const podCidrs = new Map<string, readonly string[]>();

/** Registers a Node as a kubelet would, starts its agent, and resolves when a pod is attached to it. */
async function addNode(name: string, host: number): Promise<LabNode> {
  const node = await lab.node({ name, ipv4: `10.10.0.${host}/24`, ipv6: `fd00:10::${host}/64` });
  podCidrs.set(name, await registerNode(plane, node));
  agents.set(name, startAgent(node, { kubeconfig }));
  await waitFor(`the pod CIDRs in the CNI configuration of ${name}`, async (seen) => {
    const text = await readFile(node.cniConfFile, 'utf8');
    seen(`${text}\n${agents.get(name)?.process.tail()}`);
    return podCidrs.get(name)?.every((cidr) => text.includes(cidr));
  });
  const pod = await node.addPod('pod');
  pods.set(name, pod);
  return node;
}

function others(name: string): string[] {
  return [...agents.values()]
    .map(({ node }) => node)
    .filter((node) => node.name !== name)
    .flatMap(({ ipv4 }) => (ipv4 === undefined ? [] : [ipv4]));
}

/** Prefixes that a node's kernel has routes of ours to. */
async function routes(node: LabNode): Promise<string[]> {
  return (await podRoutes(node)).map(({ dst }) => dst);
}

async function unreachable(): Promise<string[]> {
  const failed: string[] = [];
  for (const [from, source] of pods) {
    for (const [to, target] of pods) {
      for (const address of from === to ? [] : target.addresses) {
        if (!(await source.ping(address, 2))) failed.push(`${from} -> ${to} ${address}`);
      }
    }
  }
  return failed;
}

async function meshIsUp(): Promise<void> {
  for (const [name, agent] of agents) {
    await agent.established(others(name));
    const wanted = [...podCidrs].filter(([owner]) => owner !== name).flatMap(([, cidrs]) => cidrs);
    await waitFor(`routes of ${name}`, async (seen) => {
      const found = await routes(agent.node);
      seen(found);
      return found.length === wanted.length && wanted.every((cidr) => found.includes(cidr));
    });
  }
}

// A minute of pings is longer than tap's bound on a file; the runner has its own.
t.setTimeout(0);

t.test('the shipped ClusterRole is enough, and no more than what is used', async (t) => {
  const kubectl = [programPath('kubectl'), `--kubeconfig=${plane.kubeconfig('admin')}`];
  // `can-i` ends with status 1 for a "no".
  const can = async (...words: string[]) =>
    (await control.tryExec([...kubectl, 'auth', 'can-i', ...words, `--as=${serviceAccount}`])).stdout.trim();
  t.equal(await can('watch', 'nodes'), 'yes');
  for (const [verb, resource] of [
    ['patch', 'nodes'],
    ['list', 'secrets'],
    ['list', 'configmaps'],
    ['create', 'pods'],
  ] as const) {
    t.equal(await can(verb, resource), 'no', `${verb} ${resource}`);
  }
});

t.test('three nodes mesh, and their pods reach each other on both families', async (t) => {
  for (const [name, host] of [
    ['a', 11],
    ['b', 12],
    ['c', 13],
  ] as const) {
    await addNode(name, host);
  }
  await meshIsUp();
  t.strictSame(await unreachable(), [], 'every pod answers every other');
});

t.test('a node is added', async (t) => {
  await addNode('d', 14);
  await meshIsUp();
  t.strictSame(await unreachable(), []);
});

t.test('a node is removed: its sessions and routes go', async (t) => {
  const gone = podCidrs.get('d') ?? [];
  t.equal(gone.length, 2);
  await plane.kubectl(['delete', 'node', 'd']);
  await agents.get('d')?.stop('SIGKILL');
  agents.delete('d');
  pods.delete('d');
  podCidrs.delete('d');
  await meshIsUp();
  for (const [name, agent] of agents) {
    t.notOk(
      (await routes(agent.node)).some((route) => gone.includes(route)),
      `${name} has no route to d`,
    );
    t.notOk(
      (await agent.peers()).some(({ address }) => address === '10.10.0.14'),
      `${name} has no session with d`,
    );
  }
});

const torAddress = '10.10.0.21';

t.test('a changed annotation takes effect without a restart', async (t) => {
  const node = await lab.node({ name: 'tor', ipv4: `${torAddress}/24`, ipv6: 'fd00:10::21/64' });
  const tor = await startBird(node, {
    routerId: torAddress,
    as: 65021,
    neighbors: [{ address: '10.10.0.11', as: 64512 }],
    announces: ['198.51.100.0/24'],
    nextHop4: torAddress,
    nextHop6: 'fd00:10::21',
  });
  const [peers = ''] = Object.values(peersAnnotation([{ remoteip: torAddress, remoteasn: 65021 }]));
  await plane.kubectl(['annotate', 'node', 'a', `kube-router.io/peers=${peers}`]);
  await agents.get('a')?.established([torAddress]);
  const learned = await waitFor('the pod CIDRs of a at the router', async (seen) => {
    const found = await tor.routes();
    seen(JSON.stringify(found));
    return (podCidrs.get('a') ?? []).every((cidr) => found.some(({ prefix }) => prefix === cidr)) && found;
  });
  t.match(
    learned.find(({ prefix }) => prefix === podCidrs.get('a')?.[0]),
    { nextHop: '10.10.0.11', asPath: [64512] },
  );
  const other = await agents.get('b')?.peers();
  t.strictSame(other?.map(({ address }) => address).sort(), others('b').sort(), 'b has no new session');
});

t.test('a minute without the API server changes no route and loses no packet', async (t) => {
  const [a, b] = [agents.get('a'), agents.get('b')];
  const [source, target] = [pods.get('a'), pods.get('b')];
  if (!a || !b || !source || target?.ipv4 === undefined) throw new Error('the nodes are there');
  const watches = [await KernelWatch.start(a.node), await KernelWatch.start(b.node)];
  const stream = source.pingStream(target.ipv4, 10);
  await plane.killApiServer();
  // Ten answers a second: six hundred are a minute.
  await waitFor('a minute of answers', () => stream.answers >= 600, { deadlineMs: 600_000 });
  const { sent, lost } = await stream.stop();
  t.equal(lost, 0, `of ${sent} pings none was lost`);
  for (const watch of watches) {
    const changes = (await watch.changes()).filter((line) => /^\[(ROUTE|ADDR|RULE)|^(add|delete)/.test(line));
    t.strictSame(changes, [], 'no route, address or rule changed in the kernel');
  }
  for (const watch of watches) await watch.stop();
  t.equal((await a.healthz()).status, 200, 'the agent is healthy all the while');
  t.equal(a.process.ended, undefined);

  await plane.startApiServer();
  await plane.kubectl(['annotate', 'node', 'a', 'kube-router.io/peers-']);
  await waitFor(
    'the session with the router to go',
    async () => !(await a.peers()).some(({ address }) => address === torAddress),
    { deadlineMs: 90_000 },
  );
  t.strictSame((await a.peers()).map(({ address }) => address).sort(), others('a').sort());
});
