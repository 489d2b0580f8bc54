import t from 'tap';
import { listenHttp } from '../../../src/listener.ts';
import { collectProcess, createMetrics } from '../../../src/metrics/create.ts';
import { PREFIX, rows } from '../../../src/metrics/registry.ts';
import { startMetricsServer } from '../../../src/metrics/server.ts';
import { capturedLog } from '../captured-log.ts';

/** Name, type and labels of the original's metrics (M-1 to M-6, the ones of the router). */
const original: Readonly<Record<string, readonly [type: string, ...labels: readonly string[]]>> = {
  build_info: ['gauge', 'goversion', 'version'],
  bgp_peer_info: ['gauge', 'address', 'type', 'asn', 'state'],
  controller_bgp_advertisements_received: ['counter'],
  controller_bgp_advertisements_sent: ['counter', 'type'],
  controller_bgp_internal_peers_sync_time: ['histogram'],
  controller_routes_sync_time: ['histogram'],
  host_routes_sync_time: ['histogram'],
  host_routes_synced: ['gauge'],
  host_routes_added: ['counter'],
  host_routes_removed: ['counter'],
};

t.test('names, types and labels of the original', async (t) => {
  const byName = new Map(Object.values(rows).map((row) => [row.name as string, row]));
  t.equal(byName.size, Object.keys(rows).length, 'no name twice');
  for (const [name, [type, ...labels]] of Object.entries(original)) {
    t.match(byName.get(name), { type }, name);
    t.same(byName.get(name)?.labels, labels, name);
  }
  const { registry } = createMetrics('1.2.3');
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  t.same(
    names.sort(),
    Object.values(rows)
      .map((row) => PREFIX + row.name)
      .sort(),
  );
});

t.test('text as Prometheus reads it', async (t) => {
  const { metrics, registry } = createMetrics('1.2.3');
  metrics.bgpPeerInfo.set({ address: '10.0.0.2', type: 'internal', asn: '64512', state: 'established' }, 1);
  metrics.bgpAdvertisementsSent.inc({ type: 'pod-route' });
  metrics.hostRoutesSynced.set(7);
  metrics.hostRoutesSyncSeconds.observe(0.02);
  const text = await registry.metrics();
  const lines = text.split('\n');
  for (const line of [
    '# TYPE kube_router_build_info gauge',
    `kube_router_build_info{goversion="${process.version}",version="1.2.3"} 1`,
    '# TYPE kube_router_bgp_peer_info gauge',
    'kube_router_bgp_peer_info{address="10.0.0.2",type="internal",asn="64512",state="established"} 1',
    'kube_router_controller_bgp_advertisements_sent{type="pod-route"} 1',
    'kube_router_controller_bgp_advertisements_received 0',
    'kube_router_host_routes_synced 7',
    '# TYPE kube_router_host_routes_sync_time histogram',
    'kube_router_host_routes_sync_time_bucket{le="0.01"} 0',
    'kube_router_host_routes_sync_time_bucket{le="0.025"} 1',
    'kube_router_host_routes_sync_time_bucket{le="+Inf"} 1',
    'kube_router_host_routes_sync_time_count 1',
  ]) {
    t.ok(lines.includes(line), line);
  }
});

t.test('collectors of the process have the names of the Go client', async (t) => {
  const { registry } = createMetrics('1.2.3');
  collectProcess(registry);
  const text = await registry.metrics();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_open_fds',
    'process_start_time_seconds',
  ]) {
    t.match(text, new RegExp(`^${name} [0-9]`, 'm'));
  }
});

t.test('the listener', async (t) => {
  const { registry } = createMetrics('1.2.3');
  const { log } = capturedLog();
  t.equal(
    await startMetricsServer({ metricsAddress: '', metricsPort: 0, metricsPath: '/metrics' }, registry, log),
    undefined,
  );

  const other = await listenHttp({ what: 'x', flag: 'x', address: '127.0.0.1', port: 0, handle: () => {} });
  const options = { metricsAddress: '127.0.0.1', metricsPort: other.port, metricsPath: '/m' };
  await t.rejects(startMetricsServer(options, registry, log), {
    code: 'listen-failed',
    message: `metrics cannot listen on 127.0.0.1 port ${other.port} (--metrics-port): the port is in use`,
  });
  await other.close();

  const server = await startMetricsServer(options, registry, log);
  t.teardown(() => server?.close());
  const answer = await fetch(`http://127.0.0.1:${other.port}/m`);
  t.equal(answer.status, 200);
  t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.match(await answer.text(), 'kube_router_build_info');
  t.equal((await fetch(`http://127.0.0.1:${other.port}/metrics`)).status, 404);
});
