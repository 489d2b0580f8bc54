/**
 * Builds the Go programs that the lab and the benches run (Kubernetes, containerd, GoBGP) from modules with committed
 * checksums into a cache folder outside the clone. A program is built once for each content of its go.sum; a second call
 * finds it there.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';

const lab = resolve(import.meta.dirname, '../..');

interface GoModule {
  /** Folder with go.mod and go.sum. */
  readonly folder: string;
  readonly ldflags: string;
}

/** The release that go.mod asks for: one place says which Kubernetes the lab runs. */
export const kubernetesVersion = (() => {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(resolve(lab, 'kubernetes/go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('lab/kubernetes/go.mod does not require k8s.io/kubernetes');
  return version;
})();

const [major = '', minor = ''] = kubernetesVersion.slice(1).split('.');
const versionPackage = 'k8s.io/component-base/version';
const kubernetes: GoModule = {
  folder: resolve(lab, 'kubernetes'),
  ldflags: `-s -w -X ${versionPackage}.gitVersion=${kubernetesVersion} -X ${versionPackage}.gitMajor=${major} -X ${versionPackage}.gitMinor=${minor}`,
};
const containerd: GoModule = { folder: resolve(lab, 'containerd'), ldflags: '-s -w' };
const gobgp: GoModule = { folder: resolve(lab, 'gobgp'), ldflags: '-s -w' };

const programs = {
  'kube-apiserver': { module: kubernetes, package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { module: kubernetes, package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  'kube-scheduler': { module: kubernetes, package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  kubectl: { module: kubernetes, package: 'k8s.io/kubernetes/cmd/kubectl' },
  kubelet: { module: kubernetes, package: 'k8s.io/kubernetes/cmd/kubelet' },
  'kube-proxy': { module: kubernetes, package: 'k8s.io/kubernetes/cmd/kube-proxy' },
  agnhost: { module: kubernetes, package: 'k8s.io/kubernetes/test/images/agnhost' },
  containerd: { module: containerd, package: 'github.com/containerd/containerd/v2/cmd/containerd' },
  'containerd-shim-runc-v2': {
    module: containerd,
    package: 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
  },
  ctr: { module: containerd, package: 'github.com/containerd/containerd/v2/cmd/ctr' },
  gobgpd: { module: gobgp, package: 'github.com/osrg/gobgp/v4/cmd/gobgpd' },
} as const satisfies Record<string, { module: GoModule; package: string }>;

export type Program = keyof typeof programs;
/** Those of a cluster. */
export const clusterPrograms = (Object.keys(programs) as Program[]).filter((name) => programs[name].module !== gobgp);

const cache = resolve(process.env['XDG_CACHE_HOME'] ?? resolve(homedir(), '.cache'), 'routelet');

/** Where a program is, or will be when it is built. */
export function programPath(program: Program): string {
  const { module } = programs[program];
  const sum = createHash('sha256')
    .update(readFileSync(resolve(module.folder, 'go.sum')))
    .update(module.ldflags)
    .digest('hex');
  return resolve(cache, `go-${sum.slice(0, 16)}`, program);
}

/** Builds what is not there yet, one after the other; `progress` gets a line before each build. Rejects with the compiler's text. */
export async function buildPrograms(wanted: readonly Program[], progress: (line: string) => void): Promise<void> {
  for (const program of wanted) {
    const path = programPath(program);
    if (existsSync(path)) continue;
    const started = performance.now();
    progress(`building ${program} (the first build of kube-apiserver takes minutes)`);
    mkdirSync(resolve(path, '..'), { recursive: true });
    await build(program, `${path}.part`);
    renameSync(`${path}.part`, path);
    progress(`built ${program} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
}

function build(program: Program, output: string): Promise<void> {
  const { module, package: name } = programs[program];
  return new Promise((done, failed) => {
    const child = spawn(
      'nice',
      ['-n', '10', 'go', 'build', '-trimpath', '-ldflags', module.ldflags, '-o', output, name],
      {
        cwd: module.folder,
        env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-4000);
    });
    child.on('error', failed);
    child.on('close', (code) =>
      code === 0 ? done() : failed(new Error(`go build ${name} ended with ${code}: ${text}`)),
    );
  });
}
