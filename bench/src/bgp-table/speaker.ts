/**
 * Process: our speaker between feeders and sinks, everything accepted and passed on as BIRD's `import all; export all`.
 * Meanwhile it asks itself through its API a hundred times a second, and notes how late that was: how long the event loop
 * was held, with and without the time that the thread waited for a processor, which is other processes' doing; and how
 * much processor time it spent without a break.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createSpeaker, type PolicyChain, warmUp } from '@routelet/bgp';

interface Setup {
  readonly asn: number;
  readonly routerId: string;
  readonly address: string;
  readonly port: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly warmUp: boolean;
  readonly peers: readonly { readonly address: string; readonly asn: number }[];
  /** The peers are clients. */
  readonly reflector?: boolean;
}

const setup: Setup = JSON.parse(process.argv[2] ?? '');
const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
const intervalMs = 10;

if (setup.warmUp) await warmUp();
const speaker = createSpeaker({
  asn: setup.asn,
  routerId: setup.routerId,
  listen: [{ address: setup.address, port: setup.port }],
  importPolicy: all,
  exportPolicy: all,
});
speaker.on('warning', ({ text }) => console.error(text));
for (const { address, asn } of setup.peers) {
  const families = [`${setup.family}-unicast`] as const;
  const routeReflectorClient = setup.reflector === true;
  speaker.addPeer({ address, asn, passive: true, holdTimeMs: 240_000, families, routeReflectorClient });
}
await speaker.start();

const pauses = { wallMs: 0, ownMs: 0, cpuMs: 0, routes: 0 };
let turnCpu = process.threadCpuUsage();
/** One turn of the event loop from here to the next call. */
function turn(): void {
  const { user, system } = process.threadCpuUsage(turnCpu);
  pauses.cpuMs = Math.max(pauses.cpuMs, (user + system) / 1000);
  turnCpu = process.threadCpuUsage();
  setImmediate(turn).unref();
}
/** How long this thread has been ready to run and was not running (proc_pid_schedstat(5)). */
function queuedMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1e6;
}
let due = performance.now() + intervalMs;
let queuedBefore = queuedMs();
function ask(): void {
  const now = performance.now();
  const queued = queuedMs();
  pauses.wallMs = Math.max(pauses.wallMs, now - due);
  pauses.ownMs = Math.max(pauses.ownMs, now - due - (queued - queuedBefore));
  queuedBefore = queued;
  pauses.routes = speaker.peers().reduce((sum, { prefixesAccepted }) => sum + prefixesAccepted, 0);
  due = now + intervalMs;
  setTimeout(ask, intervalMs);
}

/** The first line starts the measurement, each further one is answered by what was measured. */
let isMeasuring = false;
for await (const _line of createInterface({ input: process.stdin })) {
  if (isMeasuring) {
    console.log(JSON.stringify({ event: 'pauses', ...pauses }));
    continue;
  }
  isMeasuring = true;
  due = performance.now() + intervalMs;
  turnCpu = process.threadCpuUsage();
  ask();
  turn();
}
