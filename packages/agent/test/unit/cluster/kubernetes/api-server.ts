import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Test } from 'tap';

/** One request as it came, and the way to answer it. */
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
  readonly authorization: string | undefined;
  readonly response: ServerResponse;
  /** A whole answer. */
  json(status: number, body: unknown): void;
  /** One watch event. */
  event(type: string, object: unknown): void;
  /** Breaks the connection in the middle. */
  drop(): void;
}

/**
 * An HTTP server that misbehaves on command: what a real API server cannot be made to do at a given byte. Requests wait
 * until the test takes them.
 */
export interface ScriptedServer {
  readonly url: string;
  /** The next request, in the order of arrival. */
  next(): Promise<Asked>;
  /** Refuses connections from here on. */
  close(): Promise<void>;
}

export async function scriptedServer(t: Test, port = 0): Promise<ScriptedServer> {
  const arrived: Asked[] = [];
  let wake = () => {};
  const server = createServer((request, response) => {
    arrived.push(asked(request, response));
    wake();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  const close = async () => {
    server.close();
    server.closeAllConnections();
    if (server.listening) await once(server, 'close');
  };
  t.teardown(close);
  return {
    url: `http://127.0.0.1:${address.port}`,
    close,
    next: async () => {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const one = arrived.shift();
        if (one !== undefined) return one;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, deadline - Date.now());
        await promise;
        clearTimeout(timer);
        if (Date.now() >= deadline) throw new Error('no request came');
      }
    },
  };
}

function asked(request: IncomingMessage, response: ServerResponse): Asked {
  const url = new URL(request.url ?? '/', 'http://server');
  return {
    path: url.pathname,
    query: url.searchParams,
    isWatch: url.searchParams.get('watch') === 'true',
    authorization: request.headers.authorization,
    response,
    json: (status, body) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    event: (type, object) => void response.write(`${JSON.stringify({ type, object })}\n`),
    drop: () => void response.socket?.destroy(),
  };
}

/** A Node as the API sends it. */
export function rawNode(name: string, resourceVersion: string, podCIDR = '10.244.1.0/24') {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, resourceVersion },
    spec: { podCIDR, podCIDRs: [podCIDR] },
  };
}

/** A page of Nodes. */
export function rawList(resourceVersion: string, items: readonly unknown[], more?: string) {
  return { apiVersion: 'v1', kind: 'NodeList', metadata: { resourceVersion, ...(more && { continue: more }) }, items };
}

/** A failure as the API sends it. */
export function rawStatus(code: number, message: string) {
  return { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, message };
}
