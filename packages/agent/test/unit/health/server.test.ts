import t from 'tap';
import { startHealthServer } from '../../../src/health/server.ts';
import { listenHttp } from '../../../src/listener.ts';
import { capturedLog } from '../captured-log.ts';

async function freePort(): Promise<number> {
  const taken = await listenHttp({ what: 'x', flag: 'x', address: '127.0.0.1', port: 0, handle: () => {} });
  await taken.close();
  return taken.port;
}

t.test('answers of /healthz (H-1)', async (t) => {
  const clock = { nowMs: 0 };
  const port = await freePort();
  const server = await startHealthServer(
    { healthAddress: '127.0.0.1', healthPort: port },
    capturedLog().log,
    () => clock.nowMs,
  );
  t.teardown(() => server.stop());
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return [response.status, await response.text()];
  };
  const slow = server.health.register('NRC', 1000);
  const other = server.health.register('MC', 1_000_000);
  t.same(await ask('/healthz'), [200, 'OK\n']);
  clock.nowMs = 2501;
  other.beat();
  t.same(await ask('/healthz'), [500, 'Unhealthy'], 'evaluated on a heartbeat of any component');
  slow.beat();
  t.same(await ask('/healthz?verbose'), [200, 'OK\n']);
  t.same((await ask('/'))[0], 404);
});

t.test('/readyz is 200 when every component has done its work once', async (t) => {
  const port = await freePort();
  const server = await startHealthServer({ healthAddress: '127.0.0.1', healthPort: port }, capturedLog().log);
  t.teardown(() => server.stop());
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    return [response.status, await response.text()];
  };
  t.same(await ask(), [503, 'Waiting for the cluster\n']);
  const router = server.health.register('NRC', 1000);
  const routes = server.health.register('RouteSync', 1000);
  router.beat();
  t.same(await ask(), [503, 'Waiting for RouteSync\n']);
  routes.beat();
  t.same(await ask(), [200, 'OK\n']);
});

t.test('port 0: no listener, evaluation goes on', async (t) => {
  const server = await startHealthServer({ healthAddress: '', healthPort: 0 }, capturedLog().log);
  t.equal(server.port, undefined);
  server.health.register('NRC', 1000).beat();
  await server.stop();
});

t.test('a port in use is one clear error', async (t) => {
  const other = await listenHttp({ what: 'x', flag: 'x', address: '127.0.0.1', port: 0, handle: () => {} });
  t.teardown(() => other.close());
  await t.rejects(startHealthServer({ healthAddress: '127.0.0.1', healthPort: other.port }, capturedLog().log), {
    code: 'listen-failed',
    message: `health cannot listen on 127.0.0.1 port ${other.port} (--health-port): the port is in use`,
  });
});
