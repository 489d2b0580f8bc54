/**
 * UDP sockets with what Node has no call for, on Linux, through the C library by the optional package koffi: a filter that
 * holds from the first datagram on, a device, an address that need not be there yet, and a hop limit for a socket that Node
 * did not bind. Loaded with the first socket.
 */
import { createRequire } from 'node:module';
import { parseAddress } from '../address.ts';
import { BfdError } from './errors.ts';
import type { BpfInstruction } from './ttl-filter.ts';
import type { SocketPlace } from './udp-transport.ts';

/** include/linux/socket.h, include/uapi/asm-generic/{socket,fcntl}.h, include/uapi/linux/{in,in6}.h. */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_TTL = 2;
const IP_FREEBIND = 15;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_FREEBIND = 78;

/** RFC 5881 §5: "all BFD Control packets for the session MUST be sent with a TTL or Hop Limit value of 255". */
const sentTtl = 255;

interface Libc {
  socket(family: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  attachFilter(fd: number, instructions: number, program: Uint8Array): number;
  bind(fd: number, address: Uint8Array): number;
  interfaceIndex(name: string): number;
  close(fd: number): void;
  /** Name of the last error. */
  errno(): string;
}

let loaded: Libc | undefined;

/** Throws `BfdError` (BFD_UNSUPPORTED). */
function libc(): Libc {
  loaded ??= loadLibc();
  return loaded;
}

function loadLibc(): Libc {
  if (process.platform !== 'linux')
    throw new BfdError('BFD_UNSUPPORTED', `BFD is supported on Linux only, not on ${process.platform}`);
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    const program = koffi.struct({ len: 'uint16_t', filter: koffi.pointer('uint8_t') });
    const socket = library.func('int socket(int, int, int)');
    const setsockopt = library.func('int setsockopt(int, int, int, const void *, uint32_t)');
    const attach = library.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32_t']);
    const bind = library.func('int bind(int, const void *, uint32_t)');
    const interfaceIndex = library.func('unsigned int if_nametoindex(const char *)');
    const close = library.func('int close(int)');
    return {
      socket: (family) => Number(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      setsockopt: (fd, level, option, value) => Number(setsockopt(fd, level, option, value, value.length)),
      attachFilter: (fd, len, filter) =>
        Number(attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len, filter }, koffi.sizeof(program))),
      bind: (fd, address) => Number(bind(fd, address, address.length)),
      interfaceIndex: (name) => Number(interfaceIndex(name)),
      close: (fd) => void close(fd),
      errno() {
        const number = koffi.errno();
        return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
      },
    };
  } catch (cause) {
    const text = 'BFD needs the package koffi, which could not be loaded; install it beside @routelet/bgp';
    throw new BfdError('BFD_UNSUPPORTED', text, { cause });
  }
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
  const fd = native.socket(place.family === 6 ? AF_INET6 : AF_INET);
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

/** `struct sockaddr_in` and `struct sockaddr_in6`. */
function socketAddress({ family, localAddress, interface: device }: SocketPlace, port: number): Uint8Array {
  const address = new Uint8Array(family === 6 ? 28 : 16);
  const view = new DataView(address.buffer);
  view.setUint16(0, family === 6 ? AF_INET6 : AF_INET, littleEndian);
  view.setUint16(2, port);
  if (localAddress === undefined) return address;
  address.set(parseAddress(localAddress), family === 6 ? 8 : 4);
  // sin6_scope_id; the kernel looks at it for link-local addresses only.
  if (family === 6 && device !== undefined) view.setUint32(24, libc().interfaceIndex(device), littleEndian);
  return address;
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
