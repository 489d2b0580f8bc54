/**
 * `npm run image -- [FILE]`: builds the agent's container image as a tar that any engine loads, without a container
 * registry or engine. Its contract is that of the kube-router image: the entrypoint takes the agent's arguments,
 * /usr/local/bin/cni-install copies the CNI plugins to /opt/cni/bin, and /bin/sh is there for init containers.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installPackages, packPackages } from '../../lab/src/pack.ts';
import { writeImage } from './archive.ts';
import { addFile, addPackage, makeSkeleton } from './rootfs.ts';

const project = resolve(import.meta.dirname, '../..');
const agentPackage: { version: string } = JSON.parse(
  readFileSync(join(project, 'packages/agent/package.json'), 'utf8'),
);

export const imageReference = `docker.io/routelet/routelet:${agentPackage.version}`;

/** Where `npm run image` writes it when no other file is named. */
export const imageFile = resolve(project, 'out/routelet-image.tar');

/** Debian packages whose programs the agent runs, or a person in the container wants (sh, ip, ipset, nft, conntrack). */
const debianPackages = [
  'iptables',
  'ipset',
  'iproute2',
  'nftables',
  'conntrack',
  'kmod',
  'containernetworking-plugins',
];
/** What busybox stands in for in the shell scripts of manifests. */
const busyboxCommands = [
  'sh',
  'cat',
  'chmod',
  'cp',
  'echo',
  'env',
  'grep',
  'head',
  'ls',
  'mkdir',
  'mv',
  'rm',
  'sed',
  'sleep',
  'tail',
  'test',
  'true',
  'wget',
  'ping',
  'ps',
  'vi',
];
const agentMain = '/opt/routelet/node_modules/@routelet/agent/dist/main.js';

/** Builds the packages and writes the image. Throws with the tool's text when a step fails. */
export async function buildImage(output: string, progress: (line: string) => void): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'routelet-image-'));
  try {
    const root = join(work, 'root');
    makeSkeleton(root);
    progress('packing and installing @routelet/agent');
    const app = join(root, 'opt/routelet');
    mkdirSync(app);
    installPackages(app, packPackages(work), ['@routelet/agent']);
    progress(`adding programs of ${debianPackages.join(', ')}`);
    for (const name of debianPackages) addPackage(root, name);
    // Debian's alternatives choose what these names mean, so no package lists them.
    for (const name of ['iptables', 'ip6tables']) {
      for (const suffix of ['', '-save', '-restore']) addFile(root, `/usr/sbin/${name}${suffix}`);
    }
    addFile(root, '/bin/busybox', '/usr/bin/busybox');
    for (const command of busyboxCommands) symlinkSync('busybox', join(root, 'usr/bin', command));
    addFile(root, process.execPath, '/usr/local/bin/node');
    strip(join(root, 'usr/local/bin/node'));
    cpSync(join(project, 'LICENSE'), join(root, 'opt/routelet/LICENSE'));
    for (const script of ['routelet', 'routelet-agent', 'cni-install'])
      cpSync(join(import.meta.dirname, script), join(root, 'usr/local/bin', script));
    symlinkSync('routelet-agent', join(root, 'usr/local/bin/kube-router'));
    progress('writing the image');
    await writeImage(
      {
        root,
        reference: imageReference,
        entrypoint: ['/usr/local/bin/node', agentMain],
        labels: {
          'org.opencontainers.image.version': agentPackage.version,
          'org.opencontainers.image.licenses': 'Apache-2.0',
        },
      },
      output,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Node ships with its symbols: they are two thirds of the image and help nobody there. */
function strip(file: string): void {
  const { error } = spawnSync('strip', ['--strip-debug', file]);
  if (error) console.error(`strip is not installed: the image keeps Node's symbols (${error.message})`);
}

if (import.meta.main) {
  const output = resolve(process.argv[2] ?? imageFile);
  mkdirSync(resolve(output, '..'), { recursive: true });
  await buildImage(output, (line) => console.log(line));
  console.log(`${output}: ${imageReference}, ${(statSync(output).size / 1e6).toFixed(0)} MB`);
  console.log(`load it with: ctr -n k8s.io images import ${output}`);
}
