/**
 * Processes of the lab: short commands that are run to their end, and long-running ones whose lines are kept, watched
 * and waited for. A process is always named by its own pid; nothing is ever killed by name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { LabError } from './errors.ts';
import { type WaitOptions, within } from './wait.ts';

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Text for the standard input. */
  readonly input?: string;
  /** Time after which the command is killed and fails; 30,000 when left out. */
  readonly deadlineMs?: number;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end and returns its result, whatever the status. Rejects only when it could not be run. */
export async function tryRun(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { env = {}, input = '', deadlineMs = 30_000 } = options;
  const [command = '', ...words] = argv;
  const child = spawn(command, words, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command may end without reading its input; that is its own affair.
  child.stdin.on('error', () => undefined).end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new LabError('command-failed', `${argv.join(' ')}: ${cause.message}`, { cause })),
    );
    child.on('close', resolve);
  });
  try {
    const code = await within(`the end of: ${argv.join(' ')}`, deadlineMs, ended);
    return { code, stdout, stderr };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Runs a command to its end and returns its standard output. Rejects with LabError `command-failed` on any status but 0. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(argv, options);
  if (code === 0) return stdout;
  throw new LabError('command-failed', `${argv.join(' ')} ended with ${code}: ${(stderr || stdout).trim()}`);
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Watcher {
  readonly pattern: RegExp;
  readonly found: (line: string) => void;
}

/** What a process has used: processor time of all threads so far, resident memory now and at its peak, in MiB. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentMb: number;
  readonly peakMb: number;
}

const KEPT_LINES = 5000;

/** A long-running process. Its standard output and error are one stream of lines, the last 5,000 of which are kept. */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  readonly #exit: Promise<ExitStatus>;
  readonly lines: string[] = [];
  #ended: ExitStatus | undefined;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<Watcher>();

  constructor(name: string, argv: readonly string[], { env = {}, onLine }: SpawnOptions = {}) {
    const [command = '', ...words] = argv;
    this.name = name;
    this.#child = spawn(command, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.#child.pid ?? -1;
    // A script ends when its own work is done, whatever still runs in the lab: the namespaces end with it.
    this.#child.unref();
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      if (stream instanceof Socket) stream.unref();
      createInterface({ input: stream }).on('line', (line) => {
        this.#take(line);
        onLine?.(line);
      });
    }
    this.#exit = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#take(`cannot start ${command}: ${error.message}`));
      this.#child.on('close', (code, signal) => {
        this.#ended = { code, signal };
        resolve(this.#ended);
      });
    });
  }

  /** How the process ended; undefined while it runs. */
  get ended(): ExitStatus | undefined {
    return this.#ended;
  }

  #take(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.splice(0, this.lines.length - KEPT_LINES);
    for (const watcher of this.#watchers) {
      if (watcher.pattern.test(line)) watcher.found(line);
    }
  }

  /** Throws when the process has ended. */
  usage(): ProcessUsage {
    const tasks = `/proc/${this.pid}/task`;
    // To the nanosecond: Documentation/scheduler/sched-stats.rst of the kernel.
    const nanoseconds = readdirSync(tasks).map((task) =>
      Number(/^\d+/.exec(readFileSync(`${tasks}/${task}/schedstat`, 'latin1'))),
    );
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
    return {
      cpuSeconds: nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9,
      residentMb: mebibytes('VmRSS'),
      peakMb: mebibytes('VmHWM'),
    };
  }

  /** The last lines, for an error or a report. */
  tail(count = 25): string {
    return this.lines.slice(-count).join('\n');
  }

  /** Resolves with the first line, kept or still to come, that matches. Rejects when the process ends before. */
  async waitForLine(pattern: RegExp, { deadlineMs = 20_000 }: WaitOptions = {}): Promise<string> {
    const kept = this.lines.find((line) => pattern.test(line));
    if (kept !== undefined) return kept;
    const watcher = Promise.withResolvers<string>();
    const entry: Watcher = { pattern, found: watcher.resolve };
    this.#watchers.add(entry);
    try {
      const ended = this.#exit.then((status) => {
        throw new LabError('process-ended', `${this.name} ended (${describeExit(status)}):\n${this.tail()}`);
      });
      return await within(`a line ${pattern} of ${this.name}`, deadlineMs, Promise.race([watcher.promise, ended]));
    } catch (cause) {
      throw this.#withTail(cause);
    } finally {
      this.#watchers.delete(entry);
    }
  }

  #withTail(cause: unknown): unknown {
    if (!(cause instanceof LabError && cause.code === 'deadline')) return cause;
    return new LabError(cause.code, `${cause.message}; last lines:\n${this.tail()}`, { cause });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when the process has ended and all its output has been read. Rejects when it has not in time. */
  untilExit(deadlineMs = 30_000): Promise<ExitStatus> {
    return this.#ending(`the end of ${this.name}`, deadlineMs);
  }

  async #ending(what: string, deadlineMs: number): Promise<ExitStatus> {
    try {
      return await within(what, deadlineMs, this.#exit);
    } catch (cause) {
      throw this.#withTail(cause);
    }
  }

  /** Sends `signal` (SIGTERM when left out) and waits for the end. Rejects when it does not end in time. */
  stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = 15_000): Promise<ExitStatus> {
    this.signal(signal);
    return this.#ending(`the end of ${this.name} after ${signal}`, deadlineMs);
  }
}

function describeExit({ code, signal }: ExitStatus): string {
  return signal === null ? `status ${code}` : `signal ${signal}`;
}
