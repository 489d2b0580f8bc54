/**
 * `npm test`: runs the levels of `table.ts` (all of them, or those named on the command line), prints a line for each
 * file and a table at the end, and closes with one line `N passed, N failed, N skipped`. Levels run one after the other,
 * but for those that are declared to run beside the others: what they print comes whole, when they end. The Kubernetes
 * programs are built beside the levels that do not need them. With CI=true a skipped level is a failure: CI promises all
 * of them.
 */
import { globSync } from 'node:fs';
import { GuestFiles } from '../emulated/guest-files.ts';
import { projectRoot, unmet } from './needs.ts';
import { Preparations } from './prepare.ts';
import { type FileResult, type RunOptions, runFile } from './run-file.ts';
import { type Level, levels } from './table.ts';

interface LevelResult {
  readonly level: Level;
  readonly files: readonly FileResult[];
  readonly skipped?: string;
  readonly seconds: number;
}

type Say = (line: string) => void;

const say: Say = (line) => console.log(line);
const names = process.argv.slice(2);
const unknown = names.filter((name) => !levels.some((level) => level.name === name));
if (unknown.length > 0) {
  console.error(
    `unknown level: ${unknown.join(', ')}; expected some of: ${levels.map((level) => level.name).join(', ')}`,
  );
  process.exit(2);
}
process.exitCode = await run(levels.filter((level) => names.length === 0 || names.includes(level.name)));

async function run(chosen: readonly Level[]): Promise<number> {
  const preparations = new Preparations((line) => say(`    ... ${line}`));
  // The slow one is made beside the levels that do not need it.
  const slow = chosen.filter(runnable).flatMap(({ needs }) => needs.filter(({ kind }) => kind === 'kubernetes'));
  for (const need of slow) void preparations.of(need);
  // A level that runs alone may print as it goes.
  const beside = chosen.length > 1 ? chosen.filter((level) => level.beside) : [];
  const results = new Map<Level, LevelResult>();
  const others = beside.map(async (level) => {
    const lines: string[] = [];
    results.set(level, await runLevel(level, preparations, (line) => lines.push(line)));
    say(lines.join('\n'));
  });
  for (const level of chosen) if (!beside.includes(level)) results.set(level, await runLevel(level, preparations, say));
  await Promise.all(others);
  return summary(chosen.flatMap((level) => results.get(level) ?? []));
}

function runnable(level: Level): boolean {
  return level.needs.every((need) => unmet(need) === undefined);
}

async function runLevel(level: Level, preparations: Preparations, say: Say): Promise<LevelResult> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const missing = level.needs.map(unmet).filter((why) => why !== undefined);
  if (missing.length > 0) {
    say(`SKIPPED ${level.name}: ${missing.join('; ')}`);
    return { level, files: [], skipped: missing.join('; '), seconds: 0 };
  }
  say(`==> ${level.name}: ${level.about}`);
  const failure = (file: string, report: string): LevelResult => {
    say(`  FAIL ${file}: ${report}`);
    return { level, files: [{ file, passed: 0, failed: 1, seconds: 0, report }], seconds: seconds() };
  };
  const files = level.files.flatMap((pattern) => globSync(pattern, { cwd: projectRoot })).sort();
  // A level that finds nothing to test has not passed.
  if (files.length === 0) return failure(level.name, `no file matches ${level.files.join(', ')}`);
  let guest: GuestFiles | undefined;
  try {
    for (const need of level.needs) await preparations.of(need);
    if (level.guest) {
      guest = await GuestFiles.boot(files, level);
      say(`      the guest booted in ${guest.bootSeconds.toFixed(1)} s`);
    }
    const start = guest?.start;
    const results = await runFiles(files, { ...level, ...(start === undefined ? {} : { start }) }, say);
    return { level, files: results, seconds: seconds() };
  } catch (error) {
    return failure(level.name, error instanceof Error ? error.message : String(error));
  } finally {
    await guest?.stop();
  }
}

async function runFiles(
  files: readonly string[],
  options: Omit<RunOptions, 'onRemark'> & Pick<Level, 'jobs'>,
  say: Say,
) {
  const results: FileResult[] = [];
  const waiting = [...files];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file, { ...options, onRemark: (line) => say(`      ${line}`) });
      results.push(result);
      say(
        `  ${result.failed === 0 ? 'ok  ' : 'FAIL'} ${file} (${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ''}, ${result.seconds.toFixed(1)} s)`,
      );
      if (result.report !== '') say(result.report.replaceAll(/^/gm, '       | '));
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
  return results;
}

function summary(results: readonly LevelResult[]): number {
  const sum = (of: (file: FileResult) => number, files: readonly FileResult[]) =>
    files.reduce((total, file) => total + of(file), 0);
  const width = Math.max(...results.map(({ level }) => level.name.length));
  say('');
  for (const { level, files, skipped, seconds } of results) {
    const failed = sum((file) => file.failed, files);
    const outcome =
      skipped === undefined
        ? `${sum((file) => file.passed, files)} passed, ${failed} failed in ${seconds.toFixed(1)} s`
        : `SKIPPED: ${skipped}`;
    say(`${level.name.padEnd(width)}  ${outcome}`);
  }
  const all = results.flatMap(({ files }) => files);
  const passed = sum((file) => file.passed, all);
  const failed = sum((file) => file.failed, all);
  const skipped = results.filter((result) => result.skipped !== undefined).length;
  say('');
  say(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (failed > 0 || passed === 0) return 1;
  return skipped > 0 && process.env['CI'] === 'true' ? 1 : 0;
}
