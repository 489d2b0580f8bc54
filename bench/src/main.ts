/**
 * `npm run bench -- NAME [--json FILE] [--quick | --size N...]`: runs one bench, prints its rows and appends them to the file, one
 * JSON object a line. Everything happens in fresh network and process namespaces that end with the run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { BenchRow } from './row.ts';

interface Bench {
  readonly about: string;
  /** Outside of the namespaces, where the network is. */
  prepare?(): Promise<void>;
  rows(extent: Extent): AsyncIterable<BenchRow>;
}

interface Extent {
  /** What to measure instead of the sizes that `about` names. */
  readonly sizes: readonly number[] | undefined;
  /** Everything that there is to measure, so small that the figures mean nothing. */
  readonly quick: boolean;
}

/** Each is loaded when asked for. */
const benches: Readonly<Record<string, Bench>> = {
  'kernel-routes': {
    about: '100000 routes into the kernel, beside BIRD and ip -batch',
    rows: async function* ({ quick, sizes = [quick ? 1000 : 100_000] }) {
      const { benchKernelRoutes } = await import('./kernel-routes/kernel-routes.ts');
      for (const size of sizes) yield* await benchKernelRoutes(say, size);
    },
  },
  ipset: {
    about: '10000 elements of a set, beside ipset restore',
    rows: async function* ({ quick, sizes = [quick ? 500 : 10_000] }) {
      const { benchIpset } = await import('./ipset/ipset.ts');
      for (const size of sizes) yield* await benchIpset(say, size);
    },
  },
  'proxy-sync': {
    about: '2700 and 10000 services of 10 endpoints planned and sent to a kernel that says yes; one endpoint of them',
    rows: async function* ({ quick, sizes = quick ? [100] : [2700, 10_000] }) {
      const { benchProxySync } = await import('./proxy-sync/proxy-sync.ts');
      for (const size of sizes) yield* await benchProxySync(say, size);
    },
  },
  'bgp-table': {
    about: 'BGP tables in and out, up to 1000000 routes, beside BIRD, FRR and GoBGP 4',
    prepare: async () => (await import('./bgp-table/bgp-table.ts')).prepareBgpTable(say),
    rows: async function* (extent) {
      yield* (await import('./bgp-table/bgp-table.ts')).benchBgpTable(say, extent);
    },
  },
  mesh: {
    about: '1000 and 5000 iBGP peers of one speaker, beside GoBGP 4',
    prepare: async () => (await import('./mesh/mesh.ts')).prepareMesh(say),
    rows: async function* ({ quick, sizes = quick ? [20] : undefined }) {
      yield* (await import('./mesh/mesh.ts')).benchMesh(say, sizes);
    },
  },
  converge: {
    about: '500 changes of a Node, from its manifest to the kernels of two other nodes',
    rows: async function* ({ quick, sizes = [quick ? 10 : 500] }) {
      yield* (await import('./converge/converge.ts')).benchConverge(say, sizes);
    },
  },
  rest: {
    about: 'an agent with nothing to do, in clusters of 3 and of 1000 nodes',
    rows: async function* ({ quick, sizes = [3, quick ? 20 : 1000] }) {
      yield* (await import('./rest/rest.ts')).benchRest(say, sizes);
    },
  },
};

/** Set in the process that runs inside of the namespaces. */
const INSIDE = 'ROUTELET_BENCH_INSIDE';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function usage(): string {
  const lines = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(16)}${about}`);
  return ['usage: npm run bench -- NAME [--json FILE] [--quick | --size N...]', ...lines].join('\n');
}

interface Arguments extends Extent {
  readonly bench: Bench;
  readonly json: string | undefined;
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      size: { type: 'string', multiple: true },
    },
    allowPositionals: true,
  });
  const [name, ...rest] = positionals;
  if (name === undefined) throw new Error(`no bench named\n${usage()}`);
  const bench = benches[name];
  if (bench === undefined) throw new Error(`unknown bench "${name}": expected ${Object.keys(benches).join(' or ')}`);
  if (rest.length > 0) throw new Error(`one bench at a time: unexpected "${rest.join(' ')}"`);
  for (const size of values.size ?? []) if (!/^[1-9]\d*$/.test(size)) throw new Error(`--size: not a count: "${size}"`);
  if (values.quick && values.size !== undefined) throw new Error('--quick has its own sizes: leave out --size');
  return { bench, json: values.json, quick: values.quick, sizes: values.size?.map(Number) };
}

/** Runs this command again in namespaces of its own; gives its exit code. */
function enter(): number {
  const words = [
    '--net',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    process.execPath,
    ...process.argv.slice(1),
  ];
  const { status, error } = spawnSync('unshare', words, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  if (error !== undefined) throw error;
  return status ?? 1;
}

async function run({ bench, json, ...extent }: Arguments): Promise<void> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const rows: BenchRow[] = [];
  for await (const row of bench.rows(extent)) {
    rows.push(row);
    if (json !== undefined) await appendFile(json, `${JSON.stringify(row)}\n`);
  }
  console.table(rows.map(({ peer, work, unit, ours, theirs, ratio }) => ({ peer, work, unit, ours, theirs, ratio })));
}

try {
  const wanted = readArguments();
  if (process.getuid?.() !== 0) throw new Error('benches make network namespaces: run as root');
  if (process.env[INSIDE] === undefined) {
    await wanted.bench.prepare?.();
    process.exitCode = enter();
  } else {
    await run(wanted);
  }
} catch (error) {
  say(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
