/**
 * A node with pods attached by the real CNI plugins and a firewall agent alone on it (no router, no service proxy). The
 * cluster is a file of manifests; the verdicts come from the oracle of the compiler's tests, which knows none of its code.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mayPass, type RawPod, type World } from '../../../packages/agent/test/unit/policy/oracle.ts';
import {
  createLab,
  type LabAgent,
  type LabNode,
  type LabPod,
  type LabProcess,
  ManifestFolder,
  type Probe,
  Prober,
  startAgent,
  waitFor,
} from '../../src/index.ts';

export const NODE = 'node-1';
export const backends = { iptables: [], nftables: ['--use-nftables-for-netpol'] } as const;
export type BackendName = keyof typeof backends;
export const ports = [53, 80, 81, 8080];

const mainScript = fileURLToPath(new URL('../../../packages/agent/src/main.ts', import.meta.url));
const ranges = [[{ subnet: '10.0.0.0/24' }], [{ subnet: 'fd00::/64' }]];

export interface Difference {
  readonly from: string;
  readonly to: string;
  readonly probe: Probe;
  readonly open: boolean;
}

export class PolicyLab {
  readonly node: LabNode;
  readonly agent: LabAgent;
  readonly pods: readonly LabPod[];
  readonly #probers = new Map<string, Prober>();
  readonly #folder: ManifestFolder;
  #marker = 0;

  private constructor(node: LabNode, agent: LabAgent, pods: readonly LabPod[], folder: ManifestFolder) {
    this.node = node;
    this.agent = agent;
    this.pods = pods;
    this.#folder = folder;
  }

  static async start(podCount: number, flags: readonly string[] = []): Promise<PolicyLab> {
    const lab = await createLab();
    const node = await lab.node({ name: NODE, ipv4: '198.51.100.11/24', ipv6: '2001:db8::11/64' });
    const conf = JSON.parse(await readFile(node.cniConfFile, 'utf8'));
    conf.plugins[0].ipam.ranges = ranges;
    await writeFile(node.cniConfFile, JSON.stringify(conf));
    const pods: LabPod[] = [];
    for (let index = 0; index < podCount; index++) pods.push(await node.addPod(`pod-${index}`));
    const folder = await ManifestFolder.create(join(node.folder, 'manifests'));
    await folder.writeNode({
      name: NODE,
      addresses: ['198.51.100.11', '2001:db8::11'],
      podCIDRs: ['10.0.0.0/24', 'fd00::/64'],
    });
    const agent = startAgent(node, {
      manifests: folder.path,
      flags: ['--run-router=false', '--run-firewall=true', ...flags],
    });
    const policies = new PolicyLab(node, agent, pods, folder);
    for (const pod of pods) policies.#probers.set(pod.podName, await Prober.start(pod, ports));
    return policies;
  }

  /** The objects of a made-up world on the pods that there are: their labels and ports, its policies. */
  fit(world: World): World {
    const pods = this.pods.map((pod, index): RawPod => {
      const model = world.pods[index % world.pods.length] as RawPod;
      return {
        metadata: { ...model.metadata, name: pod.podName },
        spec: { ...model.spec, nodeName: NODE, hostNetwork: false },
        status: { phase: 'Running', podIPs: pod.addresses.map((ip) => ({ ip })) },
      };
    });
    return { ...world, pods };
  }

  /** Resolves when the kernel has the rules of this world: a made-up pod that comes with it counts as programmed. */
  async apply(world: World, backend: BackendName): Promise<void> {
    // IPv6 is written after IPv4.
    const address = `fd00::${(256 + (this.#marker++ % 256)).toString(16)}`;
    const marker = {
      metadata: { namespace: 'marker', name: `marker-${this.#marker}`, labels: {} },
      spec: { nodeName: NODE, containers: [] },
      status: { phase: 'Running', podIPs: [{ ip: address }] },
    };
    const documents = [
      ...world.namespaces.map((one) => ({ apiVersion: 'v1', kind: 'Namespace', ...one })),
      ...[...world.pods, marker].map((one) => ({ apiVersion: 'v1', kind: 'Pod', ...one })),
      ...world.policies.map((one) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', ...one })),
    ];
    await this.#folder.writeText('world.yaml', documents.map((one) => JSON.stringify(one)).join('\n---\n'));
    const question =
      backend === 'iptables'
        ? ['ipset', 'test', 'inet6:kube-router-local-pods', address]
        : ['nft', 'get', 'element', 'ip6', 'kube-router-filter-ipv6', 'kube-router-local-pods', `{ ${address} }`];
    await waitFor(
      `rules of step ${this.#marker}`,
      async (seen) => {
        if (this.agent.process.ended !== undefined) throw new Error(`the agent ended:\n${this.agent.process.tail()}`);
        seen(this.agent.process.tail(3));
        return (await this.node.tryExec(question)).code === 0;
      },
      { deadlineMs: 60_000, everyMs: 50 },
    );
  }

  /** Asks every pair on every port, by TCP and UDP, of both families, and gives what the documentation would not. */
  async compare(
    world: World,
  ): Promise<{ readonly probes: number; readonly open: number; readonly differences: Difference[] }> {
    const asked = this.pods.map((from) => ({ from, questions: this.#questions(from) }));
    const answers = await Promise.all(
      asked.map(({ from, questions }) => this.#prober(from).probe(questions.map(({ probe }) => probe))),
    );
    const differences: Difference[] = [];
    let probes = 0;
    let passed = 0;
    for (const [index, { from, questions }] of asked.entries()) {
      for (const [at, { to, source, probe }] of questions.entries()) {
        const open = answers[index]?.[at] ?? false;
        probes++;
        if (open) passed++;
        const { address, port, protocol } = probe;
        if (open !== mayPass(world, NODE, { from: source, to: address, protocol, port })) {
          differences.push({ from: from.podName, to: to.podName, probe, open });
        }
      }
    }
    return { probes, open: passed, differences };
  }

  /** What a pod is answered. */
  probe(podName: string, probes: readonly Probe[]): Promise<readonly boolean[]> {
    const pod = this.pods.find((one) => one.podName === podName);
    if (pod === undefined) throw new Error(`no pod ${podName}`);
    return this.#prober(pod).probe(probes);
  }

  /** Another agent on the node, with no flags but these. */
  spawnAgent(flags: readonly string[]): LabProcess {
    return this.node.spawn('second agent', [process.execPath, mainScript, '--hostname-override', NODE, ...flags], {
      env: this.node.environment,
    });
  }

  #questions(from: LabPod) {
    return this.pods.flatMap((to) =>
      to === from
        ? []
        : to.addresses.flatMap((address, family) =>
            ports.flatMap((port) =>
              (['TCP', 'UDP'] as const).map((protocol) => ({
                to,
                source: from.addresses[family] ?? '',
                probe: { protocol, address, port },
              })),
            ),
          ),
    );
  }

  #prober(pod: LabPod): Prober {
    const prober = this.#probers.get(pod.podName);
    if (prober === undefined) throw new Error(`no prober in ${pod.podName}`);
    return prober;
  }

  stop(): void {
    for (const prober of this.#probers.values()) prober.stop();
  }
}
