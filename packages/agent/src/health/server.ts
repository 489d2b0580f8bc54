import { performance } from 'node:perf_hooks';
import { type HttpListener, listenHttp } from '../listener.ts';
import type { Log } from '../log.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Health } from './health.ts';
import { HealthMonitor } from './monitor.ts';

/** Time between evaluations without a heartbeat, as the original (H-1). */
const EVALUATE_EVERY_MS = 5000;

export interface HealthServer {
  readonly health: Health;
  /** Undefined with port 0: then state changes are only logged. */
  readonly port: number | undefined;
  stop(): Promise<void>;
}

/** Binds the port and answers `GET /healthz` from the last evaluation. Rejects with `ListenError`. */
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
        if (request.url?.split('?')[0] !== '/healthz') response.writeHead(404).end('Not Found\n');
        else if (healthy) response.writeHead(200).end('OK\n');
        else response.writeHead(500).end('Unhealthy');
      },
    });
  }
  const timer = setInterval(evaluate, EVALUATE_EVERY_MS).unref();
  return {
    health: monitor,
    port: listener?.port,
    stop: async () => {
      clearInterval(timer);
      await listener?.close();
    },
  };
}
