/**
 * mesh: one speaker with thousands of iBGP neighbours that all connect at once, ours and GoBGP's one after the other in
 * the same namespace. How long until every session is up and every route where it belongs, what that takes of processor
 * and memory, and what the sessions take when nothing happens but KEEPALIVEs.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { holdTimeSeconds } from '@routelet/lab/lean-session';
import { buildPrograms, programPath } from '@routelet/lab/programs';
import { publish } from '../bgp-table/published.ts';
import { row } from '../figures.ts';
import type { BenchRow } from '../row.ts';
import { Daemon } from './daemon.ts';
import { gobgpConfig } from './gobgp-config.ts';
import { localRanges, neighbourAddress, speaker, watcherAddress } from './plan.ts';
import type { SpeakerSetup } from './speaker.ts';

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly restCpuSeconds: number;
  readonly restMegabytes: number;
  readonly peakMegabytes: number;
}

/** Longest wait for the mesh to converge. */
const convergenceMs = 180_000;
/**
 * Between convergence and the measurement at rest, so that both have collected the garbage of the start; and the length
 * of that measurement, two keepalive intervals. A small mesh is there to be tried out, and takes less.
 */
const restOf = (count: number) =>
  count < 1000 ? { settleSeconds: 1, restSeconds: 2 } : { settleSeconds: 45, restSeconds: 60 };

/** Builds GoBGP where it is not there yet; needs the network, so it runs outside of the namespaces. */
export function prepareMesh(say: (text: string) => void): Promise<void> {
  return buildPrograms(['gobgpd'], say);
}

/** Runs inside fresh namespaces, as root. `say` is for progress. */
export async function* benchMesh(
  say: (text: string) => void,
  counts: readonly number[] = [1000, 5000],
): AsyncGenerator<BenchRow> {
  for (const range of localRanges) execFileSync('ip', ['route', 'replace', 'local', range, 'dev', 'lo']);
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-'));
  try {
    const program = publish(folder, join(import.meta.dirname, 'speaker.ts'));
    for (const count of counts) {
      const { restSeconds } = restOf(count);
      const ours = await measure(count, startOurs(program, count, folder));
      say(`routelet, ${count} peers: ${JSON.stringify(ours)}`);
      const theirs = await measure(count, startGobgp(count, folder));
      say(`gobgp, ${count} peers: ${JSON.stringify(theirs)}`);
      const compared = (work: string, unit: BenchRow['unit'], of: (measured: Measured) => number): BenchRow =>
        row({ bench: 'mesh', peer: 'gobgp', work: `${count} peers ${work}`, unit }, of(ours), of(theirs));
      yield compared('established and converged', 's', ({ seconds }) => seconds);
      yield compared('established and converged', 'cpu-s', ({ cpuSeconds }) => cpuSeconds);
      yield compared('established and converged, peak', 'MB', ({ peakMegabytes }) => peakMegabytes);
      yield compared(`at rest for ${restSeconds} s`, 'cpu-s', ({ restCpuSeconds }) => restCpuSeconds);
      yield compared('at rest', 'MB', ({ restMegabytes }) => restMegabytes);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function startOurs(program: string, count: number, folder: string): Daemon {
  const setup: SpeakerSetup = {
    ...speaker,
    holdTimeMs: holdTimeSeconds * 1000,
    client: watcherAddress,
    neighbours: Array.from({ length: count }, (_, index) => neighbourAddress(index)),
  };
  // More than the 128 KiB that one argument may have (execve(2)).
  const file = join(folder, 'setup.json');
  writeFileSync(file, JSON.stringify(setup));
  return new Daemon(process.execPath, [program, file]);
}

function startGobgp(count: number, folder: string): Daemon {
  const config = join(folder, 'gobgpd.toml');
  writeFileSync(config, gobgpConfig(count));
  const quiet = ['--log-level', 'error', '--pprof-disable', '--api-hosts', '127.0.0.1:50051'];
  return new Daemon(programPath('gobgpd'), ['-f', config, '-t', 'toml', ...quiet]);
}

async function measure(count: number, daemon: Daemon): Promise<Measured> {
  const peers = spawn(process.execPath, [join(import.meta.dirname, 'peers.ts'), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const events = new PeerEvents(peers);
  const { settleSeconds, restSeconds } = restOf(count);
  try {
    await daemon.idle();
    await events.next('ready');
    const cpuBefore = daemon.cpuSeconds();
    peers.stdin.write('go\n');
    const begin = await events.next('begin');
    const converged = await events.next('converged', convergenceMs);
    const cpuSeconds = daemon.cpuSeconds() - cpuBefore;
    await delay(settleSeconds * 1000);
    const restBefore = daemon.cpuSeconds();
    await delay(restSeconds * 1000);
    const restCpuSeconds = daemon.cpuSeconds() - restBefore;
    const { now, peak } = daemon.megabytes();
    if (events.lost > 0) throw new Error(`${events.lost} sessions were lost`);
    return { seconds: (converged - begin) / 1000, cpuSeconds, restCpuSeconds, restMegabytes: now, peakMegabytes: peak };
  } catch (error) {
    throw new Error(
      `${count} peers: ${error instanceof Error ? error.message : error}; the daemon says: ${daemon.output}`,
    );
  } finally {
    await daemon.kill();
    peers.kill('SIGKILL');
  }
}

interface PeerEvent {
  readonly event: string;
  /** Milliseconds of the machine's monotonic clock. */
  readonly at: number;
  /** Sessions lost so far. */
  readonly lost: number;
}

/** What the process of the neighbours says. */
class PeerEvents {
  readonly #seen = new Map<string, number>();
  #waiting: (() => void) | undefined;
  #ended = false;
  #last = '';
  lost = 0;

  constructor(child: ChildProcess) {
    if (child.stdout === null) throw new Error('the process has no output');
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        const { event, at, lost }: PeerEvent = JSON.parse(line);
        this.#last = line;
        this.lost = lost;
        this.#seen.set(event, at);
        this.#waiting?.();
      })
      .on('close', () => {
        this.#ended = true;
        this.#waiting?.();
      });
  }

  /** The time of an event, once it has come. */
  async next(event: string, deadlineMs = 30_000): Promise<number> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const at = this.#seen.get(event);
      if (at !== undefined) return at;
      if (this.#ended) throw new Error(`the neighbours ended before they said "${event}"`);
      if (performance.now() > end) throw new Error(`no "${event}" within ${deadlineMs} ms: ${this.#last}`);
      const change = new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
      await Promise.race([change, delay(1000)]);
    }
  }
}
