/**
 * One firewall a node: two that write the same chains would undo each other's rules. A socket in the abstract name space
 * belongs to the network namespace, as the rules do, and goes with its process (unix(7)).
 */
import { createServer, type Server } from 'node:net';

const NAME = '\0routelet-firewall';

export class FirewallRunningError extends Error {
  readonly code = 'firewall-running';

  constructor(cause: unknown) {
    super('another routelet-agent is the firewall of this network namespace: expected none, stop it first', { cause });
    this.name = 'FirewallRunningError';
  }
}

/** Resolves with the way to give the place back. Rejects with a FirewallRunningError. */
export async function claimFirewall(): Promise<() => Promise<void>> {
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new FirewallRunningError(error) : error),
    );
    server.listen(NAME, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
