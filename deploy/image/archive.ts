/**
 * Writes a folder as a container image in the docker-archive form (`docker load`, `ctr images import`, `podman load`
 * read it): one layer, its configuration and a manifest in one tar. No registry and no container engine is needed. The
 * same folder gives the same bytes: names are sorted, owners and times fixed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface ImageOptions {
  /** Folder that becomes the root of the image. */
  readonly root: string;
  /** Name with tag, such as `docker.io/routelet/routelet:0.1.0`. */
  readonly reference: string;
  readonly entrypoint: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Go's name of the architecture, as OCI images use it (OCI image-spec, config.md `architecture`). */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' };

/** Writes the image to `output` (a .tar file). Throws when tar fails. */
export async function writeImage(options: ImageOptions, output: string): Promise<void> {
  const work = mkdtempSync(join(dirname(resolve(output)), '.image-'));
  try {
    const layer = join(work, 'layer.tar');
    tar(options.root, layer, ['.']);
    const diffId = await sha256(layer);
    const config = JSON.stringify({
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: {
        Entrypoint: options.entrypoint,
        Env: Object.entries({
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          ...options.environment,
        }).map(([name, value]) => `${name}=${value}`),
        Labels: options.labels ?? {},
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'routelet deploy/image' }],
    });
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
    const layerName = `${diffId}.tar`;
    renameSync(layer, join(work, layerName));
    writeFileSync(join(work, configName), config);
    writeFileSync(
      join(work, 'manifest.json'),
      JSON.stringify([{ Config: configName, RepoTags: [options.reference], Layers: [layerName] }]),
    );
    tar(work, `${resolve(output)}.part`, ['manifest.json', configName, layerName]);
    renameSync(`${resolve(output)}.part`, output);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function tar(folder: string, output: string, names: readonly string[]): void {
  const fixed = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--format=gnu'];
  const { status, stderr } = spawnSync('tar', ['-C', folder, ...fixed, '-cf', output, ...names], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar of ${folder} ended with ${status}: ${stderr}`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
