import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Daemon } from '../../src/daemon.ts';
import { listenHttp } from '../../src/listener.ts';
import type { ModuleContext, ModuleDefinition } from '../../src/module.ts';
import { parseOptions } from '../../src/options/parse.ts';
import { capturedLog } from './captured-log.ts';
import { scriptedServer } from './cluster/kubernetes/api-server.ts';

const NODE = '{apiVersion: v1, kind: Node, metadata: {name: n1}}\n';

async function setUp(t: Test, argv: readonly string[], modules: readonly ModuleDefinition[]) {
  const folder = await mkdtemp(join(tmpdir(), 'routelet-daemon-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'n1.yaml'), NODE);
  const source = argv.some((word) => word.startsWith('--master')) ? [] : [`--manifests=${folder}`];
  const parsed = parseOptions(['--health-port=0', ...source, ...argv], () => '');
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  const { log, lines } = capturedLog();
  const daemon = new Daemon({ options: parsed.options, nodeName: 'n1', version: '1.2.3', log, env: {}, modules });
  t.teardown(() => daemon.stop());
  return { daemon, lines };
}

async function freePort(): Promise<number> {
  const taken = await listenHttp({ what: 'x', flag: 'x', address: '', port: 0, handle: () => {} });
  await taken.close();
  return taken.port;
}

/** Modules that write down their starts and stops; `fail` does not start. */
function recorded(...names: readonly string[]) {
  const said: string[] = [];
  const modules = names.map(
    (name): ModuleDefinition => ({
      kinds: ['Node'],
      create: ({ nodeName, cluster }: ModuleContext) => ({
        name,
        start: async () => {
          said.push(`start ${name} on ${nodeName}, knows ${cluster.list('Node').map(({ metadata }) => metadata.name)}`);
          if (name === 'fail') throw new Error('cannot be');
        },
        stop: async () => {
          said.push(`stop ${name}`);
          if (name === 'bad') throw new Error('stuck');
        },
      }),
    }),
  );
  return { said, modules };
}

t.test('modules start in order, with the cluster read, and stop in reverse', async (t) => {
  const { said, modules } = recorded('a', 'bad', 'c');
  const { daemon, lines } = await setUp(t, [], modules);
  await daemon.start();
  t.same(
    said.splice(0),
    ['a', 'bad', 'c'].map((name) => `start ${name} on n1, knows n1`),
  );
  await daemon.stop();
  t.same(said.splice(0), ['stop c', 'stop bad', 'stop a'], 'one that does not stop cleanly does not hold the others');
  t.match(lines.join(''), /bad did not stop cleanly.*stuck/);
  await daemon.stop();
  t.same(said, [], 'a second stop has nothing to do');
});

t.test('a module that cannot start stops what was started', async (t) => {
  const { said, modules } = recorded('a', 'fail', 'c');
  const port = await freePort();
  const { daemon } = await setUp(t, [`--metrics-port=${port}`], modules);
  await t.rejects(daemon.start(), { message: 'cannot be' });
  t.same(
    said.filter((line) => line.startsWith('stop')),
    ['stop fail', 'stop a'],
  );
  const again = await listenHttp({ what: 'x', flag: 'x', address: '', port, handle: () => {} });
  await again.close();
  t.pass('the port is free again');
});

t.test('health answers before the cluster is read, metrics after it (P-4)', async (t) => {
  const server = await scriptedServer(t);
  const [health, metrics] = [await freePort(), await freePort()];
  const { said, modules } = recorded('a');
  const argv = [`--master=${server.url}`, `--health-port=${health}`, `--metrics-port=${metrics}`];
  const { daemon } = await setUp(t, argv, modules);
  const started = daemon.start();
  const list = await server.next();
  t.equal((await fetch(`http://127.0.0.1:${health}/healthz`)).status, 200);
  await t.rejects(fetch(`http://127.0.0.1:${metrics}/metrics`));
  t.same(said, []);
  list.json(200, { metadata: { resourceVersion: '1' }, items: [] });
  await started;
  const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
  t.match(text, /^kube_router_cluster_relists\{kind="Node"\} 1$/m);
  t.match(text, /^process_resident_memory_bytes /m);
  t.same(said, ['start a on n1, knows ']);
});

t.test('a cluster that cannot be read in time is an error (F-3)', async (t) => {
  const server = await scriptedServer(t);
  const { said, modules } = recorded('a');
  const { daemon } = await setUp(t, [`--master=${server.url}`, '--cache-sync-timeout=50ms'], modules);
  await t.rejects(daemon.start(), {
    code: 'cache-sync-timeout',
    message: 'the cluster (kubernetes) was not readable within 50ms (--cache-sync-timeout)',
  });
  t.same(said, []);
});

t.test('stop while the cluster is waited for', async (t) => {
  const server = await scriptedServer(t);
  const { said, modules } = recorded('a');
  const port = await freePort();
  const { daemon } = await setUp(t, [`--master=${server.url}`, `--metrics-port=${port}`], modules);
  const started = daemon.start();
  await server.next();
  await daemon.stop();
  await started;
  t.same(said, []);
  await t.rejects(fetch(`http://127.0.0.1:${port}/metrics`), 'nor do the metrics start afterwards');
});

t.test('a port in use is an error before anything else starts', async (t) => {
  const other = await listenHttp({ what: 'x', flag: 'x', address: '', port: 0, handle: () => {} });
  t.teardown(() => other.close());
  const { said, modules } = recorded('a');
  const { daemon } = await setUp(t, [`--health-port=${other.port}`], modules);
  await t.rejects(daemon.start(), { code: 'listen-failed', port: other.port });
  t.same(said, []);
});
