/** A pod without a container runtime: a network namespace that the real CNI plugins attached to its node. */
import { type CniCall, type CniResult, cniAdd, cniDelete } from './cni.ts';
import { NetNamespace } from './namespace.ts';
import { run } from './process.ts';

export class LabPod extends NetNamespace {
  /** The pod's name on its node; the namespace's name has the node's before it. */
  readonly podName: string;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly #call: CniCall;
  readonly #result: CniResult;

  private constructor(podName: string, namespace: string, call: CniCall, result: CniResult) {
    super(namespace);
    this.podName = podName;
    this.#call = call;
    this.#result = result;
    const addresses = (result.ips ?? []).map(({ address }) => address.replace(/\/.*/, ''));
    this.ipv4 = addresses.find((address) => !address.includes(':'));
    this.ipv6 = addresses.find((address) => address.includes(':'));
  }

  static async create(node: NetNamespace, podName: string, configFile: string): Promise<LabPod> {
    const name = `${node.name}-${podName}`;
    const space = await createNamespace(name);
    const call = { node, configFile, containerId: name, netns: space.path };
    return new LabPod(podName, name, call, await cniAdd(call));
  }

  /** The pod's addresses, IPv4 first. */
  get addresses(): readonly string[] {
    return [this.ipv4, this.ipv6].filter((address) => address !== undefined);
  }

  async remove(): Promise<void> {
    for (const child of this.processes) await child.stop('SIGKILL');
    await cniDelete(this.#call, this.#result);
    await run(['ip', 'netns', 'delete', this.name]);
  }
}

/** Makes a network namespace in which addresses are usable at once (no duplicate address detection). */
export async function createNamespace(name: string): Promise<NetNamespace> {
  await run(['ip', 'netns', 'add', name]);
  const space = new NetNamespace(name);
  await space.exec([
    'sh',
    '-c',
    'ip link set lo up; for i in all default; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done',
  ]);
  return space;
}
