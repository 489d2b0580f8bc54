/**
 * A node of the lab: a network namespace with an interface on a lab bridge, a private folder, and a CNI configuration
 * file of its own that the agent edits and that pods are attached by.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NetNamespace } from './namespace.ts';
import { createNamespace, LabPod } from './pod.ts';
import { LabProcess, run } from './process.ts';

export interface LinkOptions {
  /** Lab bridge to attach to; `lab0` when left out. It is made when it does not exist yet. */
  readonly bridge?: string;
  /** Interface name inside the namespace; `eth0` when left out. */
  readonly interface?: string;
  /** Address with prefix length: `192.0.2.11/24`. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mtu?: number;
}

export interface NodeOptions extends LinkOptions {
  readonly name: string;
  /** Default gateways, for a node that reaches the others through a router. */
  readonly gateway4?: string;
  readonly gateway6?: string;
  /** Forwards packets between its interfaces, as a router does. A node becomes one by its CNI plugin too. */
  readonly forwarding?: boolean;
  /**
   * Folders that this node's processes see as their own, by path: the path must exist on the machine. With any of them
   * the node has a mount namespace of its own.
   */
  readonly privateFolders?: readonly string[];
}

/** What a node needs of its lab. */
export interface NodeHome {
  /** Folder in which each node has its own. */
  readonly folder: string;
  /** Makes the lab bridge of that name when there is none yet. */
  makeBridge(name: string): Promise<void>;
}

export class LabNode extends NetNamespace {
  /** Private folder, under /run: gone with the lab. */
  readonly folder: string;
  /** CNI configuration file of this node (KUBE_ROUTER_CNI_CONF_FILE). */
  readonly cniConfFile: string;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly #lab: NodeHome;
  readonly #pods = new Map<string, LabPod>();

  private constructor(options: NodeOptions, folder: string, mounts: string | undefined, lab: NodeHome) {
    super(options.name, mounts === undefined ? {} : { mounts });
    this.folder = folder;
    this.#lab = lab;
    this.cniConfFile = join(folder, 'cni', '10-kuberouter.conflist');
    this.ipv4 = options.ipv4?.replace(/\/.*/, '');
    this.ipv6 = options.ipv6?.replace(/\/.*/, '');
  }

  static async create(options: NodeOptions, lab: NodeHome): Promise<LabNode> {
    const folder = join(lab.folder, options.name);
    await mkdir(join(folder, 'cni'), { recursive: true });
    await createNamespace(options.name);
    const mounts = await createMounts(options.privateFolders ?? [], folder);
    const node = new LabNode(options, folder, mounts, lab);
    await node.attach(options);
    if (options.forwarding === true) {
      await node.sysctl('net/ipv4/ip_forward', 1);
      await node.sysctl('net/ipv6/conf/all/forwarding', 1);
    }
    if (options.gateway4 !== undefined) await node.exec(['ip', 'route', 'add', 'default', 'via', options.gateway4]);
    if (options.gateway6 !== undefined)
      await node.exec(['ip', '-6', 'route', 'add', 'default', 'via', options.gateway6]);
    await node.writeCniConf();
    return node;
  }

  /** Environment that gives a daemon this node's own files instead of the machine's. */
  get environment(): Readonly<Record<string, string>> {
    return {
      NODE_NAME: this.name,
      KUBE_ROUTER_CNI_CONF_FILE: this.cniConfFile,
      XTABLES_LOCKFILE: join(this.folder, 'xtables.lock'),
      ROUTELET_STATE_DIRECTORY: join(this.folder, 'state'),
      ROUTELET_SOCKET: join(this.folder, 'agent.sock'),
    };
  }

  /** Adds an interface on a lab bridge. */
  async attach({ bridge = 'lab0', interface: name = 'eth0', ipv4, ipv6, mtu }: LinkOptions): Promise<void> {
    await this.#lab.makeBridge(bridge);
    const outer = `${this.name}.${name}`.slice(-15);
    const size = mtu === undefined ? [] : ['mtu', String(mtu)];
    await run(['ip', 'link', 'add', outer, ...size, 'type', 'veth', 'peer', 'name', name, ...size, 'netns', this.name]);
    await run(['ip', 'link', 'set', outer, 'master', bridge, 'up']);
    await this.exec(['ip', 'link', 'set', name, 'up']);
    if (ipv4 !== undefined) await this.exec(['ip', 'address', 'add', ipv4, 'dev', name]);
    if (ipv6 !== undefined) await this.exec(['ip', 'address', 'add', ipv6, 'dev', name, 'nodad']);
  }

  /** Writes the CNI configuration as an init container does: no subnet in it yet. */
  async writeCniConf(): Promise<void> {
    const ipam = { type: 'host-local', dataDir: join(this.folder, 'ipam') };
    const bridge = {
      name: 'kubernetes',
      type: 'bridge',
      bridge: 'kube-bridge',
      isDefaultGateway: true,
      hairpinMode: true,
      ipam,
    };
    const conf = { cniVersion: '0.3.0', name: 'mynet', plugins: [bridge] };
    await writeFile(this.cniConfFile, `${JSON.stringify(conf, undefined, 2)}\n`);
  }

  /** Attaches a pod by the CNI configuration file as it is now. */
  async addPod(name: string): Promise<LabPod> {
    const pod = await LabPod.create(this, name, this.cniConfFile);
    this.#pods.set(name, pod);
    return pod;
  }

  async deletePod(name: string): Promise<void> {
    await this.#pods.get(name)?.remove();
    this.#pods.delete(name);
  }

  get pods(): readonly LabPod[] {
    return [...this.#pods.values()];
  }
}

/**
 * A mount namespace in which each folder is a private one; undefined when there is none to hide. A process holds it: a
 * namespace file (`unshare --mount=FILE`) is refused by some kernels at random (EINVAL of the bind mount).
 */
async function createMounts(hidden: readonly string[], folder: string): Promise<string | undefined> {
  if (hidden.length === 0) return undefined;
  const pairs: string[] = [];
  for (const path of hidden) {
    const own = join(folder, 'private', path);
    await mkdir(own, { recursive: true });
    pairs.push(own, path);
  }
  const script =
    'while [ $# -gt 1 ]; do mount --bind "$1" "$2" || exit 1; shift 2; done; echo held; exec sleep infinity';
  const argv = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'mounts', ...pairs];
  const holder = new LabProcess(`holder of the mounts in ${folder}`, argv);
  await holder.waitForLine(/^held$/);
  return `/proc/${holder.pid}/ns/mnt`;
}
