/** One scenario through one daemon: the table in and out, then all feeders' sessions lost. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { feedersOf, prefixLengths, type Scenario, sinksOf, speakerAddress } from './plan.ts';
import type { StartDaemon } from './subject.ts';

export interface Measured {
  /** From the feeders' first byte to the last route at the last sink. */
  readonly seconds: number;
  /** User and system time of the daemon meanwhile. */
  readonly cpuSeconds: number;
  /** The same since the daemon was started: with reading its program and what it does before there are sessions. */
  readonly lifeCpuSeconds: number;
  /** From the reset of the feeders' connections to the last withdrawal at the last sink. */
  readonly withdrawSeconds: number;
  readonly withdrawCpuSeconds: number;
  /** The daemon's resident memory at its peak, and with all sessions up before the first route. */
  readonly peakMegabytes: number;
  readonly emptyMegabytes: number;
  /** What the first sink got. */
  readonly table: string;
  /** Of ours only. */
  readonly pauses?: Pauses;
}

/**
 * The longest of each while routes came in, in milliseconds: event loop late; late without the time that it waited for a
 * processor; processor time of one turn of it.
 */
export interface Pauses {
  readonly wallMs: number;
  readonly ownMs: number;
  readonly cpuMs: number;
}

/** Adds the scenario's addresses to the loopback interface of this namespace. */
export function addAddresses(scenario: Scenario): void {
  const { family } = scenario;
  const peers = [...feedersOf(scenario), ...sinksOf(scenario)].map(({ address }) => address);
  const commands = [speakerAddress(family), ...peers].map(
    (address) => `address replace ${address}/${prefixLengths[family]} dev lo`,
  );
  execFileSync('ip', ['-batch', '-'], { input: commands.join('\n') });
}

export async function measure(scenario: Scenario, folder: string, start: StartDaemon): Promise<Measured> {
  const file = join(folder, 'table.txt');
  const daemon = start(scenario, folder);
  const sink = peers('sink.ts', scenario, file);
  const feeder = peers('feeder.ts', scenario);
  const fromSink = eventsOf(sink);
  const fromFeeder = eventsOf(feeder);
  try {
    await fromSink('ready');
    await fromFeeder('ready');
    const emptyMegabytes = megabytesOf(daemon, 'VmRSS');
    daemon.stdin?.write('measure\n');
    const cpuBefore = cpuSecondsOf(daemon);
    feeder.stdin?.write('go\n');
    const { at: begin } = await fromFeeder('begin');
    const { at: complete } = await fromSink('complete');
    const lifeCpuSeconds = cpuSecondsOf(daemon);
    await fromSink('written');
    const pauses = daemon.stdin === null ? undefined : await pausesOf(daemon);
    const peakMegabytes = megabytesOf(daemon, 'VmHWM');
    const cpuBetween = cpuSecondsOf(daemon);
    feeder.stdin?.write('lose the sessions\n');
    const { at: lost } = await fromFeeder('lost');
    const { at: empty } = await fromSink('empty');
    return {
      seconds: (complete - begin) / 1000,
      cpuSeconds: lifeCpuSeconds - cpuBefore,
      lifeCpuSeconds,
      withdrawSeconds: (empty - lost) / 1000,
      withdrawCpuSeconds: cpuSecondsOf(daemon) - cpuBetween,
      peakMegabytes,
      emptyMegabytes,
      table: readFileSync(file, 'utf8'),
      ...(pauses !== undefined && { pauses }),
    };
  } finally {
    await Promise.all([daemon, sink, feeder].map(end));
  }
}

function peers(file: string, scenario: Scenario, ...more: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, file), JSON.stringify(scenario), ...more], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

interface ProcessEvent extends Partial<Pauses> {
  readonly event: string;
  /** Milliseconds of the machine's monotonic clock. */
  readonly at: number;
}

/** Waits for the next line with an event; other lines before it are passed over. */
function eventsOf(child: ChildProcess): (event: string) => Promise<ProcessEvent> {
  if (child.stdout === null) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (event) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`a process ended before it said "${event}"`);
      const line: ProcessEvent = JSON.parse(value);
      if (line.event === event) return line;
    }
  };
}

async function pausesOf(daemon: ChildProcess): Promise<Pauses> {
  daemon.stdin?.write('report\n');
  const { wallMs = Number.NaN, ownMs = Number.NaN, cpuMs = Number.NaN } = await eventsOf(daemon)('pauses');
  return { wallMs, ownMs, cpuMs };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Of all threads, in nanoseconds (proc_pid_schedstat(5)): the ticks of `stat` are a tenth of a small table. */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce((sum, task) => {
    const [nanoseconds] = readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ');
    return sum + Number(nanoseconds) / 1e9;
  }, 0);
}

function megabytesOf({ pid }: ChildProcess, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}
