/**
 * A cluster of one real node and many simulated ones: Node manifests for all of them, and in a second namespace one
 * process that has the addresses and the BGP sessions of the simulated nodes.
 */
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from './lab.ts';
import { ManifestFolder, type NodeManifest } from './manifests.ts';
import type { LabNode } from './node.ts';
import type { LabProcess } from './process.ts';
import type { SpeakersEvent, SpeakersSetup } from './simulated-speakers.ts';

const speakersScript = fileURLToPath(new URL('./simulated-speakers.ts', import.meta.url));

/** The subnet of all nodes; the simulated ones have its first half, as one local route of their namespace. */
const SUBNET_BITS = 15;
const SIMULATED = '10.240.0.0/16';
const NODE = '10.241.0.1';
const SPEAKERS = '10.241.0.2';
/** --cluster-asn and --bgp-port of the agent when they are not given. */
const ASN = 64_512;
const PORT = 179;

export interface SimulatedNode {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  /** In its manifest. */
  readonly podCidr: string;
}

/** `generation`: other pod CIDRs of the same nodes. At most 4,096 nodes and 40 generations. */
export function simulatedNode(index: number, generation = 0): SimulatedNode {
  const low = `${index & 255}`;
  return {
    index,
    name: `simulated-${index}`,
    address: `10.240.${(index >> 8) + 1}.${low}`,
    podCidr: `${20 + generation}.${index >> 8}.${low}.0/24`,
  };
}

export class SimulatedMesh {
  /** The node that the agent is for. */
  readonly node: LabNode;
  readonly folder: ManifestFolder;
  readonly #speakers: LabProcess;
  readonly #commands: Socket;
  /** Sessions that are up, by number of the node. */
  readonly up: ReadonlySet<number>;
  /** Numbers of nodes whose session went down, once for each time. */
  readonly lost: readonly number[];

  private constructor(
    parts: Pick<SimulatedMesh, 'node' | 'folder' | 'up' | 'lost'>,
    speakers: LabProcess,
    commands: Socket,
  ) {
    this.node = parts.node;
    this.folder = parts.folder;
    this.up = parts.up;
    this.lost = parts.lost;
    this.#speakers = speakers;
    this.#commands = commands;
  }

  /** A cluster of the real node and `count` simulated ones, whose speakers run; the agent is started by the caller. */
  static async create(lab: Lab, count: number): Promise<SimulatedMesh> {
    const node = await lab.node({ name: 'real', ipv4: `${NODE}/${SUBNET_BITS}` });
    const home = await lab.node({ name: 'simulated', ipv4: `${SPEAKERS}/${SUBNET_BITS}` });
    await home.exec(['ip', 'route', 'replace', 'local', SIMULATED, 'dev', 'lo']);
    const nodes = Array.from({ length: count }, (_, index) => simulatedNode(index));
    await addNeighbours(node, home, nodes);
    const folder = await ManifestFolder.create(join(node.folder, 'manifests'));
    await folder.writeNode({ name: node.name, addresses: [NODE], podCIDRs: ['10.244.0.0/24'] });
    for (const simulated of nodes) await folder.writeNode(manifestOf(simulated));
    const setup: SpeakersSetup = {
      ...{ socket: join(home.folder, 'speakers.sock'), agent: NODE, port: PORT, asn: ASN },
      speakers: nodes.map(({ address, podCidr }) => ({ address, prefixes: [podCidr] })),
    };
    const file = join(home.folder, 'speakers.json');
    await writeFile(file, JSON.stringify(setup));
    const up = new Set<number>();
    const lost: number[] = [];
    const onLine = (line: string) => {
      if (!line.startsWith('{')) return;
      const { index, event }: SpeakersEvent = JSON.parse(line);
      if (event === 'up') up.add(index);
      else if (up.delete(index)) lost.push(index);
    };
    const speakers = home.spawn('speakers', [process.execPath, speakersScript, file], { onLine });
    await speakers.waitForLine(/^ready$/, { deadlineMs: 60_000 });
    return new SimulatedMesh({ node, folder, up, lost }, speakers, connect(setup.socket).unref());
  }

  /** Writes the Node, new or changed. */
  write(simulated: SimulatedNode): Promise<void> {
    return this.folder.writeNode(manifestOf(simulated));
  }

  remove({ name }: SimulatedNode): Promise<void> {
    return this.folder.removeNode(name);
  }

  /** The prefixes that the node announces from now on, whenever its session is up. */
  announce({ index }: SimulatedNode, prefixes: readonly string[]): void {
    this.#commands.write(`${JSON.stringify([index, prefixes])}\n`);
  }

  tail(): string {
    return this.#speakers.tail();
  }
}

function manifestOf({ name, address, podCidr }: SimulatedNode): NodeManifest {
  return { name, addresses: [address], podCIDRs: [podCidr] };
}

/**
 * Fixed entries in the neighbour table: the kernel has one table for all namespaces, and begins to drop entries at 1,024
 * (net.ipv4.neigh.default.gc_thresh3), but never those that are permanent.
 */
async function addNeighbours(node: LabNode, home: LabNode, nodes: readonly SimulatedNode[]): Promise<void> {
  const [link] = await home.ipJson<{ readonly address: string }>('link', 'show', 'dev', 'eth0');
  const lines = nodes.map(({ address }) => `neigh add ${address} lladdr ${link?.address} dev eth0 nud permanent`);
  await node.exec(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
