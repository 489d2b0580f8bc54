import { performance } from 'node:perf_hooks';
import { type HttpListener, listenHttp } from '../listener.ts';
import type { Log } from '../log.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Health } from './health.ts';
import { type ComponentHealth, HealthMonitor } from './monitor.ts';

/** Time between evaluations without a heartbeat, as the original (H-1). */
const EVALUATE_EVERY_MS = 5000;

export interface HealthServer {
  readonly health: Health;
  /** Undefined with port 0: then state changes are only logged. */
  readonly port: number | undefined;
  components(): readonly ComponentHealth[];
  stop(): Promise<void>;
}

/**
 * Binds the port and answers `GET /healthz` from the last evaluation (H-1), and `GET /readyz` with 200 once every
 * component has done its work for the first time, so that a rolling update waits for it. Rejects with `ListenError`.
 */
export async function startHealthServer(
  options: Pick<AgentOptions, 'healthAddress' | 'healthPort'>,
  log: Log,
  now: () => number = () => performance.now(),
): Promise<HealthServer> {
  let healthy = true;
  const evaluate = () => {
    const late = monitor.late();
    const was = healthy;
    healthy = late.length === 0;
    if (was === healthy) return;
    if (healthy) log.info('healthy again');
    else log.error('unhealthy: no heartbeat in time', { late });
  };
  const monitor = new HealthMonitor(now, evaluate);
  let listener: HttpListener | undefined;
  if (options.healthPort === 0) log.info('no health listener (--health-port=0)');
  else {
    listener = await listenHttp({
      what: 'health',
      flag: 'health-port',
      address: options.healthAddress,
      port: options.healthPort,
      handle: (request, response) => {
        const path = request.url?.split('?')[0];
        const waiting = monitor.waiting();
        if (path === '/healthz') response.writeHead(healthy ? 200 : 500).end(healthy ? 'OK\n' : 'Unhealthy');
        else if (path !== '/readyz') response.writeHead(404).end('Not Found\n');
        else if (monitor.registered > 0 && waiting.length === 0) response.writeHead(200).end('OK\n');
        else response.writeHead(503).end(`Waiting for ${waiting.join(', ') || 'the cluster'}\n`);
      },
    });
  }
  const timer = setInterval(evaluate, EVALUATE_EVERY_MS).unref();
  return {
    health: monitor,
    port: listener?.port,
    components: () => monitor.components(),
    stop: async () => {
      clearInterval(timer);
      await listener?.close();
    },
  };
}
