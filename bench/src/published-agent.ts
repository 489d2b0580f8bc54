/**
 * The agent as its image has it: our packages compiled, in a `node_modules` of a folder of its own, what they need of
 * others linked from the workspace. Run from its sources it would have a TypeScript compiler in its memory.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const packages = resolve(import.meta.dirname, '../../packages');
/** In the order of their imports. */
const names = ['netlink-wire', 'bgp', 'rib', 'agent'] as const;
/** The check has been made by others; declarations would need those of the packages below. */
const plain = ['--declaration', 'false', '--declarationMap', 'false'];

/** Compiles into `folder`. Returns the path of the agent's program. */
export function publishAgent(folder: string): string {
  const modules = join(folder, 'node_modules');
  for (const name of names) {
    const source = join(packages, name);
    const target = join(modules, '@routelet', name);
    mkdirSync(target, { recursive: true });
    const options = ['--outDir', join(target, 'dist'), '--composite', 'false', '--incremental', 'false'];
    const words = ['-p', join(source, 'tsconfig.build.json'), ...options, '--noCheck', ...plain];
    const { status, stdout } = spawnSync('tsc', words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tsc of ${name} ended with ${status}: ${stdout}`);
    const { publishConfig, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    writeFileSync(join(target, 'package.json'), JSON.stringify({ ...manifest, ...publishConfig }));
    const needed = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
    for (const [dependency, version] of Object.entries<string>(needed)) {
      if (version.startsWith('workspace:')) continue;
      const link = join(target, 'node_modules', dependency);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(realpathSync(join(source, 'node_modules', dependency)), link);
    }
  }
  return join(modules, '@routelet/agent/dist/main.js');
}
