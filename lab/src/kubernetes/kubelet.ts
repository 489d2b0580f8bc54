/**
 * A Kubernetes node on a lab node: containerd, kubelet and, when asked for, kube-proxy in nftables mode. All its folders
 * are the lab node's own: what pods mount from the host is seen by no other node and is gone with the lab.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabNode } from '../node.ts';
import { run } from '../process.ts';
import { waitFor } from '../wait.ts';
import { programPath } from './binaries.ts';
import type { ControlPlane } from './control-plane.ts';
import { pauseImage } from './images.ts';

/** Folders of the host that a kubelet, its pods and CNI use: a node that runs one gets them as its own. */
export const kubeletFolders = [
  '/etc/cni/net.d',
  '/opt',
  '/var/lib/cni',
  '/var/lib/kube-router',
  '/var/lib/kubelet',
  '/var/lib/routelet',
  '/var/log/containers',
  '/var/log/pods',
];

/** Lays an empty writable layer over the machine's folders, inside the lab only, and makes the kubelet's folders there. */
export async function prepareHostFolders(labFolder: string): Promise<void> {
  for (const top of ['etc', 'opt', 'var']) {
    const layer = join(labFolder, 'host', top);
    await mkdir(join(layer, 'upper'), { recursive: true });
    await mkdir(join(layer, 'work'));
    await run([
      'mount',
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=/${top},upperdir=${layer}/upper,workdir=${layer}/work`,
      `/${top}`,
    ]);
  }
  for (const folder of kubeletFolders) await mkdir(folder, { recursive: true });
}

export interface KubeletOptions {
  /** Image tars to load before the kubelet starts. */
  readonly images: readonly string[];
  readonly kubeProxy?: boolean;
  readonly podCidrs: readonly string[];
}

export class Kubelet {
  readonly node: LabNode;
  readonly #folder: string;
  readonly #cgroup: string;

  private constructor(node: LabNode) {
    this.node = node;
    this.#folder = join(node.folder, 'kubelet');
    this.#cgroup = `routelet-lab-${node.name}`;
  }

  /** Starts containerd, loads the images, starts the kubelet. The Node is Ready only when a CNI configuration is there. */
  static async start(node: LabNode, plane: ControlPlane, options: KubeletOptions): Promise<Kubelet> {
    const kubelet = new Kubelet(node);
    await mkdir(kubelet.#folder, { recursive: true });
    // A lab that crashed has left its cgroups behind.
    await removeCgroup(kubelet.#cgroup);
    await makeCgroup(kubelet.#cgroup);
    await kubelet.#startContainerd(options.images);
    await kubelet.#startKubelet(plane);
    if (options.kubeProxy === true) await kubelet.#startProxy(plane, options.podCidrs);
    return kubelet;
  }

  /** Runs `ctr` in the namespace that the kubelet's containers live in. */
  ctr(...words: readonly string[]): Promise<string> {
    return this.node.exec([programPath('ctr'), '--address', this.#socket, '--namespace', 'k8s.io', ...words], {
      deadlineMs: 120_000,
    });
  }

  /** Ends the node's daemons and containers and removes its cgroups, which do not go with the lab. */
  async stop(): Promise<void> {
    for (const process of this.node.processes) await process.stop('SIGKILL');
    await removeCgroup(this.#cgroup);
  }

  get #socket(): string {
    return join(this.#folder, 'containerd.sock');
  }

  async #startContainerd(images: readonly string[]): Promise<void> {
    const config = join(this.#folder, 'containerd.toml');
    await writeFile(config, containerdConfig(this.#folder, this.#socket));
    const shims = join(programPath('containerd-shim-runc-v2'), '..');
    this.node.spawn('containerd', [programPath('containerd'), '--config', config], {
      env: { PATH: `${shims}:${process.env['PATH']}` },
    });
    await waitFor('containerd to answer', async () => (await this.ctr('version')) !== '', { deadlineMs: 60_000 });
    for (const image of images) await this.ctr('images', 'import', image);
  }

  async #startKubelet(plane: ControlPlane): Promise<void> {
    const { node } = this;
    const config = join(this.#folder, 'config.json');
    const resolver = join(this.#folder, 'resolv.conf');
    await writeFile(resolver, '');
    await writeFile(
      config,
      JSON.stringify(
        kubeletConfig({
          folder: this.#folder,
          socket: this.#socket,
          cgroup: this.#cgroup,
          caFile: plane.caFile,
          resolver,
        }),
      ),
    );
    const addresses = [node.ipv4, node.ipv6].filter((address) => address !== undefined);
    node.spawn('kubelet', [
      programPath('kubelet'),
      `--kubeconfig=${plane.kubeletKubeconfig(node.name)}`,
      `--config=${config}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${addresses.join(',')}`,
      `--root-dir=${join(this.#folder, 'root')}`,
      `--cert-dir=${join(this.#folder, 'certs')}`,
    ]);
  }

  async #startProxy(plane: ControlPlane, podCidrs: readonly string[]): Promise<void> {
    const { node } = this;
    const config = join(this.#folder, 'proxy.json');
    await writeFile(
      config,
      JSON.stringify({
        apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
        kind: 'KubeProxyConfiguration',
        mode: 'nftables',
        clientConnection: { kubeconfig: plane.kubeconfig('admin') },
        hostnameOverride: node.name,
        clusterCIDR: podCidrs.join(','),
        // The number of tracked connections belongs to the machine, not to a namespace.
        conntrack: { maxPerCore: 0 },
      }),
    );
    node.spawn('kube-proxy', [programPath('kube-proxy'), `--config=${config}`]);
  }
}

function containerdConfig(folder: string, socket: string): string {
  return `version = 3
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
[grpc]
address = "${socket}"
[ttrpc]
address = "${socket}.ttrpc"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${pauseImage}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"
`;
}

interface KubeletFiles {
  readonly folder: string;
  readonly socket: string;
  readonly cgroup: string;
  readonly caFile: string;
  readonly resolver: string;
}

function kubeletConfig({ folder, socket, cgroup, resolver }: KubeletFiles): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socket}`,
    podLogsDir: join(folder, 'pod-logs'),
    resolvConf: resolver,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: true } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    healthzPort: 0,
    nodeStatusUpdateFrequency: '2s',
    // Termination of pods in tests should not wait for probes of minutes.
    shutdownGracePeriod: '0s',
  };
}

const CGROUPS = '/sys/fs/cgroup';

/** The cgroup's folder in each hierarchy: one with version 2, one a controller with version 1. */
function cgroupPaths(name: string): readonly string[] {
  if (existsSync(join(CGROUPS, 'cgroup.controllers'))) return [join(CGROUPS, name)];
  return readdirSync(CGROUPS).map((hierarchy) => join(CGROUPS, hierarchy, name));
}

/** The kubelet wants its root cgroup to exist in each hierarchy, and cpuset needs its processors and memory filled in. */
async function makeCgroup(name: string): Promise<void> {
  for (const path of cgroupPaths(name)) {
    await mkdir(path, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const parent = join(path, '..', file);
      if (existsSync(join(path, file)) && existsSync(parent))
        await writeFile(join(path, file), await readFile(parent, 'utf8'));
    }
  }
}

/** Kills what is left in the cgroups and removes them, children first. */
async function removeCgroup(name: string): Promise<void> {
  for (const path of cgroupPaths(name).filter((folder) => existsSync(folder))) {
    await waitFor(`cgroup ${path} to be empty`, async () => {
      const folders = (await run(['find', path, '-depth', '-type', 'd'])).trim().split('\n');
      for (const folder of folders) {
        for (const pid of (await readFile(join(folder, 'cgroup.procs'), 'utf8'))
          .split('\n')
          .filter((line) => line !== ''))
          process.kill(Number(pid), 'SIGKILL');
      }
      for (const folder of folders) await rmdir(folder);
      return true;
    });
  }
}
