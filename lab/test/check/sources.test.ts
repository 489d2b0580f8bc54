import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import t from 'tap';
import { projectRoot } from '../../src/levels/needs.ts';

function run(command: string, ...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: projectRoot, encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}`.slice(-8000) };
}

t.test('format and lint', async (t) => {
  const { status, text } = run('biome', 'ci', '--error-on-warnings', '--colors=off', '.');
  t.equal(status, 0, text);
});

t.test('types', async (t) => {
  const projects = globSync(
    '{packages/*/tsconfig.json,packages/*/test/tsconfig.json,{lab,bench,examples,deploy}/tsconfig.json}',
    { cwd: projectRoot },
  );
  t.ok(projects.length >= 12, `all projects are found: ${projects.join(', ')}`);
  for (const project of projects.sort()) {
    const { status, text } = run('tsc', '--noEmit', '-p', project);
    t.equal(status, 0, `${project}: ${text}`);
  }
});

t.test('a package lists its changes and carries what npm shows', async (t) => {
  const manifests = globSync('packages/*/package.json', { cwd: projectRoot });
  t.equal(manifests.length, 4);
  for (const manifest of manifests) {
    const folder = manifest.replace(/package\.json$/, '');
    for (const file of ['README.md', 'CHANGELOG.md'])
      t.equal(globSync(`${folder}${file}`, { cwd: projectRoot }).length, 1, `${folder}${file}`);
  }
});
