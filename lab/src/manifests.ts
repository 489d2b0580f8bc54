/** A folder of Node manifests, as the agent's `--manifests` reads it: one YAML file a Node, replaced as a whole. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

export interface NodeManifest {
  readonly name: string;
  /** InternalIP addresses, the primary one first. */
  readonly addresses: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One peer of the `kube-router.io/peers` annotation; the password in clear text. */
export interface AnnotationPeer {
  readonly remoteip: string;
  readonly remoteasn: number;
  readonly password?: string;
  readonly port?: number;
}

/** The `kube-router.io/peers` annotation with these peers. */
export function peersAnnotation(peers: readonly AnnotationPeer[]): Readonly<Record<string, string>> {
  const entries = peers.map(({ password, ...peer }) => ({
    ...peer,
    ...(password === undefined ? {} : { password: Buffer.from(password).toString('base64') }),
  }));
  return { 'kube-router.io/peers': stringify(entries) };
}

/** The Node object as `kubectl get node -o yaml` would begin. */
export function nodeYaml({ name, addresses, podCIDRs, annotations = {} }: NodeManifest): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, annotations },
    spec: { podCIDR: podCIDRs[0], podCIDRs },
    status: {
      addresses: [
        ...addresses.map((address) => ({ type: 'InternalIP', address })),
        { type: 'Hostname', address: name },
      ],
    },
  });
}

export class ManifestFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(path: string): Promise<ManifestFolder> {
    await mkdir(path, { recursive: true });
    return new ManifestFolder(path);
  }

  /** Writes or replaces a Node. A reader of the folder never sees half a file. */
  async writeNode(manifest: NodeManifest): Promise<void> {
    await this.writeText(`${manifest.name}.yaml`, nodeYaml(manifest));
  }

  /** Writes or replaces a file of any content. */
  async writeText(file: string, content: string): Promise<void> {
    const temporary = join(this.path, `.${file}.new`);
    await writeFile(temporary, content);
    await rename(temporary, join(this.path, file));
  }

  async removeNode(name: string): Promise<void> {
    await this.remove(`${name}.yaml`);
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.path, file));
  }
}
