/**
 * UDP sockets with what Node has no call for, on Linux, through the C library by the optional package koffi: a filter that
 * holds from the first datagram on, a device, an address that need not be there yet, and a hop limit for a socket that Node
 * did not bind. Loaded with the first socket.
 */
import { parseAddress } from '../address.ts';
import { type Libc, libc as loadLibc } from '../libc.ts';
import {
  AF_INET,
  AF_INET6,
  IP_FREEBIND,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FREEBIND,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  int,
  littleEndian,
  SO_BINDTODEVICE,
  SO_DETACH_FILTER,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  socketAddressBytes,
  writeSocketAddress,
} from '../socket.ts';
import { BfdError } from './errors.ts';
import type { BpfInstruction } from './ttl-filter.ts';
import type { SocketPlace } from './udp-transport.ts';

/** RFC 5881 §5: "all BFD Control packets for the session MUST be sent with a TTL or Hop Limit value of 255". */
const sentTtl = 255;

const socketType = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/** Throws `BfdError` (BFD_UNSUPPORTED). */
function libc(): Libc {
  return loadLibc('BFD', (text, options) => new BfdError('BFD_UNSUPPORTED', text, options));
}

/**
 * A bound socket as a descriptor that the caller owns. `shared`: other sockets with `shared` may have the port too; the
 * more exactly bound one gets a datagram. Throws `BfdError`; with `'taken'` where the port is another's.
 */
export function openUdpSocket(
  place: SocketPlace,
  port: number,
  options: { readonly shared: boolean; readonly filter?: readonly BpfInstruction[] },
): number | 'taken' {
  const native = libc();
  const what = `a UDP socket on ${place.localAddress ?? 'all addresses'} port ${port}`;
  const fd = native.socket(place.family === 6 ? AF_INET6 : AF_INET, socketType);
  if (fd < 0) throw new BfdError('BFD_SOCKET', `${what}: ${native.errno()}`);
  const set = (level: number, option: number, value: Uint8Array, wanted: string): void => {
    if (native.setsockopt(fd, level, option, value) !== 0)
      throw new BfdError('BFD_SOCKET', `${what}, ${wanted}: ${native.errno()}`);
  };
  try {
    if (place.family === 6) {
      set(IPPROTO_IPV6, IPV6_V6ONLY, int(1), 'IPv6 only');
      set(IPPROTO_IPV6, IPV6_FREEBIND, int(1), 'whether or not the address is there');
      set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, int(sentTtl), `hop limit ${sentTtl}`);
    } else {
      set(IPPROTO_IP, IP_FREEBIND, int(1), 'whether or not the address is there');
      set(IPPROTO_IP, IP_TTL, int(sentTtl), `TTL ${sentTtl}`);
    }
    if (options.shared) set(SOL_SOCKET, SO_REUSEADDR, int(1), 'shared');
    if (place.interface !== undefined)
      set(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${place.interface}\0`), `device ${place.interface}`);
    if (options.filter !== undefined) setFilter(fd, options.filter);
    if (native.bind(fd, socketAddress(place, port)) === 0) return fd;
    const error = native.errno();
    if (error !== 'EADDRINUSE') throw new BfdError('BFD_SOCKET', `${what}: ${error}`);
    native.close(fd);
    return 'taken';
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Replaces the socket's filter; without instructions it has none. Throws `BfdError`. */
export function setFilter(fd: number, filter: readonly BpfInstruction[]): void {
  const native = libc();
  if (filter.length === 0) {
    // ENOENT when there was none.
    native.setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, int(0));
    return;
  }
  const program = new Uint8Array(filter.length * 8);
  const view = new DataView(program.buffer);
  for (const [index, { code, jt, jf, k }] of filter.entries()) {
    view.setUint16(index * 8, code, littleEndian);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, littleEndian);
  }
  if (native.attachFilter(fd, filter.length, program) !== 0)
    throw new BfdError('BFD_SOCKET', `the TTL check of a UDP socket: ${native.errno()}`);
}

function socketAddress({ family, localAddress, interface: device }: SocketPlace, port: number): Uint8Array {
  const ipv6 = family === 6;
  const address = new Uint8Array(socketAddressBytes(ipv6));
  const any = new Uint8Array(ipv6 ? 16 : 4);
  writeSocketAddress(address, localAddress === undefined ? any : parseAddress(localAddress), ipv6, port);
  // sin6_scope_id; the kernel looks at it for link-local addresses only.
  if (ipv6 && localAddress !== undefined && device !== undefined) {
    new DataView(address.buffer).setUint32(24, libc().interfaceIndex(device), littleEndian);
  }
  return address;
}
