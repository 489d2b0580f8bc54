import t from 'tap';
import { HealthChecks } from '../../../src/proxy/health-checks.ts';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ask = (port: number) => fetch(`http://127.0.0.1:${port}/healthz`);

t.test('T-33: body, headers and codes of kube-proxy', async (t) => {
  let healthy = true;
  const checks = new HealthChecks(() => healthy);
  t.teardown(() => checks.close());
  const port = await freePort();
  t.same(await checks.set([{ service: 'shop/web', port, localEndpoints: 2 }]), []);
  const good = await ask(port);
  t.equal(good.status, 200);
  t.equal(good.headers.get('content-type'), 'application/json');
  t.equal(good.headers.get('x-content-type-options'), 'nosniff');
  t.equal(good.headers.get('x-load-balancing-endpoint-weight'), '2');
  t.same(await good.json(), {
    service: { namespace: 'shop', name: 'web' },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
  await checks.set([{ service: 'shop/web', port, localEndpoints: 0 }]);
  const none = await ask(port);
  t.same([none.status, none.headers.get('x-load-balancing-endpoint-weight')], [503, '0']);
  await checks.set([{ service: 'shop/web', port, localEndpoints: 1 }]);
  healthy = false;
  const sick = await ask(port);
  t.same([sick.status, ((await sick.json()) as { serviceProxyHealthy: boolean }).serviceProxyHealthy], [503, false]);
  await checks.set([]);
  await t.rejects(ask(port), 'nobody listens any more');
});

t.test('a port that is taken is named, the others are answered', async (t) => {
  const checks = new HealthChecks(() => true);
  const others = new HealthChecks(() => true);
  t.teardown(() => Promise.all([checks.close(), others.close()]));
  const [taken, free] = [await freePort(), await freePort()];
  await others.set([{ service: 'other/one', port: taken, localEndpoints: 1 }]);
  const problems = await checks.set([
    { service: 'shop/web', port: taken, localEndpoints: 1 },
    { service: 'shop/api', port: free, localEndpoints: 1 },
    { service: 'shop/second', port: free, localEndpoints: 1 },
  ]);
  t.match(
    problems.map(({ text }) => text),
    [
      `service shop/second: healthCheckNodePort ${free} is not answered: service shop/api has it`,
      /^service shop\/web: healthCheckNodePort \d+ is not answered: .*EADDRINUSE/,
    ],
  );
  t.equal((await ask(free)).status, 200);
});
