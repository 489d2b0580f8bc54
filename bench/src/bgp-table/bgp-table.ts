/**
 * bgp-table: routes in, and out again, beside other daemons in the same namespace, one after the other. Feeders write
 * pre-encoded UPDATEs, sinks count what comes out; then the feeders' sessions are lost and the sinks count withdrawals.
 * What BIRD's sink got must be what ours got, route by route with all attributes.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildPrograms } from '@routelet/lab/programs';
import { row } from '../figures.ts';
import type { BenchRow } from '../row.ts';
import { addAddresses, type Measured, measure } from './measure.ts';
import type { Scenario } from './plan.ts';
import { publish } from './published.ts';
import { rivals, startOurs } from './subject.ts';

type Say = (text: string) => void;

/** A full table of 2024, where the data that the tests read is at hand. */
const realPrefixes = resolve(
  process.env['ROUTELET_DATA'] ?? resolve(import.meta.dirname, '../../../../shared/data'),
  'prefixes/testdata/prefixes.txt.gz',
);
/** No pause of the event loop longer than this while routes come in. */
const pauseLimitSeconds = 0.05;

/** Builds GoBGP where it is not there yet; needs the network, so it runs outside of the namespaces. */
export async function prepareBgpTable(say: Say): Promise<void> {
  try {
    await buildPrograms(['gobgpd'], say);
  } catch (error) {
    say(`GoBGP is left out: ${error instanceof Error ? error.message : error}`);
  }
}

function plain(routes: number, against: Scenario['against']): Scenario {
  return { title: `${routes} routes`, family: 'ipv4', routes, prefixes: 'made', feeders: 1, sinks: 1, against };
}

/** `share`: of all sizes, to try it out. */
function allScenarios(share: number): Scenario[] {
  const of = (routes: number): number => Math.round(routes * share);
  const bird = ['bird'] as const;
  const everybody = ['bird', 'frr', 'gobgp'] as const;
  const file = existsSync(realPrefixes) ? ({ file: realPrefixes } as const) : undefined;
  const ipv6 = of(160_147);
  const fromPeers = of(200_000);
  const toPeers = of(100_000);
  return [
    plain(of(100_000), everybody),
    { ...plain(of(100_000), bird), title: `${of(100_000)} routes, ours not warmed up`, cold: true },
    plain(of(1_000_000), everybody),
    ...(file === undefined
      ? []
      : [{ ...plain(of(901_899), bird), title: `${of(901_899)} routes of a real IPv4 table`, prefixes: file }]),
    {
      ...plain(ipv6, bird),
      title: `${ipv6} routes of ${file === undefined ? 'an' : 'a real'} IPv6 table`,
      family: 'ipv6',
      prefixes: file ?? 'made',
    },
    { ...plain(fromPeers, bird), title: `10 peers with ${fromPeers} routes each`, feeders: 10 },
    { ...plain(toPeers, bird), title: `${toPeers} routes to 100 peers`, sinks: 100 },
    { ...plain(toPeers, bird), title: `${toPeers} routes reflected to 100 clients`, sinks: 100, reflector: true },
  ];
}

/** Runs inside fresh namespaces, as root. Throws where the tables differ from BIRD's. */
export async function* benchBgpTable(
  say: Say,
  { sizes, quick = false }: { readonly sizes?: readonly number[] | undefined; readonly quick?: boolean },
): AsyncGenerator<BenchRow> {
  const scenarios = sizes?.map((size) => plain(size, ['bird'])) ?? allScenarios(quick ? 1 / 200 : 1);
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-'));
  try {
    const program = publish(folder, join(import.meta.dirname, 'speaker.ts'));
    for (const scenario of scenarios) {
      addAddresses(scenario);
      const ours = await measure(scenario, folder, startOurs(program));
      say(`routelet, ${scenario.title}: ${summary(ours)}`);
      for (const peer of scenario.against) {
        if (rivals[peer].program() === undefined) {
          say(`${peer} is not on this machine`);
          continue;
        }
        const theirs = await measure(scenario, folder, rivals[peer].start);
        say(`${peer}, ${scenario.title}: ${summary(theirs)}`);
        if (peer === 'bird') assertSame(scenario, ours.table, theirs.table);
        yield* rowsOf(scenario, peer, ours, theirs);
      }
      yield* pauseRows(scenario, ours);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function assertSame({ title }: Scenario, ours: string, theirs: string): void {
  if (ours === theirs) return;
  const theirLines = new Set(theirs.split('\n'));
  const odd = ours.split('\n').find((line) => !theirLines.has(line));
  throw new Error(`bgp-table: ${title}: the tables differ: ours has ${odd ?? 'fewer routes'}`);
}

function* rowsOf({ title }: Scenario, peer: string, ours: Measured, theirs: Measured): Generator<BenchRow> {
  const of = (work: string, unit: BenchRow['unit'], value: (measured: Measured) => number): BenchRow =>
    row({ bench: 'bgp-table', peer, work: `${title} ${work}`, unit }, value(ours), value(theirs));
  yield of('in and out', 's', ({ seconds }) => seconds);
  yield of('in and out', 'cpu-s', ({ cpuSeconds }) => cpuSeconds);
  yield of('in and out, since the program started', 'cpu-s', ({ lifeCpuSeconds }) => lifeCpuSeconds);
  yield of('in and out, peak', 'MB', ({ peakMegabytes }) => peakMegabytes);
  yield of('in and out, above the empty daemon', 'MB', (measured) => measured.peakMegabytes - measured.emptyMegabytes);
  yield of('withdrawn on session loss', 's', ({ withdrawSeconds }) => withdrawSeconds);
  yield of('withdrawn on session loss', 'cpu-s', ({ withdrawCpuSeconds }) => withdrawCpuSeconds);
}

/** Our own pauses against the limit. The time without a processor is left out, which a busy machine adds. */
function* pauseRows({ title }: Scenario, { pauses }: Measured): Generator<BenchRow> {
  if (pauses === undefined) return;
  const of = (work: string, unit: BenchRow['unit'], ms: number): BenchRow =>
    row({ bench: 'bgp-table', peer: 'limit', work: `${title} in, ${work}`, unit }, ms / 1000, pauseLimitSeconds);
  yield of('longest pause of the event loop', 's', pauses.ownMs);
  yield of('longest turn of the event loop', 'cpu-s', pauses.cpuMs);
}

function summary(measured: Measured): string {
  const { table, ...figures } = measured;
  const rounded = Object.entries(figures).map(([name, value]) => {
    return typeof value === 'number' ? `${name} ${value.toPrecision(3)}` : `${name} ${JSON.stringify(value)}`;
  });
  return `${rounded.join(', ')} (load ${loadavg()[0]?.toFixed(1)})`;
}
