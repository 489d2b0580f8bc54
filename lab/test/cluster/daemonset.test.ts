import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { imageFile, imageReference } from '../../../deploy/image/build.ts';
import { createLab, type LabNode, waitFor } from '../../src/index.ts';
import { ControlPlane } from '../../src/kubernetes/control-plane.ts';
import { buildLabImages, busyboxImage } from '../../src/kubernetes/images.ts';
import { Kubelet, kubeletFolders, prepareHostFolders } from '../../src/kubernetes/kubelet.ts';
import { deployManifest } from '../../src/kubernetes/manifest.ts';

interface PodObject {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly phase: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly state: object;
    }[];
  };
}

const podCidrs = ['10.244.0.0/16', 'fd00:10:244::/56'];
const names = ['a', 'b'];

const lab = await createLab();
await prepareHostFolders(lab.folder);
await lab.bridge({ name: 'lab0', ipv4: '10.10.0.1/24', ipv6: 'fd00:10::1/64' });
const control = await lab.node({ name: 'control', ipv4: '10.10.0.2/24', ipv6: 'fd00:10::2/64' });
const nodes: LabNode[] = [];
for (const [index, name] of names.entries()) {
  const host = 11 + index;
  nodes.push(
    await lab.node({
      name,
      ipv4: `10.10.0.${host}/24`,
      ipv6: `fd00:10::${host}/64`,
      // A ClusterIP is translated on the way out, so there must be a way out.
      gateway4: '10.10.0.1',
      gateway6: 'fd00:10::1',
      privateFolders: kubeletFolders,
    }),
  );
}

const images = [...(await buildLabImages(lab.folder)), imageFile];
const plane = await ControlPlane.start(control, {
  podCidrs,
  serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
  kubelets: names,
  scheduler: true,
});
const kubelets: Kubelet[] = [];
for (const node of nodes) kubelets.push(await Kubelet.start(node, plane, { images, kubeProxy: true, podCidrs }));
t.teardown(async () => {
  for (const kubelet of kubelets) await kubelet.stop();
});

async function pods(...words: string[]): Promise<readonly PodObject[]> {
  return (await plane.get<{ items: readonly PodObject[] }>('pods', ...words)).items;
}

/** Resolves when there is one pod a node and all are ready; on failure the error shows their states and last logs. */
async function ready(what: string, ...words: string[]): Promise<readonly PodObject[]> {
  try {
    return await waitFor(
      what,
      async (seen) => {
        const found = await pods(...words);
        seen(
          JSON.stringify(
            found.map(({ metadata, status }) => ({ ...metadata, ...status })),
            undefined,
            1,
          ),
        );
        return found.length === names.length && found.every(isReady) && found;
      },
      { deadlineMs: 120_000, everyMs: 300 },
    );
  } catch (error) {
    const logs = await plane.kubectl(['logs', '--tail=30', '--prefix', '--all-containers', ...words]).catch(String);
    throw new Error(`${error instanceof Error ? error.message : error}\n${logs}`, { cause: error });
  }
}

const isReady = ({ status }: PodObject): boolean =>
  status.containerStatuses?.every((container) => container.ready) === true;
const agentPods = ['--namespace=kube-system', '--selector=k8s-app=routelet'];

t.test('kubectl apply starts the agent on every node, with no more rights than it needs', async (t) => {
  await plane.kubectl(['apply', '-f', deployManifest]);
  const found = await ready('the agents', ...agentPods);
  t.strictSame(found.map(({ spec }) => spec.nodeName).sort(), names);
  await waitFor(
    'the nodes to be Ready',
    async (seen) => {
      const text = await plane.kubectl(['get', 'nodes', '--no-headers']);
      seen(text);
      return text
        .trim()
        .split('\n')
        .every((line) => /\sReady\s/.test(line));
    },
    { deadlineMs: 60_000 },
  );
  for (const { metadata } of found) {
    const status = await plane.kubectl([
      'exec',
      '--namespace=kube-system',
      metadata.name,
      '--',
      'grep',
      'CapEff',
      '/proc/1/status',
    ]);
    t.match(status, /CapEff:\s+0000000000003400/, 'NET_BIND_SERVICE, NET_ADMIN and NET_RAW, nothing else');
  }
});

/** Starts a web server in a pod of each node, and asks each from the other for a ping and a page. */
async function webPodsReachEachOther(t: Test, app: string, families: readonly ('IPv4' | 'IPv6')[]): Promise<void> {
  for (const name of names) {
    const command = ['sh', '-c', 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www'];
    await plane.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${app}-${name}`, labels: { app } },
      spec: {
        nodeName: name,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'web', image: busyboxImage, imagePullPolicy: 'Never', command }],
      },
    });
  }
  const found = await ready(`the pods of ${app}`, `--selector=app=${app}`);
  for (const from of found) {
    for (const to of found.filter((other) => other !== from)) {
      const addresses = (to.status.podIPs ?? []).filter(({ ip }) =>
        families.includes(ip.includes(':') ? 'IPv6' : 'IPv4'),
      );
      t.equal(addresses.length, families.length, `${to.metadata.name} has an address of each family`);
      for (const { ip } of addresses) {
        const exec = (...words: string[]) => plane.kubectl(['exec', from.metadata.name, '--', ...words]);
        await waitFor(`${from.metadata.name} to reach ${ip}`, async () => exec('ping', '-c', '1', '-W', '1', ip));
        t.match(await exec('ping', '-c', '3', '-W', '2', ip), / 0% packet loss/, `${from.metadata.name} pings ${ip}`);
        const host = ip.includes(':') ? `[${ip}]` : ip;
        const page = await exec('wget', '-T', '5', '-qO-', `http://${host}:8080/`);
        t.equal(page.trim(), to.metadata.name, `${from.metadata.name} gets a page of ${ip}`);
      }
    }
  }
}

t.test('pods on different nodes ping and wget each other', async (t) => {
  await webPodsReachEachOther(t, 'web', ['IPv4']);
});

/** Policies over the pods of an app, one on each node: closed, opened, closed, and open again when there is none. */
async function policiesHold(t: Test, app: string): Promise<void> {
  const [from, to] = await pods(`--selector=app=${app}`);
  const ip = to?.status.podIPs?.[0]?.ip;
  if (from === undefined || ip === undefined) throw new Error('the pods of the test before');
  t.not(from.spec.nodeName, to?.spec.nodeName);
  const page = ['exec', from.metadata.name, '--', 'wget', '-T', '2', '-qO-', `http://${ip}:8080/`];
  const opens = (what: string) => waitFor(what, async () => (await plane.kubectl(page)).trim() === to?.metadata.name);
  const closes = (what: string) =>
    waitFor(what, async (seen) => {
      const text = await plane.kubectl(page).catch(String);
      seen(text);
      return /command terminated with exit code/.test(text);
    });
  const policy = (ingress: readonly object[]) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: app, namespace: 'default' },
    spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress'], ingress },
  });
  await opens('a page without a policy');
  await plane.apply(policy([]));
  await closes('no page by a policy that lets nobody in');
  await plane.apply(policy([{ from: [{ podSelector: { matchLabels: { app } } }], ports: [{ port: 8080 }] }]));
  await opens('a page by a policy that lets the own pods in');
  await plane.apply(policy([{ from: [{ podSelector: { matchLabels: { app: 'other' } } }] }]));
  await closes('no page by a policy that lets others in');
  await plane.kubectl(['delete', 'networkpolicy', app]);
  await opens('a page when the policy is gone');
}

t.test('a NetworkPolicy holds between pods of different nodes, and what it takes is back without it', async (t) => {
  await policiesHold(t, 'web');
});

t.test('a changed argument rolls out, and new pods are dual stack', async (t) => {
  const added = { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--enable-ipv6=true' };
  const daemonSet = ['--namespace=kube-system', 'daemonset/routelet'];
  await plane.kubectl(['patch', ...daemonSet, '--type=json', '-p', JSON.stringify([added])]);
  await plane.kubectl(['rollout', 'status', ...daemonSet, '--timeout=55s']);
  for (const node of nodes) {
    await waitFor(`the IPv6 pod CIDR in the CNI configuration of ${node.name}`, async (seen) => {
      const text = await node.exec(['cat', '/etc/cni/net.d/10-kuberouter.conflist']);
      seen(text);
      return text.includes('fd00:10:244:');
    });
  }
  await webPodsReachEachOther(t, 'dual', ['IPv4', 'IPv6']);
});

interface Status {
  readonly node: string;
  readonly source: string;
  readonly modules: readonly string[];
  readonly problems: readonly object[];
}
interface Peers {
  readonly peers: readonly { readonly name: string; readonly state: string }[];
}

const inAgent = (pod: PodObject, ...command: string[]) =>
  plane.kubectl(['exec', '--namespace=kube-system', pod.metadata.name, '--container=routelet', '--', ...command]);

t.test('the command routelet answers in the pods, whose file system is read-only', async (t) => {
  for (const pod of await pods(...agentPods)) {
    const { nodeName } = pod.spec;
    const status: Status = JSON.parse(await inAgent(pod, 'routelet', 'status', '--json'));
    t.match(status, { node: nodeName, source: 'the API server', modules: ['firewall', 'router'], problems: [] });
    const { peers }: Peers = JSON.parse(await inAgent(pod, 'routelet', 'peers', '--json'));
    t.match(peers, [{ name: names.find((name) => name !== nodeName), state: /^established$/i }]);
    t.match(await inAgent(pod, 'routelet', 'status'), new RegExp(`\\b${nodeName}\\b`), 'a table for people');
  }
});

interface AgentContainer {
  readonly name: string;
  readonly resources: { readonly requests: { readonly memory: string }; readonly limits: { readonly memory: string } };
}

t.test('memory: at rest within the request, at its peak half of the limit', async (t) => {
  const { spec } = await plane.get<{
    spec: { template: { spec: { containers: readonly AgentContainer[] } } };
  }>('daemonset/routelet', '--namespace=kube-system');
  const { requests, limits } = spec.template.spec.containers[0]?.resources ?? {};
  const mebibytes = (text = '') => Number(/^(\d+)Mi$/.exec(text)?.[1]);
  for (const pod of await pods(...agentPods)) {
    const text = await inAgent(pod, 'cat', '/proc/1/status');
    const [peak = NaN, resident = NaN] = ['VmHWM', 'VmRSS'].map(
      (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) / 1024,
    );
    t.comment(
      `| agent of ${pod.spec.nodeName}: ${resident.toFixed(0)} MiB resident, ${peak.toFixed(0)} MiB at its peak`,
    );
    t.ok(resident < mebibytes(requests?.memory), `${resident} MiB of ${requests?.memory}`);
    t.ok(peak < mebibytes(limits?.memory) / 2, `${peak} MiB of ${limits?.memory}`);
  }
});

t.test('the agents ran through all of it without a restart, on the API by the kubernetes Service', async (t) => {
  for (const { metadata, status } of await pods(...agentPods)) {
    t.equal(status.containerStatuses?.[0]?.restartCount, 0, metadata.name);
    const peers = await plane.kubectl(['logs', '--namespace=kube-system', metadata.name]);
    t.match(peers, /session established/, `${metadata.name} has its session`);
  }
});

async function otherDeployment(): Promise<string> {
  const text = await readFile(join(import.meta.dirname, 'fixtures/kube-router.yaml'), 'utf8');
  return text.replaceAll('%IMAGE%', imageReference).replace('%APISERVER%', plane.url);
}

t.test('a deployment written for kube-router runs with only the image changed', async (t) => {
  await plane.kubectl(['delete', '--wait=true', '-f', deployManifest]);
  await plane.apply(await otherDeployment());
  const words = ['--namespace=kube-system', '--selector=k8s-app=kube-router'];
  const found = await ready('the agents of the other deployment', ...words);
  for (const { metadata } of found) {
    await waitFor(`the session of ${metadata.name}`, async (seen) => {
      const log = await plane.kubectl(['logs', '--namespace=kube-system', metadata.name]);
      seen(log);
      return /session established/.test(log);
    });
  }
  await webPodsReachEachOther(t, 'takeover', ['IPv4']);
});

t.test('the firewall alone, on nodes whose pod network somebody else made', async (t) => {
  await plane.kubectl(['delete', '--wait=true', '-f', '-'], await otherDeployment());
  await plane.kubectl(['apply', '-f', join(dirname(deployManifest), 'routelet-firewall-only.yaml')]);
  for (const pod of await ready('the agents with the firewall alone', ...agentPods)) {
    t.match(await inAgent(pod, 'grep', 'CapEff', '/proc/1/status'), /CapEff:\s+0000000000003000/, 'two capabilities');
    const status: Status = JSON.parse(await inAgent(pod, 'routelet', 'status', '--json'));
    t.match(status, { modules: ['firewall'], problems: [] });
  }
  await policiesHold(t, 'takeover');
});
