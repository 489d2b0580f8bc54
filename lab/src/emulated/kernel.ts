/**
 * The kernel of the guest: Debian's full one, fetched as a package and unpacked, never installed, and an initramfs that
 * gets from its first program to the files of this machine. Both are made once for each version of the package, in a
 * cache folder outside of the clone. Fetching needs the network, so it is done before a level's namespaces exist.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { LabError } from '../errors.ts';
import { run } from '../process.ts';

const cache = resolve(process.env['XDG_CACHE_HOME'] ?? resolve(homedir(), '.cache'), 'routelet');
const scripts = { init: join(import.meta.dirname, 'init.sh'), guest: join(import.meta.dirname, 'guest.sh') };
const SLOW_MS = 300_000;

/** What the first program needs to reach the files of the host; every other module is loaded from there. */
const firstModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];

export interface GuestKernel {
  readonly image: string;
  readonly initramfs: string;
  /** The folder that becomes /lib/modules. */
  readonly modules: string;
}

/** Makes what is not in the cache yet; `progress` gets a line before what takes long. Rejects with the tool's own text. */
export async function buildGuestKernel(progress: (line: string) => void = () => undefined): Promise<GuestKernel> {
  const name = await kernelPackage();
  const [, version] = /^Version: (.+)$/m.exec(await run(['apt-cache', 'show', '--no-all-versions', name])) ?? [];
  const unpacked = join(cache, `${name}-${version}`);
  if (!existsSync(unpacked)) await unpack(name, unpacked, progress);
  const [image] = (await readdir(join(unpacked, 'boot'))).filter((file) => file.startsWith('vmlinuz-'));
  const modules = join(unpacked, 'lib/modules');
  const [release] = await readdir(modules);
  if (image === undefined || release === undefined)
    throw new LabError('command-failed', `the package ${name} has no kernel image or no modules`);
  const texts = [await readFile(scripts.init), await readFile(scripts.guest)];
  const sum = texts.reduce((hash, text) => hash.update(text), createHash('sha256')).digest('hex');
  const initramfs = join(unpacked, `initramfs-${sum.slice(0, 16)}`);
  if (!existsSync(initramfs)) await buildInitramfs(unpacked, release, initramfs);
  return { image: join(unpacked, 'boot', image), initramfs, modules };
}

/** The package that Debian's name for "the current full kernel" stands for. */
async function kernelPackage(): Promise<string> {
  const text = await run(['apt-cache', 'depends', '--important', 'linux-image-amd64']);
  const [, name] = /Depends: (linux-image-\S+)/.exec(text) ?? [];
  if (name === undefined) throw new LabError('command-failed', `apt-cache knows no package linux-image-amd64: ${text}`);
  return name;
}

async function unpack(name: string, folder: string, progress: (line: string) => void): Promise<void> {
  progress(`fetching ${name} (70 MB) and unpacking it`);
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(join(cache, 'kernel-'));
  try {
    await run(['sh', '-c', 'cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$2"', 'sh', part, name], {
      deadlineMs: SLOW_MS,
    });
    const [deb = ''] = (await readdir(part)).filter((file) => file.endsWith('.deb'));
    await run(['dpkg', '-x', join(part, deb), join(part, 'root')], { deadlineMs: SLOW_MS });
    for (const release of await readdir(join(part, 'root/lib/modules')))
      await run(['depmod', '-b', join(part, 'root'), release], { deadlineMs: SLOW_MS });
    await rename(join(part, 'root'), folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function buildInitramfs(unpacked: string, release: string, file: string): Promise<void> {
  const root = await mkdtemp(join(cache, 'initramfs-'));
  try {
    for (const folder of ['bin', 'proc', 'host', 'memory', 'root', 'modules'])
      await mkdir(join(root, folder), { recursive: true });
    await cp('/bin/busybox', join(root, 'bin/busybox'));
    await cp(scripts.init, join(root, 'init'));
    await chmod(join(root, 'init'), 0o755);
    await cp(scripts.guest, join(root, 'guest.sh'));
    const order: string[] = [];
    for (const name of firstModules) {
      const text = await run(['modprobe', '--dirname', unpacked, '--set-version', release, '--show-depends', name]);
      for (const [, path = ''] of text.matchAll(/^insmod (\S+)/gm)) {
        const inside = `/modules/${path.slice(path.lastIndexOf('/') + 1)}`;
        if (order.includes(inside)) continue;
        order.push(inside);
        await cp(path, join(root, inside));
      }
    }
    await writeFile(join(root, 'modules/order'), `${order.join('\n')}\n`);
    const pack = 'cd "$1" && find . | cpio --quiet -o -H newc >"$2"';
    await run(['sh', '-c', pack, 'sh', root, `${file}.part`]);
    await rename(`${file}.part`, file);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
