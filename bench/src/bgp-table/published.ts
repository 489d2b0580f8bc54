/**
 * Our package as its users have it: compiled, in a `node_modules` of a folder of its own. Run from its sources it would
 * start with a compiler in its memory that they never see.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const source = resolve(import.meta.dirname, '../../../packages/bgp');

/** Compiles into `folder` and puts the program `file`, TypeScript, beside it. Returns the path of what to run. */
export function publish(folder: string, file: string): string {
  const target = join(folder, 'node_modules/@routelet/bgp');
  mkdirSync(target, { recursive: true });
  const options = ['--outDir', join(target, 'dist'), '--composite', 'false', '--incremental', 'false'];
  compile(folder, ['-p', join(source, 'tsconfig.build.json'), ...options]);
  const { publishConfig, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  writeFileSync(join(target, 'package.json'), JSON.stringify({ ...manifest, ...publishConfig }));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  compile(folder, [file, '--outDir', folder, '--noCheck', '--module', 'nodenext', '--target', 'es2024']);
  return join(folder, basename(file).replace(/ts$/, 'js'));
}

function compile(cwd: string, words: readonly string[]): void {
  const { status, stdout } = spawnSync('tsc', words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`tsc ended with ${status}: ${stdout}`);
}
