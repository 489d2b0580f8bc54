import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

/** Probes and scrapes are few; more than this is somebody who uses up descriptors. */
const MAX_CONNECTIONS = 128;

/** An HTTP listener whose port cannot be had. */
export class ListenError extends Error {
  readonly code = 'listen-failed';
  readonly address: string;
  readonly port: number;

  constructor(what: string, flag: string, address: string, port: number, cause: Error) {
    const why = 'code' in cause && cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
    super(`${what} cannot listen on ${address || '*'} port ${port} (--${flag}): ${why}`, { cause });
    this.name = 'ListenError';
    this.address = address;
    this.port = port;
  }
}

export interface ListenerOptions {
  /** Names the listener in errors. */
  readonly what: string;
  /** Flag that sets the port. */
  readonly flag: string;
  /** Empty for all addresses. */
  readonly address: string;
  readonly port: number;
  readonly handle: RequestListener;
}

export interface HttpListener {
  /** The port in use, which the kernel chose when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/** Binds and serves. Rejects with `ListenError`. */
export async function listenHttp(options: ListenerOptions): Promise<HttpListener> {
  const server = createServer(options.handle);
  server.maxConnections = MAX_CONNECTIONS;
  server.listen({ port: options.port, ...(options.address !== '' && { host: options.address }) });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ListenError(options.what, options.flag, options.address, options.port, error);
  }
  // Accepting failed (out of descriptors): that client is not served, the listener stays.
  server.on('error', () => {});
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : options.port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
