/** `npm run build`: compiles the four packages to `dist` (JavaScript, declarations, source maps) for publishing. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
/** In the order of their imports. */
export const packages = ['netlink-wire', 'bgp', 'rib', 'agent'] as const;

export function build(): void {
  for (const name of packages) rmSync(resolve(root, 'packages', name, 'dist'), { recursive: true, force: true });
  const projects = packages.map((name) => resolve(root, 'packages', name, 'tsconfig.build.json'));
  const { status } = spawnSync('tsc', ['-b', ...projects], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`tsc -b ended with ${status}`);
}

if (import.meta.main) {
  build();
  console.log(`built ${packages.map((name) => `packages/${name}/dist`).join(', ')}`);
}
