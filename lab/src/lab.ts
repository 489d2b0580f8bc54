/**
 * The lab itself: bridges in the first namespace and nodes on them. There is nothing to clean up: see enter.ts. The
 * folders /run and what is below are the lab's own, so nothing of it reaches the machine's.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { insideLab } from './enter.ts';
import { LabError } from './errors.ts';
import { LabNode, type NodeHome, type NodeOptions } from './node.ts';
import { run } from './process.ts';

const FOLDER = '/run/routelet-lab';
const routeTablesFiles = ['/etc/iproute2/rt_tables', '/usr/share/iproute2/rt_tables', '/usr/lib/iproute2/rt_tables'];

export interface BridgeOptions {
  readonly name: string;
  /** Address of the lab itself on this bridge, with prefix length; it can then reach the nodes, as an outside host. */
  readonly ipv4?: string;
  readonly ipv6?: string;
}

export class Lab implements NodeHome {
  readonly #nodes = new Map<string, LabNode>();
  readonly #bridges = new Set<string>();

  get folder(): string {
    return FOLDER;
  }

  get nodes(): readonly LabNode[] {
    return [...this.#nodes.values()];
  }

  /** Makes a bridge. Nodes make the one they name by themselves; this is for giving the lab an address on it. */
  async bridge({ name, ipv4, ipv6 }: BridgeOptions): Promise<void> {
    this.#bridges.add(name);
    await run(['ip', 'link', 'add', name, 'type', 'bridge']);
    await run(['ip', 'link', 'set', name, 'up']);
    for (const address of [ipv4, ipv6]) {
      if (address !== undefined)
        await run(['ip', 'address', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : [])]);
    }
  }

  async makeBridge(name: string): Promise<void> {
    if (!this.#bridges.has(name)) await this.bridge({ name });
  }

  /** Makes a node and attaches it to its bridge. */
  async node(options: NodeOptions): Promise<LabNode> {
    const node = await LabNode.create(options, this);
    this.#nodes.set(node.name, node);
    return node;
  }
}

/** Opens the lab of these namespaces. Rejects with LabError `not-in-lab` outside of fresh ones; there is one lab in each. */
export async function createLab(): Promise<Lab> {
  if (!insideLab()) {
    throw new LabError(
      'not-in-lab',
      'a lab needs fresh namespaces of its own: call enterLab() first, or start the script under ' +
        '`unshare --net --pid --fork --kill-child --mount-proc sh -c "ip link set lo up; exec node SCRIPT"`',
    );
  }
  await run(['mount', '-t', 'tmpfs', 'routelet-lab', '/run']);
  await mkdir('/run/netns');
  await mkdir(FOLDER);
  await ownRouteTables();
  return new Lab();
}

/** Agents write names of tables into iproute2's file: the lab has its own. */
async function ownRouteTables(): Promise<void> {
  for (const [i, file] of routeTablesFiles.entries()) {
    const own = join(FOLDER, `rt_tables.${i}`);
    const copied = await copyFile(file, own).then(
      () => true,
      () => false,
    );
    if (copied) await run(['mount', '--bind', own, file]);
  }
}
