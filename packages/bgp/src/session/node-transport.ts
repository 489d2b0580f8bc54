/**
 * The transport of a real process: TCP by `node:net`. Only peers with a password, a key, a TTL or a device need native
 * code, and only then `tcp-options.ts` loads it.
 */
import { createServer, type Server, Socket } from 'node:net';
import { maskAddress, parseAddress, parsePrefix } from '../address.ts';
import type { Connection, ConnectOptions, Listener, PeerSocketOptions, Transport } from '../ports.ts';
import { NodeConnection } from './node-connection.ts';
import { canonicalAddress } from './peer-address.ts';
import {
  addTcpAoKey,
  assertSupported,
  deleteTcpAoKey,
  needsNative,
  openListeningSocket,
  openSocket,
  setPassword,
  setTtls,
} from './tcp-options.ts';

/**
 * Connections that the kernel has made and this process has not taken yet; net.core.somaxconn may allow less. Peers that
 * start all at once and do not fit in send their SYN again a second later, and Node's own 511 is less than a large mesh.
 */
const backlog = 4096;

export const nodeTransport: Transport = { connect, listen };

function connect(
  options: ConnectOptions,
  connected: (connection: Connection) => void,
  failed: (error: Error) => void,
): { cancel(): void } {
  const { remoteAddress, remotePort, localAddress } = options;
  let socket: Socket;
  try {
    socket = newSocket(options);
  } catch (cause) {
    const immediate = setImmediate(failed, cause instanceof Error ? cause : new Error(String(cause)));
    return { cancel: () => clearImmediate(immediate) };
  }
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    connected(new NodeConnection(socket));
  });
  socket.connect({
    host: remoteAddress,
    port: remotePort,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  return {
    cancel() {
      socket.removeAllListeners('connect');
      socket.off('error', failed);
      socket.on('error', () => {});
      socket.destroy();
    },
  };
}

/**
 * The key of RFC 2385 must be there before the first SYN, so the descriptor is made first and given to Node unconnected;
 * `manualStart` keeps Node from reading it before it is connected.
 */
function newSocket(options: ConnectOptions): Socket {
  if (!needsNative(options)) return new Socket();
  const settings = {
    fd: openSocket(options.remoteAddress, options),
    manualStart: true,
    readable: true,
    writable: true,
  };
  return new Socket(settings);
}

async function listen(
  { address, port, device }: { readonly address: string; readonly port: number; readonly device?: string },
  accept: (connection: Connection) => void,
): Promise<Listener> {
  const peers = new Map<string, PeerSocketOptions>();
  const server = createServer((socket) => {
    const options = optionsFor(peers, canonicalAddress(socket.remoteAddress ?? ''));
    // The peer may be gone again already.
    if (socket.destroyed || socket.remoteAddress === undefined) return;
    try {
      if (options !== undefined) setTtls(descriptorOf(socket), socket.remoteAddress, options);
    } catch {
      // A connection without the TTL check it should have is not taken; the peer's own error is all that is lost.
      socket.destroy();
      return;
    }
    accept(new NodeConnection(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const where = device === undefined ? { host: address, port } : { fd: openListeningSocket(address, port, device) };
    server.listen({ ...where, backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // Accepting can fail (EMFILE): that connection is lost, its peer tries again, and the listener goes on.
  server.on('error', () => {});
  const bound = server.address();
  return {
    address,
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    setPeerOptions(remoteAddress, options) {
      const key = remoteAddress.includes('/') ? remoteAddress : canonicalAddress(remoteAddress);
      if (!canComeTo(address, key)) return;
      const { password: had, tcpAo: hadTcpAo } = peers.get(key) ?? {};
      if (options !== undefined) assertSupported(key, options);
      if (options?.password !== undefined) setPassword(descriptorOf(server), key, options.password, address);
      else if (had !== undefined) setPassword(descriptorOf(server), key, '', address);
      if (hadTcpAo !== undefined) deleteTcpAoKey(descriptorOf(server), key, hadTcpAo, address);
      if (options?.tcpAo !== undefined) addTcpAoKey(descriptorOf(server), key, options.tcpAo, address);
      // The SYN-ACK is the listening socket's: a peer with RFC 5082 on its side drops it unless it has the largest TTL.
      if (options?.minimumTtl !== undefined) setTtls(descriptorOf(server), key.split('/', 1)[0] ?? '', { ttl: 255 });
      if (options !== undefined) peers.set(key, options);
      else peers.delete(key);
    },
    // Listening ends at once. Node's own callback would wait for the accepted connections, which are their sessions'.
    close() {
      server.close();
      return new Promise((resolve) => void setImmediate(resolve));
    },
  };
}

/** Those of the address, or of the longest prefix that it is in. */
function optionsFor(peers: ReadonlyMap<string, PeerSocketOptions>, address: string): PeerSocketOptions | undefined {
  const own = peers.get(address);
  if (own !== undefined) return own;
  let longest = -1;
  let found: PeerSocketOptions | undefined;
  for (const [key, options] of peers) {
    if (!key.includes('/') || !isInside(key, address)) continue;
    const { length } = parsePrefix(key);
    if (length > longest) [longest, found] = [length, options];
  }
  return found;
}

/** The prefix is of the address's family and holds it. */
function isInside(prefix: string, address: string): boolean {
  const { address: network, length } = parsePrefix(prefix);
  const bytes = parseAddress(address.split('%', 1)[0] ?? '');
  return bytes.length === network.length && maskAddress(bytes, length).every((byte, index) => byte === network[index]);
}

/** Whether a peer's packets can reach a socket that listens on `address`: its family, or any for the dual-stack "::". */
function canComeTo(address: string, peer: string): boolean {
  const own = canonicalAddress(address);
  return own === '::' || own.includes(':') === peer.includes(':');
}

/** The file descriptor of a socket; Node keeps it on an undocumented handle, and nowhere else. */
function descriptorOf(holder: Socket | Server): number {
  const { _handle: handle } = holder as { readonly _handle?: { readonly fd?: number } | null };
  if (handle?.fd === undefined || handle.fd < 0) throw new Error('the socket is closed');
  return handle.fd;
}
