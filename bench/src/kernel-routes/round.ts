/** One peer, one round, in the namespace of this process: prints a `Round` as JSON. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gateways, type Measure, peers, type Round, type Step, steps } from './peer.ts';

/** USER_HZ: what /proc counts CPU time in, on every architecture that Node runs on. */
const TICKS_A_SECOND = 100;
const SAMPLE_MS = 10;

const [name = '', count = ''] = process.argv.slice(2);
const routes = Number(count);
const make = peers[name];
if (make === undefined) throw new Error(`unknown peer "${name}"`);
const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8', maxBuffer: 2 ** 28 });

/** CPU seconds and peak memory of a process so far. */
function usage(pid: number): { cpuSeconds: number; megabytes: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    if (peak === undefined) return undefined;
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND, megabytes: Number(peak) / 1024 };
  } catch {
    return undefined;
  }
}

ip('link add v0 type veth peer name v1');
for (const link of ['v0', 'v1']) ip(`link set ${link} up`);
ip('address add 10.9.0.1/24 dev v0');
const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-'));
const peer = await make(folder, routes);
try {
  for (const step of steps) peer.prepare(step);
  const measures: Partial<Record<Step, Measure>> = {};
  let megabytes = 0;
  for (const step of steps) {
    // A process that lives for one step is sampled until it ends; what it used after the last sample is not counted.
    let used = { cpuSeconds: 0, megabytes: 0 };
    let sampler: NodeJS.Timeout | undefined;
    const before = peer.pid === undefined ? undefined : usage(peer.pid);
    const startMs = performance.now();
    await peer.run(step, (pid) => {
      sampler = setInterval(() => {
        used = usage(pid) ?? used;
      }, SAMPLE_MS);
    });
    const seconds = (performance.now() - startMs) / 1000;
    clearInterval(sampler);
    if (peer.pid !== undefined) used = usage(peer.pid) ?? used;
    measures[step] = { seconds, cpuSeconds: used.cpuSeconds - (before?.cpuSeconds ?? 0) };
    if (step === 'add') megabytes = used.megabytes;
    check(step);
  }
  const { add, replace, remove } = measures;
  if (add === undefined || replace === undefined || remove === undefined) throw new Error('a step was not measured');
  const parseSeconds = await peer.parseSeconds?.();
  const round: Round = {
    version: peer.version,
    steps: { add, replace, remove },
    megabytes,
    ...(parseSeconds !== undefined && { parseSeconds }),
  };
  process.stdout.write(JSON.stringify(round));
} finally {
  peer.stop();
  rmSync(folder, { recursive: true });
}
process.exit();

/** The kernel has what the step asked for, all of it. */
function check(step: Step): void {
  const gateway = gateways[step];
  const lines = ip('-4 route show').split('\n');
  const stand = lines.filter(
    (line) => line.startsWith('11.') && (gateway === undefined || line.includes(`via ${gateway} `)),
  );
  const expected = gateway === undefined ? 0 : routes;
  if (stand.length !== expected) throw new Error(`${name} ${step}: ${stand.length} of ${expected} routes`);
}
