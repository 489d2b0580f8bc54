/** What all clients open alike: a connection of one netlink protocol, in the network namespace of the process. */
import { Connection } from './connection.ts';
import { netlinkDial } from './netlink-port.ts';
import { loadSocketCalls } from './options.ts';
import type { Dial } from './port.ts';

export interface NetlinkOptions {
  /** `false` leaves the socket options that need koffi unset, as where koffi is not installed. */
  readonly native?: boolean;
  /** Receive buffer to ask for, in bytes; 4 MiB when left out. The kernel caps it without koffi or CAP_NET_ADMIN. */
  readonly receiveBufferBytes?: number;
  /** Time without any sign of the kernel after which what is under way fails with ESTALLED; 5 s when left out. */
  readonly stallMs?: number;
  /** Another way to open ports: the fake kernel's. */
  readonly dial?: Dial;
}

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const STALL_MS = 5000;

/**
 * @param protocol NETLINK_*
 * @throws an error with an errno name as `code` when the kernel gives no netlink socket.
 */
export async function openConnection(
  protocol: number,
  options: NetlinkOptions,
): Promise<{ readonly dial: Dial; readonly connection: Connection }> {
  const { native = true, receiveBufferBytes = RECEIVE_BUFFER_BYTES, stallMs = STALL_MS } = options;
  const dial =
    options.dial ?? netlinkDial({ protocol, receiveBufferBytes, calls: native ? await loadSocketCalls() : undefined });
  return { dial, connection: new Connection({ dial, stallMs }) };
}
