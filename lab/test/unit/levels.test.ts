import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { projectRoot } from '../../src/levels/needs.ts';
import { runFile } from '../../src/levels/run-file.ts';
import { levels } from '../../src/levels/table.ts';

/** Test files live below the project, so that they find `tap`. */
const folder = mkdtempSync(join(projectRoot, 'lab/test/unit/.levels-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

async function outcome(source: string, timeoutSeconds = 60) {
  const file = join(folder, 'case.test.ts');
  writeFileSync(file, source);
  const remarks: string[] = [];
  const result = await runFile(file, { isolated: false, timeoutSeconds, onRemark: (line) => remarks.push(line) });
  return { ...result, remarks };
}

t.test('counts what passed and failed, and shows what failed', async (t) => {
  const good = await outcome(
    "import t from 'tap'; t.test('a', async (t) => { t.ok(1); t.ok(1); t.comment('| measured 3 ms'); });",
  );
  t.match(good, { passed: 2, failed: 0, report: '', remarks: ['measured 3 ms'] });
  const bad = await outcome("import t from 'tap'; t.ok(1); t.equal(1, 2, 'one is two');");
  t.match(bad, { passed: 1, failed: 1, report: /one is two/ });
});

t.test('a file that tests nothing, skips, crashes or hangs has failed', async (t) => {
  t.match(await outcome("import 'tap';"), { passed: 0, failed: 1, report: /ran no test/ });
  t.match(await outcome("import t from 'tap'; t.ok(1); t.skip('later');"), {
    failed: 1,
    report: /skipped or unfinished/,
  });
  t.match(await outcome("import t from 'tap'; t.ok(1); setImmediate(() => process.exit(3));"), {
    failed: Number,
    report: /3/,
  });
  const thrown = await outcome("throw new Error('at once');");
  t.ok(thrown.failed > 0);
  t.match(thrown.report, /at once/);
  t.match(
    await outcome(
      "import t from 'tap'; t.test('for ever', () => new Promise(() => setInterval(() => undefined, 1000)));",
      2,
    ),
    { report: /did not end within 2 s/ },
  );
});

t.test('every level has files, and every test file belongs to a level', async (t) => {
  const found = levels.map((level) => ({
    level,
    files: level.files.flatMap((pattern) => globSync(pattern, { cwd: projectRoot })),
  }));
  for (const { level, files } of found) t.ok(files.length > 0, `level ${level.name} has files`);
  const claimed = new Set(found.flatMap(({ files }) => files));
  const all = globSync('{packages,lab,bench,examples}/**/*.test.ts', {
    cwd: projectRoot,
    exclude: ['**/node_modules/**', '**/.levels-*/**'],
  });
  t.strictSame(
    all.filter((file) => !claimed.has(file)),
    [],
    'no test file is forgotten',
  );
});

t.test('a skipped level is named, and fails only where all levels are promised', async (t) => {
  const run = (ci: string | undefined) =>
    spawnSync(process.execPath, ['lab/src/levels/main.ts', 'data'], {
      cwd: projectRoot,
      encoding: 'utf8',
      env: { ...process.env, ROUTELET_DATA: '/nonexistent', CI: ci },
    });
  const newcomer = run(undefined);
  t.match(newcomer.stdout, /^SKIPPED data: no BGP data at \/nonexistent/m);
  t.match(newcomer.stdout, /^0 passed, 0 failed, 1 skipped$/m);
  t.equal(run('true').status, 1);
});

t.test('an unknown level is one clear error', async (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['lab/src/levels/main.ts', 'netlink'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  t.equal(status, 2);
  t.match(stderr, /unknown level: netlink; expected some of: check, unit/);
});
