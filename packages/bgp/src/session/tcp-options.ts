/**
 * Socket options that Node does not set: the TCP MD5 key of RFC 2385 and the TTLs of RFC 5082, on Linux, through the C
 * library by the optional dependency koffi. It is loaded when the first of these options is asked for, never before.
 */
import { createRequire } from 'node:module';
import { parseAddress } from '../address.ts';
import type { PeerSocketOptions } from '../ports.ts';
import { canonicalAddress } from './peer-address.ts';

export type TcpOptionErrorCode = 'TCP_OPTION_UNSUPPORTED' | 'TCP_OPTION_PASSWORD' | 'TCP_OPTION_FAILED';

/** An option could not be set. The text names the option and the peer, never the password. */
export class TcpOptionError extends Error {
  override readonly name = 'TcpOptionError';
  readonly code: TcpOptionErrorCode;

  constructor(code: TcpOptionErrorCode, text: string, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
  }
}

/** include/linux/socket.h, include/uapi/linux/{in,in6,tcp}.h, include/uapi/asm-generic/fcntl.h. */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MINHOPCOUNT = 73;
const TCP_MD5SIG = 14;
/** include/uapi/linux/tcp.h TCP_MD5SIG_MAXKEYLEN. */
const TCP_MD5SIG_MAXKEYLEN = 80;
/** `struct tcp_md5sig`: sockaddr_storage of 128 bytes, flags and prefix length, key length at 130, key at 136. */
const md5 = { bytes: 128 + 8 + TCP_MD5SIG_MAXKEYLEN, keyLengthAt: 130, keyAt: 136 } as const;

interface Libc {
  socket(family: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  close(fd: number): void;
  /** Name and number of the last error. */
  errno(): string;
}

let loaded: Libc | undefined;

function libc(wanted: string): Libc {
  loaded ??= loadLibc(wanted);
  return loaded;
}

function loadLibc(wanted: string): Libc {
  if (process.platform !== 'linux') {
    throw new TcpOptionError(
      'TCP_OPTION_UNSUPPORTED',
      `${wanted} is supported on Linux only, not on ${process.platform}`,
    );
  }
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    const socket = library.func('int socket(int, int, int)');
    const setsockopt = library.func('int setsockopt(int, int, int, const void *, uint32_t)');
    const close = library.func('int close(int)');
    return {
      socket: (family) => Number(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      setsockopt: (fd, level, option, value) => Number(setsockopt(fd, level, option, value, value.length)),
      close: (fd) => void close(fd),
      errno() {
        const number = koffi.errno();
        const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0];
        return name ?? `errno ${number}`;
      },
    };
  } catch (cause) {
    const text = `${wanted} needs the package koffi, which could not be loaded; install it beside @routelet/bgp`;
    throw new TcpOptionError('TCP_OPTION_UNSUPPORTED', text, { cause });
  }
}

/** Whether any of the options is given, so that native code is needed. */
export function needsNative({ password, ttl, minimumTtl }: PeerSocketOptions): boolean {
  return password !== undefined || ttl !== undefined || minimumTtl !== undefined;
}

/** Throws `TcpOptionError` when the options are more than none and native code is not there to set them. */
export function assertSupported(remoteAddress: string, options: PeerSocketOptions): void {
  if (needsNative(options)) libc(describe(options, remoteAddress));
}

/**
 * A new unconnected TCP socket towards `remoteAddress` with the options set, as a descriptor that the caller owns. Throws
 * `TcpOptionError`; nothing stays open then.
 */
export function openSocket(remoteAddress: string, options: PeerSocketOptions): number {
  const native = libc(describe(options, remoteAddress));
  const fd = native.socket(isIpv6(remoteAddress) ? AF_INET6 : AF_INET);
  if (fd < 0) throw new TcpOptionError('TCP_OPTION_FAILED', `no socket for ${remoteAddress}: ${native.errno()}`);
  try {
    if (options.password !== undefined) setPassword(fd, remoteAddress, options.password);
    setTtls(fd, remoteAddress, options);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/**
 * Sets the key for connections between the socket `fd` and `remoteAddress`; an empty password removes it. On a listening
 * socket it holds for connections that come from there. `socketAddress`: an address of the socket's own family, where
 * that is not the peer's (a dual-stack socket). Throws `TcpOptionError`.
 */
export function setPassword(fd: number, remoteAddress: string, password: string, socketAddress = remoteAddress): void {
  const key = Buffer.from(password);
  if (key.length > TCP_MD5SIG_MAXKEYLEN) {
    const text = `the TCP MD5 password for ${remoteAddress} has ${key.length} bytes, at most ${TCP_MD5SIG_MAXKEYLEN} are possible`;
    throw new TcpOptionError('TCP_OPTION_PASSWORD', text);
  }
  const value = new Uint8Array(md5.bytes);
  const native = new DataView(value.buffer);
  const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const peer = bytesOf(remoteAddress);
  if (isIpv6(socketAddress)) {
    // `struct sockaddr_in6`: address at 8. net/ipv6/tcp_ipv6.c tcp_v6_parse_md5_keys takes IPv4 only as IPv4-mapped.
    native.setUint16(0, AF_INET6, littleEndian);
    value.set(peer.length === 16 ? peer : [0xff, 0xff, ...peer], peer.length === 16 ? 8 : 18);
  } else {
    // `struct sockaddr_in`: address at 4.
    native.setUint16(0, AF_INET, littleEndian);
    value.set(peer, 4);
  }
  native.setUint16(md5.keyLengthAt, key.length, littleEndian);
  value.set(key, md5.keyAt);
  set(fd, IPPROTO_TCP, TCP_MD5SIG, value, `a TCP MD5 password for ${remoteAddress}`);
}

/** Sets the TTL of what is sent and the least TTL of what is taken, of whichever is given. Throws `TcpOptionError`. */
export function setTtls(fd: number, remoteAddress: string, { ttl, minimumTtl }: PeerSocketOptions): void {
  const [level, sent, least] = isIpv6(remoteAddress)
    ? [IPPROTO_IPV6, IPV6_UNICAST_HOPS, IPV6_MINHOPCOUNT]
    : [IPPROTO_IP, IP_TTL, IP_MINTTL];
  if (ttl !== undefined) set(fd, level, sent, int(ttl), `a TTL of ${ttl} for ${remoteAddress}`);
  if (minimumTtl !== undefined)
    set(fd, level, least, int(minimumTtl), `a minimum TTL of ${minimumTtl} for ${remoteAddress}`);
}

function set(fd: number, level: number, option: number, value: Uint8Array, wanted: string): void {
  const native = libc(wanted);
  if (native.setsockopt(fd, level, option, value) === 0) return;
  throw new TcpOptionError('TCP_OPTION_FAILED', `${wanted} could not be set: ${native.errno()}`);
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** Whether a socket for this address is of AF_INET6; `canonicalAddress` has made plain IPv4 of IPv4-mapped ones. */
function isIpv6(address: string): boolean {
  return bytesOf(address).length === 16;
}

function bytesOf(remoteAddress: string): Uint8Array {
  return parseAddress(canonicalAddress(remoteAddress).split('%', 1)[0] ?? '');
}

function describe({ password }: PeerSocketOptions, remoteAddress: string): string {
  return password === undefined ? `a TTL for ${remoteAddress}` : `a TCP MD5 password for ${remoteAddress}`;
}
