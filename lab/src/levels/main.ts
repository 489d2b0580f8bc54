/**
 * `npm test`: runs the levels of `table.ts` (all of them, or those named on the command line), prints a line for each
 * file and a table at the end, and closes with one line `N passed, N failed, N skipped`. The Kubernetes programs are
 * built beside the levels that do not need them. With CI=true a skipped level is a failure: CI promises all of them.
 */
import { globSync } from 'node:fs';
import { projectRoot, unmet } from './needs.ts';
import { Preparations } from './prepare.ts';
import { type FileResult, runFile } from './run-file.ts';
import { type Level, levels } from './table.ts';

interface LevelResult {
  readonly level: Level;
  readonly files: readonly FileResult[];
  readonly skipped?: string;
  readonly seconds: number;
}

const say = (line: string): void => console.log(line);
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
  const results: LevelResult[] = [];
  for (const level of chosen) results.push(await runLevel(level, preparations));
  return summary(results);
}

function runnable(level: Level): boolean {
  return level.needs.every((need) => unmet(need) === undefined);
}

async function runLevel(level: Level, preparations: Preparations): Promise<LevelResult> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const missing = level.needs.map(unmet).filter((why) => why !== undefined);
  if (missing.length > 0) {
    say(`SKIPPED ${level.name}: ${missing.join('; ')}`);
    return { level, files: [], skipped: missing.join('; '), seconds: 0 };
  }
  say(`==> ${level.name}: ${level.about}`);
  try {
    for (const need of level.needs) await preparations.of(need);
  } catch (error) {
    const files = [failure(level.name, error instanceof Error ? error.message : String(error))];
    return { level, files, seconds: seconds() };
  }
  const files = level.files.flatMap((pattern) => globSync(pattern, { cwd: projectRoot })).sort();
  // A level that finds nothing to test has not passed.
  if (files.length === 0)
    return { level, files: [failure(level.name, `no file matches ${level.files.join(', ')}`)], seconds: seconds() };
  const results: FileResult[] = [];
  const waiting = [...files];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file, { ...level, onRemark: (line) => say(`      ${line}`) });
      results.push(result);
      say(
        `  ${result.failed === 0 ? 'ok  ' : 'FAIL'} ${file} (${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ''}, ${result.seconds.toFixed(1)} s)`,
      );
      if (result.report !== '') say(result.report.replaceAll(/^/gm, '       | '));
    }
  };
  await Promise.all(Array.from({ length: level.jobs }, worker));
  return { level, files: results, seconds: seconds() };
}

function failure(file: string, report: string): FileResult {
  say(`  FAIL ${file}: ${report}`);
  return { file, passed: 0, failed: 1, seconds: 0, report };
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
