/** Runs one test file as a process of its own, reads its TAP and returns the counts. Decides nothing about levels. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Parser, type Result } from 'tap-parser';
import { projectRoot } from './needs.ts';

export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What a person needs to see of a failure: the failing TAP and the end of the error output. */
  readonly report: string;
}

const isolation = [
  'unshare',
  '--net',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  'sh',
  '-c',
  'ip link set lo up && exec "$@"',
  'sh',
];
const REPORT_LINES = 150;
const REMARK = /^\s*# \| (.*)/;

/** A test file that runs, as a process of this machine or of another. */
export interface RunningFile {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The status, or why there is none. It comes after all output. */
  readonly exit: Promise<number | string>;
  /** Ends it and whatever it left behind. */
  readonly kill: () => void;
}

export interface RunOptions {
  readonly isolated: boolean;
  readonly timeoutSeconds: number;
  /** Called with each comment that a test prints for people: `# | text` (measured times, tables). */
  readonly onRemark: (line: string) => void;
  /** Starts the file somewhere else than here. */
  readonly start?: (file: string) => RunningFile;
}

export async function runFile(file: string, options: RunOptions): Promise<FileResult> {
  const started = performance.now();
  const running = (options.start ?? ((name) => startHere(name, options.isolated)))(file);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    running.kill();
  }, options.timeoutSeconds * 1000);
  const lines: string[] = [];
  const errors: string[] = [];
  const parser = new Parser();
  const counts: Counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  count(parser, counts);
  let ok = false;
  parser.on('complete', (results) => {
    ok = results.ok;
  });
  parser.on('line', (line: string) => {
    lines.push(line.trimEnd());
    const remark = REMARK.exec(line)?.[1];
    if (remark !== undefined) options.onRemark(remark);
  });
  running.stdout.pipe(parser);
  running.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const ends = [running.stdout, running.stderr].map((stream) => finished(stream, { writable: false }));
  const [exit] = await Promise.all([running.exit, ...ends]);
  clearTimeout(timer);
  // Whatever the file left behind ends with it.
  running.kill();
  parser.end();
  const problems: string[] = [];
  if (timedOut) problems.push(`${file} did not end within ${options.timeoutSeconds} s`);
  if (counts.pass + counts.fail === 0) problems.push(`${file} ran no test`);
  if (counts.skip + counts.todo > 0)
    problems.push(`${file} has ${counts.skip + counts.todo} skipped or unfinished tests`);
  if (exit !== 0 && counts.fail === 0) problems.push(`${file} ended with ${exit}`);
  if (!ok && counts.fail === 0 && problems.length === 0) problems.push(`${file} printed broken TAP`);
  const failed = counts.fail + problems.length;
  return {
    file,
    passed: counts.pass,
    failed,
    seconds: (performance.now() - started) / 1000,
    report:
      failed === 0
        ? ''
        : [...problems, ...failing(lines), ...errors.join('').split('\n').slice(-REPORT_LINES)].join('\n'),
  };
}

function startHere(file: string, isolated: boolean): RunningFile {
  const [command = process.execPath, ...args] = [...(isolated ? isolation : []), process.execPath, file];
  // The bound on a file is the runner's; tap has one of 30 s of its own.
  const env = { ...process.env, TAP_TIMEOUT: '0' };
  const child = spawn(command, args, { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const exit = new Promise<number | string>((ended) => {
    child.on('error', (error) => ended(String(error)));
    child.on('close', (code, signal) => ended(code ?? signal ?? 'no exit'));
  });
  return { stdout: child.stdout, stderr: child.stderr, exit, kill: () => kill(child.pid) };
}

interface Counts {
  pass: number;
  fail: number;
  skip: number;
  todo: number;
}

/** Counts test points: those of subtests, not the lines that sum a subtest up, unless only that line failed. */
function count(parser: Parser, counts: Counts): void {
  let subtest: { readonly failedBefore: number } | undefined;
  parser.on('child', (child: Parser) => {
    subtest = { failedBefore: counts.fail };
    count(child, counts);
  });
  parser.on('assert', (result: Result) => {
    const summed = subtest;
    subtest = undefined;
    if (result.skip) counts.skip++;
    else if (result.todo) counts.todo++;
    else if (summed !== undefined) counts.fail += !result.ok && counts.fail === summed.failedBefore ? 1 : 0;
    else if (result.ok) counts.pass++;
    else counts.fail++;
  });
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** The `not ok` points with their diagnostics; all of it when there is none. */
function failing(lines: readonly string[]): string[] {
  const out: string[] = [];
  let inside = false;
  for (const line of lines) {
    if (/^\s*not ok /.test(line)) inside = true;
    else if (/^\s*(ok |# Subtest|\d+\.\.\d+)/.test(line)) inside = false;
    if (inside) out.push(line);
  }
  return (out.length > 0 ? out : lines).slice(0, REPORT_LINES);
}
