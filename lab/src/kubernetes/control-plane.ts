/**
 * A Kubernetes control plane on a lab node: etcd, kube-apiserver (RBAC and node authorization on), kube-controller-manager
 * (gives each Node its pod CIDRs, runs DaemonSets) and, when asked for, kube-scheduler. Everything it writes is in the
 * node's folder.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabNode } from '../node.ts';
import type { LabProcess } from '../process.ts';
import { waitFor } from '../wait.ts';
import { programPath } from './binaries.ts';

export interface ControlPlaneOptions {
  /** Ranges that nodes get their pod CIDRs from, by family. */
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** Names of nodes that kubelets will run for: each gets a credential. */
  readonly kubelets?: readonly string[];
  readonly scheduler?: boolean;
}

interface Credential {
  readonly token: string;
  readonly user: string;
  readonly groups: readonly string[];
}

const PORT = 6443;
const ETCD_PORT = 2379;

export class ControlPlane {
  readonly node: LabNode;
  readonly #options: ControlPlaneOptions;
  readonly #folder: string;
  readonly #credentials: ReadonlyMap<string, Credential>;
  #apiServer: LabProcess | undefined;

  private constructor(node: LabNode, options: ControlPlaneOptions) {
    this.node = node;
    this.#options = options;
    this.#folder = join(node.folder, 'kubernetes');
    const admin = { token: token(), user: 'admin', groups: ['system:masters'] };
    const kubelets = (options.kubelets ?? []).map((name): [string, Credential] => [
      kubeletUser(name),
      { token: token(), user: kubeletUser(name), groups: ['system:nodes'] },
    ]);
    this.#credentials = new Map([['admin', admin], ...kubelets]);
  }

  /** Starts all of it; resolves when the API server is ready and the controllers are on their way. */
  static async start(node: LabNode, options: ControlPlaneOptions): Promise<ControlPlane> {
    if (node.ipv4 === undefined) throw new TypeError(`node ${node.name} needs an IPv4 address to serve the API on`);
    const plane = new ControlPlane(node, options);
    await plane.#writeFiles();
    plane.#startEtcd();
    await plane.startApiServer();
    await plane.#startControllers();
    return plane;
  }

  get url(): string {
    return `https://${this.node.ipv4}:${PORT}`;
  }

  /** The certificate that clients check the API server by. */
  get caFile(): string {
    return join(this.#folder, 'certs', 'apiserver.crt');
  }

  /** Path of a kubeconfig for `admin` or a kubelet's user. */
  kubeconfig(user: string): string {
    return join(this.#folder, `${user.replaceAll(':', '-')}.kubeconfig`);
  }

  kubeletKubeconfig(nodeName: string): string {
    return this.kubeconfig(kubeletUser(nodeName));
  }

  /** Runs kubectl as admin. Rejects with its text on any status but 0. */
  kubectl(words: readonly string[], input?: string): Promise<string> {
    const argv = [programPath('kubectl'), `--kubeconfig=${this.kubeconfig('admin')}`, ...words];
    return this.node.exec(argv, { deadlineMs: 60_000, ...(input === undefined ? {} : { input }) });
  }

  /** Creates or changes objects from YAML text or JSON values. */
  async apply(...objects: readonly (string | object)[]): Promise<void> {
    for (const object of objects) {
      await this.kubectl(['apply', '-f', '-'], typeof object === 'string' ? object : JSON.stringify(object));
    }
  }

  async get<T>(...words: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(['get', '-o', 'json', ...words]));
  }

  /** Writes a kubeconfig with a token of a ServiceAccount, and returns its path. */
  async serviceAccountKubeconfig(namespace: string, name: string): Promise<string> {
    const text = await this.kubectl(['create', 'token', name, `--namespace=${namespace}`, '--duration=1h']);
    const path = join(this.#folder, `${namespace}-${name}.kubeconfig`);
    await writeFile(path, this.#kubeconfigText(name, text.trim()), { mode: 0o600 });
    return path;
  }

  /** Starts the API server (again) and resolves when it is ready. */
  async startApiServer(): Promise<void> {
    const { node } = this;
    this.#apiServer = node.spawn('kube-apiserver', [
      programPath('kube-apiserver'),
      `--etcd-servers=http://127.0.0.1:${ETCD_PORT}`,
      `--bind-address=${node.ipv4}`,
      `--advertise-address=${node.ipv4}`,
      `--secure-port=${PORT}`,
      `--cert-dir=${join(this.#folder, 'certs')}`,
      `--service-account-key-file=${this.#serviceAccountKey}`,
      `--service-account-signing-key-file=${this.#serviceAccountKey}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-cluster-ip-range=${this.#options.serviceCidrs.join(',')}`,
      `--token-auth-file=${join(this.#folder, 'tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--allow-privileged=true',
      '--kubelet-preferred-address-types=InternalIP',
    ]);
    await waitFor(
      'the API server to be ready',
      async () => (await this.kubectl(['get', '--raw', '/readyz'])) === 'ok',
      {
        deadlineMs: 90_000,
        everyMs: 200,
      },
    );
  }

  /** Ends the API server at once; etcd and the controllers stay. */
  async killApiServer(): Promise<void> {
    await this.#apiServer?.stop('SIGKILL');
    this.#apiServer = undefined;
  }

  get #serviceAccountKey(): string {
    return join(this.#folder, 'service-account.key');
  }

  #startEtcd(): void {
    const data = join(this.#folder, 'etcd');
    const clients = `http://127.0.0.1:${ETCD_PORT}`;
    this.node.spawn('etcd', [
      'etcd',
      `--data-dir=${data}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
  }

  async #startControllers(): Promise<void> {
    const { node } = this;
    const kubeconfig = `--kubeconfig=${this.kubeconfig('admin')}`;
    await waitFor('the certificate of the API server', () => existsSync(this.caFile));
    node.spawn('kube-controller-manager', [
      programPath('kube-controller-manager'),
      kubeconfig,
      '--leader-elect=false',
      '--allocate-node-cidrs=true',
      `--cluster-cidr=${this.#options.podCidrs.join(',')}`,
      `--service-cluster-ip-range=${this.#options.serviceCidrs.join(',')}`,
      `--service-account-private-key-file=${this.#serviceAccountKey}`,
      `--root-ca-file=${this.caFile}`,
      '--use-service-account-credentials=true',
    ]);
    if (this.#options.scheduler === true) {
      node.spawn('kube-scheduler', [programPath('kube-scheduler'), kubeconfig, '--leader-elect=false']);
    }
  }

  async #writeFiles(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    await writeFile(this.#serviceAccountKey, privateKey, { mode: 0o600 });
    const lines = [...this.#credentials.values()].map(
      ({ token: secret, user, groups }) => `${secret},${user},${user},"${groups.join(',')}"\n`,
    );
    await writeFile(join(this.#folder, 'tokens.csv'), lines.join(''), { mode: 0o600 });
    for (const [user, credential] of this.#credentials) {
      await writeFile(this.kubeconfig(user), this.#kubeconfigText(user, credential.token), { mode: 0o600 });
    }
  }

  #kubeconfigText(user: string, secret: string): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'lab', cluster: { server: this.url, 'certificate-authority': this.caFile } }],
      users: [{ name: user, user: { token: secret } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
      'current-context': 'lab',
    });
  }
}

const kubeletUser = (nodeName: string): string => `system:node:${nodeName}`;
const token = (): string => randomBytes(16).toString('hex');
