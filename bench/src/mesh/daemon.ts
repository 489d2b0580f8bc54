/** A daemon under test: what it has used of processor and memory, and when it has nothing more to do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const idleStepMs = 500;
/** Processor time in one step that still is nothing: timers, and Go's background threads. */
const idleSeconds = 0.02;

export class Daemon {
  readonly #child: ChildProcess;
  #output = '';

  constructor(command: string, words: readonly string[]) {
    this.#child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-4000);
      });
    }
    this.#child.on('error', (error) => {
      this.#output += error.message;
    });
  }

  /** The last it wrote to its standard output and error. */
  get output(): string {
    return this.#output;
  }

  /** Processor time of all threads so far, to the nanosecond (Documentation/scheduler/sched-stats.rst of the kernel). */
  cpuSeconds(): number {
    if (this.#child.exitCode !== null) throw new Error('the daemon ended');
    const tasks = `/proc/${this.#child.pid}/task`;
    const nanoseconds = readdirSync(tasks).map((task) =>
      Number(/^\d+/.exec(readFileSync(`${tasks}/${task}/schedstat`, 'latin1'))),
    );
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
  }

  /** Resident memory now and its peak. */
  megabytes(): { readonly now: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1');
    const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** Resolves when it started up, that is, when it used next to no processor time for three steps in a row. */
  async idle(deadlineMs = 120_000): Promise<void> {
    const end = performance.now() + deadlineMs;
    for (let quiet = 0, before = Number.NaN; quiet < 3; ) {
      if (performance.now() > end) throw new Error('the daemon does not come to rest');
      const now = this.cpuSeconds();
      quiet = now - before <= idleSeconds ? quiet + 1 : 0;
      before = now;
      await delay(idleStepMs);
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}
