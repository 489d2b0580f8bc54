import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '../../..');
const examples = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code,
);

/** A project that has the package installed. */
function project(code: string): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-readme-'));
  mkdirSync(join(folder, 'node_modules/@routelet'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/@routelet/bgp'));
  const file = join(folder, 'example.mts');
  writeFileSync(file, code);
  return { folder, file };
}

t.test('the examples of the README run', async (t) => {
  t.ok(examples.length >= 2);
  const [first = '', second = ''] = examples;
  t.ok(
    first
      .trim()
      .split('\n')
      .filter((line) => line.trim() !== '').length <= 10,
    'ten lines',
  );

  for (const [code, expected] of [
    [first, 'best 203.0.113.0/24'],
    [`${second}\nconsole.log('ran');`, 'ran'],
  ] as const) {
    const { folder, file } = project(code);
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = await new Promise<string>((resolve) => {
      let text = '';
      const take = (chunk: Buffer): void => {
        text += chunk;
        if (text.includes(expected)) resolve(text);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('close', () => resolve(text));
    });
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
    t.match(output, expected);
  }
});
