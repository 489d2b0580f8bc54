import type { Registry } from 'prom-client';
import { type HttpListener, listenHttp } from '../listener.ts';
import type { Log } from '../log.ts';
import type { AgentOptions } from '../options/options.ts';

/** Serves the registry in the text form of Prometheus. Resolves to undefined when no port is set; rejects with `ListenError`. */
export async function startMetricsServer(
  options: Pick<AgentOptions, 'metricsAddress' | 'metricsPort' | 'metricsPath'>,
  registry: Registry,
  log: Log,
): Promise<HttpListener | undefined> {
  if (options.metricsPort === 0) return undefined;
  return listenHttp({
    what: 'metrics',
    flag: 'metrics-port',
    address: options.metricsAddress,
    port: options.metricsPort,
    handle: async (request, response) => {
      if (request.url?.split('?')[0] !== options.metricsPath) {
        response.writeHead(404).end('Not Found\n');
        return;
      }
      try {
        const text = await registry.metrics();
        response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      } catch (error) {
        log.error('metrics could not be collected', { error });
        response.writeHead(500).end('Internal Server Error\n');
      }
    },
  });
}
