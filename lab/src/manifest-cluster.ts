/**
 * A cluster without an API server: Node manifests in one folder that every agent watches, and for each Node a lab node
 * with the addresses of its manifest and an agent. Adding and removing a Node is writing and deleting a file.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type AgentOptions, type LabAgent, startAgent } from './agent.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';
import { ManifestFolder, type NodeManifest } from './manifests.ts';
import type { LabNode, NodeOptions } from './node.ts';
import type { LabPod } from './pod.ts';
import { waitFor } from './wait.ts';

/** Prefix lengths of the subnet that the nodes stand in. */
const SUBNET_BITS = { ipv4: 24, ipv6: 64 };

/** A route of the agent's, as `ip route` shows it. */
export interface PodRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

/** Kernel routes with the agent's protocol number (17), of both families, in order of destination. */
export async function podRoutes(node: LabNode): Promise<PodRoute[]> {
  const families = await Promise.all(
    ['-4', '-6'].map((family) => node.ipJson<PodRoute>(family, 'route', 'show', 'table', 'all', 'proto', '17')),
  );
  return families
    .flat()
    .map(({ dst, gateway, dev }) => ({
      dst,
      ...(gateway === undefined ? {} : { gateway }),
      ...(dev === undefined ? {} : { dev }),
    }))
    .sort((a, b) => a.dst.localeCompare(b.dst));
}

/** Reads a folder of Node manifests, in order of file name. */
export async function readNodeManifests(folder: string): Promise<NodeManifest[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (file) => {
      const { metadata, spec, status } = parse(await readFile(join(folder, file), 'utf8'));
      const internal = status.addresses.filter(({ type }: { type: string }) => type === 'InternalIP');
      return {
        name: metadata.name,
        annotations: metadata.annotations ?? {},
        podCIDRs: spec.podCIDRs,
        addresses: internal.map(({ address }: { address: string }) => address),
      };
    }),
  );
}

/** Manifests of `count` nodes `node-1`…; the families decide the addresses and pod CIDRs, the first one is primary. */
export function nodeManifests(
  count: number,
  families: readonly ('ipv4' | 'ipv6')[] = ['ipv4', 'ipv6'],
): NodeManifest[] {
  return Array.from({ length: count }, (_, index) => index + 1).map((number) => ({
    name: `node-${number}`,
    addresses: families.map((family) => (family === 'ipv4' ? `192.0.2.${10 + number}` : `2001:db8::${10 + number}`)),
    podCIDRs: families.map((family) => (family === 'ipv4' ? `10.244.${number}.0/24` : `fd00:10:244:${number}::/64`)),
  }));
}

/** Where a node stands: its bridge, and its gateway to the others. */
export type Site = Pick<NodeOptions, 'bridge' | 'gateway4' | 'gateway6'>;

export interface Member {
  readonly manifest: NodeManifest;
  readonly node: LabNode;
  readonly agent: LabAgent;
}

export class ManifestCluster {
  readonly lab: Lab;
  readonly folder: ManifestFolder;
  readonly #agentOptions: AgentOptions;
  readonly #members = new Map<string, Member>();

  private constructor(lab: Lab, folder: ManifestFolder, agentOptions: AgentOptions) {
    this.lab = lab;
    this.folder = folder;
    this.#agentOptions = agentOptions;
  }

  /** Makes the nodes and starts their agents. `agentOptions` go to every agent. */
  static async create(
    lab: Lab,
    manifests: readonly NodeManifest[],
    agentOptions: AgentOptions = {},
  ): Promise<ManifestCluster> {
    const folder = await ManifestFolder.create(join(lab.folder, 'manifests'));
    const cluster = new ManifestCluster(lab, folder, agentOptions);
    for (const manifest of manifests) await folder.writeNode(manifest);
    for (const manifest of manifests) await cluster.add(manifest);
    return cluster;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Throws for a name that is not there: a mistake of the caller. */
  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new LabError('command-failed', `the cluster has no node ${name}`);
    return member;
  }

  /** Writes the Node's manifest, makes the node, at `site` when it is not on the one bridge of all, and starts its agent. */
  async add(manifest: NodeManifest, agentOptions: AgentOptions = {}, site: Site = {}): Promise<Member> {
    const [ipv4, ipv6] = [
      manifest.addresses.find((a) => !a.includes(':')),
      manifest.addresses.find((a) => a.includes(':')),
    ];
    const node = await this.lab.node({
      ...site,
      name: manifest.name,
      ...(ipv4 === undefined ? {} : { ipv4: `${ipv4}/${SUBNET_BITS.ipv4}` }),
      ...(ipv6 === undefined ? {} : { ipv6: `${ipv6}/${SUBNET_BITS.ipv6}` }),
    });
    await this.folder.writeNode(manifest);
    const agent = startAgent(node, { manifests: this.folder.path, ...this.#agentOptions, ...agentOptions });
    const member = { manifest, node, agent };
    this.#members.set(manifest.name, member);
    return member;
  }

  /** The Node leaves the cluster: its manifest goes; its agent is ended as well. */
  async remove(name: string): Promise<void> {
    const { agent } = this.member(name);
    this.#members.delete(name);
    await this.folder.removeNode(name);
    await agent.stop();
  }

  /** Resolves when every agent has an Established session with every other node. */
  async established(deadlineMs?: number): Promise<void> {
    await Promise.all(
      this.members.map(({ manifest, agent }) => {
        const others = this.members.filter((other) => other.manifest.name !== manifest.name);
        return agent.established(
          others.flatMap((other) => other.manifest.addresses.slice(0, 1)),
          deadlineMs,
        );
      }),
    );
  }

  /** The routes that a node should have: every other node's pod CIDRs by that node's address of the same family. */
  wantedRoutes(name: string): PodRoute[] {
    const others = this.members.filter(({ manifest }) => manifest.name !== name);
    return others
      .flatMap(({ manifest: { addresses, podCIDRs } }) =>
        podCIDRs.flatMap((dst) => {
          const gateway = addresses.find((address) => address.includes(':') === dst.includes(':'));
          return gateway === undefined ? [] : [{ dst, gateway, dev: 'eth0' }];
        }),
      )
      .sort((a, b) => a.dst.localeCompare(b.dst));
  }

  /** Resolves when every node's kernel has exactly the routes it should have. */
  async routed(deadlineMs?: number): Promise<void> {
    await Promise.all(
      this.members.map(async ({ manifest: { name }, node, agent }) => {
        const wanted = JSON.stringify(this.wantedRoutes(name));
        await waitFor(
          `the kernel routes of ${name} to be ${wanted}`,
          async (seen) => {
            const found = JSON.stringify(await podRoutes(node));
            seen(`${found}; last lines of its agent:\n${agent.process.tail()}`);
            return found === wanted;
          },
          deadlineMs === undefined ? {} : { deadlineMs },
        );
      }),
    );
  }

  /** Attaches one pod to each of these nodes, when its agent has put the pod CIDRs in the CNI configuration. */
  async addPods(name: string, nodes: readonly string[] = [...this.#members.keys()]): Promise<LabPod[]> {
    return Promise.all(
      nodes.map(async (nodeName) => {
        const { manifest, node, agent } = this.member(nodeName);
        await waitFor(`the pod CIDRs ${manifest.podCIDRs.join(', ')} in ${node.cniConfFile}`, async (seen) => {
          const text = await readFile(node.cniConfFile, 'utf8');
          seen(`${text}; last lines of the agent:\n${agent.process.tail()}`);
          return manifest.podCIDRs.every((podCIDR) => text.includes(podCIDR));
        });
        return node.addPod(name);
      }),
    );
  }

  /** Last log lines of every agent, for the report of a failed test. */
  tails(count?: number): string {
    return this.members
      .map(({ manifest, agent }) => `--- agent on ${manifest.name}\n${agent.process.tail(count)}`)
      .join('\n');
  }
}
