/** Packs the four packages as npm would publish them, and installs such tarballs in an empty project. */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, packages } from './build.ts';

const root = resolve(import.meta.dirname, '../..');

/** Builds, then writes one tarball a package into `folder`. Returns their paths by package name. */
export function packPackages(folder: string): Readonly<Record<string, string>> {
  build();
  return Object.fromEntries(
    packages.map((name) => {
      run('pnpm', ['pack', '--pack-destination', folder], resolve(root, 'packages', name));
      const file = readdirSync(folder).find((entry) => entry.startsWith(`routelet-${name}-`) && entry.endsWith('.tgz'));
      if (file === undefined) throw new Error(`pnpm pack of ${name} left no tarball in ${folder}`);
      return [`@routelet/${name}`, join(folder, file)];
    }),
  );
}

/**
 * Installs `names` and those of ours that they stand on, from tarballs, as npm users would, into the folder; without
 * optional (native) packages when `optional` is false.
 */
export function installPackages(
  folder: string,
  tarballs: Readonly<Record<string, string>>,
  names: readonly string[],
  { optional = true }: { readonly optional?: boolean } = {},
): void {
  const files = Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]));
  const dependencies = Object.fromEntries(names.map((name) => [name, files[name]]));
  const manifest = { private: true, type: 'module', dependencies, overrides: files };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const omitted = optional ? ['--omit=dev'] : ['--omit=dev', '--omit=optional'];
  run('npm', ['install', '--no-audit', '--no-fund', ...omitted], folder);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status ?? error?.message}: ${stdout}${stderr}`);
}
