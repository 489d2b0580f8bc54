/** Runs one bench as a user does, only `--quick`, and looks at the JSON lines it leaves. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { BenchRow } from '../src/row.ts';

const main = resolve(import.meta.dirname, '../src/main.ts');
const units: readonly string[] = ['s', 'ms', 'cpu-s', '% of a core', 'MB'];

/** `works`: what at least must have been measured, and beside whom. */
export function smoke(name: string, works: readonly { readonly peer: RegExp; readonly work: RegExp }[]): void {
  t.test(`bench ${name} runs at a small size`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-test-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const json = join(folder, 'rows.json');
    const started = performance.now();
    await promisify(execFile)(process.execPath, [main, name, '--quick', '--json', json]);
    const lines = readFileSync(json, 'utf8').trim().split('\n');
    const rows: BenchRow[] = lines.map((line) => JSON.parse(line));
    for (const row of rows) {
      t.strictSame(Object.keys(row), ['bench', 'peer', 'work', 'ours', 'theirs', 'ratio', 'unit'], JSON.stringify(row));
      t.equal(row.bench, name);
      t.ok(units.includes(row.unit), `${row.unit} is a unit`);
      t.ok(Number.isFinite(row.ours) && row.ours >= 0, `${row.work}: ${row.ours}`);
      t.equal(row.theirs === null, row.peer === 'none', `${row.work} beside ${row.peer}: ${row.theirs}`);
      if (row.theirs === null || row.ratio === null) continue;
      t.ok(Number.isFinite(row.theirs) && row.theirs >= 0, `${row.work}: ${row.theirs}`);
      if (row.theirs > 0)
        t.ok(Math.abs(row.ratio - row.ours / row.theirs) < 0.01 * (1 + row.ratio), `ratio ${row.ratio}`);
    }
    for (const { peer, work } of works) {
      t.ok(
        rows.some((row) => peer.test(row.peer) && work.test(row.work)),
        `${work} beside ${peer}`,
      );
    }
    t.comment(`| ${name}: ${rows.length} rows in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  });
}
