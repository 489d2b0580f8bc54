/**
 * Many IPv4 /32 routes into the main table of a fresh namespace: through our rib, by BIRD's static and kernel
 * protocols, and by `ip -batch`. All three read the routes from a text file of their own format, so the time to read it
 * is in all figures; daemons are started beforehand and idle. Each round gives each peer a namespace of its own.
 */
import { execFile } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { promisify } from 'node:util';
import { median, row } from '../figures.ts';
import type { BenchRow } from '../row.ts';
import { peers, type Round, type Step, steps } from './peer.ts';

const NAME = 'kernel-routes';
const ROUNDS = 3;

const work: Readonly<Record<Step, (routes: number) => string>> = {
  add: (routes) => `add ${routes} routes`,
  replace: (routes) => `replace the next hop of ${routes} routes`,
  remove: (routes) => `remove ${routes} routes`,
};

async function inNamespace(peer: string, routes: number): Promise<Round> {
  const script = new URL('./round.ts', import.meta.url).pathname;
  const command = `ip link set lo up; exec "$0" "${script}" ${peer} ${routes}`;
  const words = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', command, process.execPath];
  const { stdout } = await promisify(execFile)('unshare', words, { timeout: 120_000 });
  return JSON.parse(stdout);
}

function compare(rounds: Readonly<Record<string, Round[]>>, routes: number): BenchRow[] {
  const of = (peer: string, pick: (round: Round) => number): number => median((rounds[peer] ?? []).map(pick));
  return Object.entries(rounds).flatMap(([peer, theirs]) => {
    if (peer === 'rib') return [];
    const version = theirs[0]?.version ?? peer;
    const compared = (what: string, unit: BenchRow['unit'], pick: (round: Round) => number): BenchRow =>
      row({ bench: NAME, peer: version, work: what, unit }, of('rib', pick), of(peer, pick));
    return [
      ...steps.flatMap((step) => [
        compared(work[step](routes), 's', (round) => round.steps[step].seconds),
        compared(work[step](routes), 'cpu-s', (round) => round.steps[step].cpuSeconds),
      ]),
      compared(`peak memory after ${work.add(routes)}`, 'MB', (round) => round.megabytes),
    ];
  });
}

/** Runs in the namespace of each round by itself. `say` is for progress and for figures that are no comparison. */
export async function benchKernelRoutes(say: (text: string) => void, routes: number): Promise<BenchRow[]> {
  const rounds: Record<string, Round[]> = {};
  say(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors; ${ROUNDS} rounds, medians`);
  for (let count = 1; count <= ROUNDS; count++) {
    for (const peer of Object.keys(peers)) {
      const round = await inNamespace(peer, routes);
      const list = rounds[peer] ?? [];
      rounds[peer] = list;
      list.push(round);
      const times = steps.map((step) => `${step} ${round.steps[step].seconds.toFixed(3)} s`).join(', ');
      const parse =
        round.parseSeconds === undefined ? '' : `, of it reading the file ${round.parseSeconds.toFixed(3)} s`;
      say(`round ${count} ${round.version}: ${times}${parse}`);
    }
  }
  return compare(rounds, routes);
}
