import { rm } from 'node:fs/promises';
import t from 'tap';
import {
  createLab,
  ManifestCluster,
  type NodeManifest,
  nodeManifests,
  nodeYaml,
  podRoutes,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

const lab = await createLab();
const [first, second, third] = nodeManifests(3);
if (!first || !second || !third) throw new Error('three manifests were asked for');
const cluster = await ManifestCluster.create(lab, [first, second]);
watchOver(t, cluster);
await cluster.established();
await cluster.routed();
const { agent, node } = cluster.member(first.name);
const programmed = await podRoutes(node);

/** Resolves with the log lines that say it, once there is one; a full exchange with the cluster later there is still one. */
async function oneLine(
  t: { equal(a: unknown, b: unknown, text: string): void },
  from: number,
  pattern: RegExp,
): Promise<void> {
  const lines = () =>
    agent.process.lines.slice(from).filter((line) => / (?:WARN|ERROR) /.test(line) && pattern.test(line));
  await waitFor(`a log line ${pattern}`, (seen) => {
    seen(agent.process.lines.slice(from).join('\n'));
    return lines().length > 0;
  });
  // Another Node's change goes through the same watch and the same pass: after it, what was to be said has been said.
  const extra: NodeManifest = { name: 'passing', addresses: ['192.0.2.77'], podCIDRs: ['10.244.77.0/24'] };
  await cluster.folder.writeNode(extra);
  await waitFor('the passing node to be a peer', async () =>
    (await agent.peers()).some(({ address }) => address === '192.0.2.77'),
  );
  await cluster.folder.removeNode('passing');
  await waitFor('the passing node to be gone', async () =>
    (await agent.peers()).every(({ address }) => address !== '192.0.2.77'),
  );
  t.equal(lines().length, 1, `said once:\n${lines().join('\n')}`);
}

interface WrongObject {
  readonly what: string;
  readonly file: string;
  readonly text: string;
  readonly line: RegExp;
}

const withAnnotations = (annotations: Readonly<Record<string, string>>) => nodeYaml({ ...first, annotations });

const wrongObjects: readonly WrongObject[] = [
  {
    what: 'a manifest that is not YAML',
    file: 'broken.yaml',
    text: 'kind: Node\nmetadata: {name: broken\n  - what',
    line: /broken\.yaml.*line \d/,
  },
  {
    what: 'a Node without a name',
    file: 'nameless.yaml',
    text: 'apiVersion: v1\nkind: Node\nmetadata: {}\n',
    line: /nameless\.yaml.*name/,
  },
  {
    what: 'the peers annotation that is not YAML',
    file: `${first.name}.yaml`,
    text: withAnnotations({ 'kube-router.io/peers': '- remoteip: [192.0.2.1' }),
    line: /kube-router\.io\/peers/,
  },
  {
    what: 'a peer with an address that is none',
    file: `${first.name}.yaml`,
    text: withAnnotations({ 'kube-router.io/peers': '- remoteip: 192.0.2.300\n  remoteasn: 64600\n' }),
    line: /kube-router\.io\/peers.*remoteip.*192\.0\.2\.300.*expected/,
  },
  {
    what: 'a peer with a detection multiplier that BFD cannot carry',
    file: `${first.name}.yaml`,
    text: withAnnotations({
      'kube-router.io/peers':
        '- remoteip: 192.0.2.1\n  remoteasn: 64600\n  bfd: {enabled: true, detection_multiplier: 256}\n',
    }),
    line: /kube-router\.io\/peers.*bfd\.detection_multiplier.*256.*expected/,
  },
  {
    what: 'a bad CIDR of another Node',
    file: `${third.name}.yaml`,
    text: nodeYaml({ ...third, podCIDRs: ['10.244.300.0/24', ...third.podCIDRs.slice(1)] }),
    line: new RegExp(`${third.name}.*10\\.244\\.300\\.0/24.*expected`),
  },
  {
    what: 'a bad CIDR in an annotation',
    file: `${first.name}.yaml`,
    text: withAnnotations({ 'kube-router.io/pod-cidrs': '10.244.1.0/33' }),
    line: /kube-router\.io\/pod-cidrs.*10\.244\.1\.0\/33.*expected/,
  },
];

for (const { what, file, text, line } of wrongObjects) {
  t.test(`${what}: one line names it, the rest goes on`, async (t) => {
    const from = agent.process.lines.length;
    await cluster.folder.writeText(file, text);
    await oneLine(t, from, line);
    t.same(await podRoutes(node), programmed, 'nothing programmed is lost');
    if (file === `${first.name}.yaml`) await cluster.folder.writeNode(first);
    else await rm(`${cluster.folder.path}/${file}`);
    await cluster.established();
    await cluster.routed();
  });
}

t.test(
  'a Node without pod CIDR is named on that node, peers all the same, and is announced when it has one',
  async (t) => {
    const member = await cluster.add({ ...third, podCIDRs: [] });
    await waitFor('the node to say that it has no pod CIDR', (seen) => {
      seen(member.agent.process.tail());
      return member.agent.logged(['WARN', 'ERROR'], new RegExp(`${third.name}.*(?:podCIDR|pod CIDR)`)).length === 1;
    });
    await cluster.established();
    t.same(await podRoutes(node), programmed);
    await cluster.folder.writeNode(third);
    await waitFor(`routes to ${third.podCIDRs.join(', ')} on ${first.name}`, async (seen) => {
      const routes = (await podRoutes(node)).map(({ dst }) => dst);
      seen(`${routes}\n${member.agent.process.tail()}`);
      return third.podCIDRs.every((podCIDR) => routes.includes(podCIDR));
    });
  },
);

t.test('without a CNI file the agent says so and routes all the same', async (t) => {
  const { agent: other, node: otherNode } = cluster.member(second.name);
  await other.stop();
  await rm(otherNode.cniConfFile);
  other.start();
  await other.established([first.addresses[0] ?? '']);
  await waitFor('the CNI file to be missed', (seen) => {
    seen(other.process.tail());
    return other.logged(['WARN', 'ERROR'], /10-kuberouter\.conflist/).length === 1;
  });
  t.match(
    other.logged(['WARN', 'ERROR'], /10-kuberouter\.conflist/)[0],
    /expected|init container|missing|not there|no such/i,
  );
  await waitFor('the routes of the node without CNI file', async (seen) => {
    const routes = await podRoutes(otherNode);
    seen(routes);
    return routes.length >= 2;
  });
});

t.test('a BGP port in use is named; the kernel stays; when it is free the sessions come up', async (t) => {
  await agent.stop();
  const before = await podRoutes(node);
  const holder = await node.listen('tcp', 179);
  agent.start({ flags: ['--routes-sync-period=1s'] });
  await waitFor('the port to be named', (seen) => {
    seen(agent.process.tail());
    return agent.logged(['ERROR', 'WARN'], /\b179\b.*in use|in use.*\b179\b|EADDRINUSE.*179/).length > 0;
  });
  t.same(await podRoutes(node), before, 'routes of the earlier life');
  await holder.stop();
  await cluster.established(90_000);
  t.equal(agent.logged(['ERROR', 'WARN'], /\b179\b.*in use|in use.*\b179\b|EADDRINUSE.*179/).length, 1, 'said once');
});
