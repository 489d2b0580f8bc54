/**
 * Answers load balancers that ask whether this node has endpoints of a Service (spec.healthCheckNodePort): a listener for each
 * port, with the body and the headers of kube-proxy (KEP-1860 and its source, pkg/proxy/healthcheck).
 */
import type { ServerResponse } from 'node:http';
import { type HttpListener, ListenError, listenHttp } from '../listener.ts';
import type { Problem } from '../problem.ts';
import type { HealthCheck } from './model.ts';

interface Listening {
  readonly listener: HttpListener;
  check: HealthCheck;
}

export class HealthChecks {
  readonly #listening = new Map<number, Listening>();
  readonly #isHealthy: () => boolean;

  constructor(isHealthy: () => boolean) {
    this.#isHealthy = isHealthy;
  }

  /** These and no others from now on. Resolves with what cannot be answered. */
  async set(checks: readonly HealthCheck[]): Promise<Problem[]> {
    const wanted = new Map<number, HealthCheck>();
    const problems: Problem[] = [];
    for (const check of checks) {
      const other = wanted.get(check.port);
      if (other === undefined) wanted.set(check.port, check);
      else problems.push(problemOf(check, `service ${other.service} has it`));
    }
    for (const [port, { listener }] of this.#listening) {
      if (wanted.has(port)) continue;
      this.#listening.delete(port);
      await listener.close();
    }
    for (const [port, check] of wanted) {
      const listening = this.#listening.get(port);
      if (listening) listening.check = check;
      else problems.push(...(await this.#listen(check)));
    }
    return problems;
  }

  async close(): Promise<void> {
    await this.set([]);
  }

  async #listen(check: HealthCheck): Promise<Problem[]> {
    const { port } = check;
    try {
      const listener = await listenHttp({
        what: `health check of service ${check.service}`,
        flag: 'run-service-proxy',
        address: '',
        port,
        handle: (_request, response) => {
          const now = this.#listening.get(port)?.check;
          if (now) answer(response, now, this.#isHealthy());
          else response.destroy();
        },
      });
      this.#listening.set(port, { listener, check });
      return [];
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      return [problemOf(check, error.cause instanceof Error ? error.cause.message : error.message)];
    }
  }
}

function problemOf({ service, port }: HealthCheck, why: string): Problem {
  const text = `service ${service}: healthCheckNodePort ${port} is not answered: ${why}`;
  return { code: 'health-check', subject: `${service} ${port}`, text };
}

function answer(
  response: ServerResponse,
  { service, localEndpoints }: HealthCheck,
  serviceProxyHealthy: boolean,
): void {
  const [namespace = '', name = ''] = service.split('/');
  const serves = localEndpoints > 0 && serviceProxyHealthy;
  response.writeHead(serves ? 200 : 503, {
    'Content-Type': 'application/json',
    'X-Content-Type-Options': 'nosniff',
    'X-Load-Balancing-Endpoint-Weight': String(serves ? localEndpoints : 0),
  });
  response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }));
}
