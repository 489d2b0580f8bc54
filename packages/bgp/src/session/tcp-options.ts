/**
 * Socket options that Node does not set, on Linux, through the C library by the optional dependency koffi: the TCP MD5 key
 * of RFC 2385, the keys of TCP-AO (RFC 5925), the TTLs of RFC 5082, and the device that a socket is bound to. koffi is
 * loaded when the first of these options is asked for, never before.
 */
import { parseAddress } from '../address.ts';
import { type Libc, libc as loadLibc } from '../libc.ts';
import type { PeerSocketOptions, TcpAoKey } from '../ports.ts';
import {
  AF_INET,
  AF_INET6,
  IFNAMSIZ,
  IP_MINTTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MINHOPCOUNT,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  int,
  littleEndian,
  SO_BINDTODEVICE,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  socketAddressBytes,
  writeSocketAddress,
} from '../socket.ts';
import { canonicalAddress } from './peer-address.ts';
import {
  encodeTcpAoAdd,
  encodeTcpAoDelete,
  TCP_AO_ADD_KEY,
  TCP_AO_DEL_KEY,
  TCP_AO_MAXKEYLEN,
  type TcpAoPeer,
} from './tcp-ao.ts';

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

/** include/uapi/linux/tcp.h. */
const TCP_MD5SIG = 14;
const TCP_MD5SIG_EXT = 32;
const TCP_MD5SIG_FLAG_PREFIX = 1;
const TCP_MD5SIG_MAXKEYLEN = 80;
/** `struct tcp_md5sig`: sockaddr_storage of 128 bytes, then flags, prefix length, key length, an interface and the key. */
const md5 = {
  bytes: 128 + 8 + TCP_MD5SIG_MAXKEYLEN,
  flagsAt: 128,
  prefixLengthAt: 129,
  keyLengthAt: 130,
  keyAt: 136,
} as const;

const socketType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

function libc(wanted: string): Libc {
  return loadLibc(wanted, (text, options) => new TcpOptionError('TCP_OPTION_UNSUPPORTED', text, options));
}

/** Options of a socket of this side's making. */
export interface SocketOptions extends PeerSocketOptions {
  readonly device?: string;
}

/** Whether any of the options is given, so that native code is needed. */
export function needsNative({ password, tcpAo, ttl, minimumTtl, device }: SocketOptions): boolean {
  return [password, tcpAo, ttl, minimumTtl, device].some((option) => option !== undefined);
}

/** Throws `TcpOptionError` when the options are more than none and native code is not there to set them. */
export function assertSupported(remoteAddress: string, options: PeerSocketOptions): void {
  if (needsNative(options)) libc(describe(options, remoteAddress));
}

/**
 * A new unconnected TCP socket towards `remoteAddress` with the options set, as a descriptor that the caller owns. Throws
 * `TcpOptionError`; nothing stays open then.
 */
export function openSocket(remoteAddress: string, options: SocketOptions): number {
  const native = libc(describe(options, remoteAddress));
  const fd = native.socket(isIpv6(remoteAddress) ? AF_INET6 : AF_INET, socketType);
  if (fd < 0) throw new TcpOptionError('TCP_OPTION_FAILED', `no socket for ${remoteAddress}: ${native.errno()}`);
  try {
    if (options.device !== undefined) setDevice(fd, options.device);
    if (options.password !== undefined) setPassword(fd, remoteAddress, options.password);
    if (options.tcpAo !== undefined) addTcpAoKey(fd, remoteAddress, options.tcpAo);
    setTtls(fd, remoteAddress, options);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/**
 * Sets the key for connections between the socket `fd` and `remoteAddress`, which may be a prefix; an empty password
 * removes it. On a listening
 * socket it holds for connections that come from there. `socketAddress`: an address of the socket's own family, where
 * that is not the peer's (a dual-stack socket). Throws `TcpOptionError`.
 */
export function setPassword(fd: number, remoteAddress: string, password: string, socketAddress = remoteAddress): void {
  const key = Buffer.from(password);
  if (key.length > TCP_MD5SIG_MAXKEYLEN) {
    const text = `the TCP MD5 password for ${remoteAddress} has ${key.length} bytes, at most ${TCP_MD5SIG_MAXKEYLEN} are possible`;
    throw new TcpOptionError('TCP_OPTION_PASSWORD', text);
  }
  const [address = '', length] = remoteAddress.split('/');
  const value = new Uint8Array(md5.bytes);
  writeSocketAddress(value, bytesOf(address), isIpv6(socketAddress.split('/', 1)[0] ?? ''), 0);
  if (length !== undefined) {
    value[md5.flagsAt] = TCP_MD5SIG_FLAG_PREFIX;
    value[md5.prefixLengthAt] = Number(length);
  }
  new DataView(value.buffer).setUint16(md5.keyLengthAt, key.length, littleEndian);
  value.set(key, md5.keyAt);
  const option = length === undefined ? TCP_MD5SIG : TCP_MD5SIG_EXT;
  set(fd, IPPROTO_TCP, option, value, `a TCP MD5 password for ${remoteAddress}`);
}

/**
 * A bound socket of an address behind `device`, to listen on, as a descriptor that the caller owns: an address of a VRF can
 * be bound by sockets of that VRF only. Throws `TcpOptionError`; nothing stays open then.
 */
export function openListeningSocket(address: string, port: number, device: string): number {
  const native = libc(`listening on ${address} behind ${device}`);
  const ipv6 = isIpv6(address);
  const fd = native.socket(ipv6 ? AF_INET6 : AF_INET, socketType);
  if (fd < 0) throw new TcpOptionError('TCP_OPTION_FAILED', `no socket for ${address}: ${native.errno()}`);
  try {
    set(fd, SOL_SOCKET, SO_REUSEADDR, int(1), `SO_REUSEADDR for ${address}`);
    if (ipv6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, int(1), `IPV6_V6ONLY for ${address}`);
    setDevice(fd, device);
    const name = new Uint8Array(socketAddressBytes(ipv6));
    writeSocketAddress(name, bytesOf(address), ipv6, port);
    if (native.bind(fd, name) !== 0) {
      throw new TcpOptionError('TCP_OPTION_FAILED', `${address} port ${port} behind ${device}: ${native.errno()}`);
    }
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** SO_BINDTODEVICE. Throws `TcpOptionError`: ENODEV when there is no such device. */
function setDevice(fd: number, device: string): void {
  const name = Buffer.from(device);
  if (name.length === 0 || name.length >= IFNAMSIZ) {
    throw new TcpOptionError('TCP_OPTION_FAILED', `${JSON.stringify(device)} is no name of a device`);
  }
  set(fd, SOL_SOCKET, SO_BINDTODEVICE, Uint8Array.of(...name, 0), `the device ${device}`);
}

/**
 * Adds a Master Key Tuple for the connections of socket `fd` with `remoteAddress`, which may be a prefix. Throws `TcpOptionError` with the code
 * TCP_OPTION_UNSUPPORTED where the kernel has no TCP-AO.
 */
export function addTcpAoKey(fd: number, remoteAddress: string, key: TcpAoKey, socketAddress = remoteAddress): void {
  const secret = Buffer.from(key.key);
  if (secret.length === 0 || secret.length > TCP_AO_MAXKEYLEN) {
    const text = `the TCP-AO key for ${remoteAddress} has ${secret.length} bytes, 1 to ${TCP_AO_MAXKEYLEN} are possible`;
    throw new TcpOptionError('TCP_OPTION_PASSWORD', text);
  }
  const value = encodeTcpAoAdd(aoPeer(remoteAddress), isIpv6(socketAddress), key, secret);
  setTcpAo(fd, TCP_AO_ADD_KEY, value, remoteAddress);
}

/** Removes what `addTcpAoKey` added. Throws `TcpOptionError`. */
export function deleteTcpAoKey(fd: number, remoteAddress: string, key: TcpAoKey, socketAddress: string): void {
  const value = encodeTcpAoDelete(aoPeer(remoteAddress), isIpv6(socketAddress), key);
  setTcpAo(fd, TCP_AO_DEL_KEY, value, remoteAddress);
}

function aoPeer(remoteAddress: string): TcpAoPeer {
  const [address = '', length] = remoteAddress.split('/');
  return { address: bytesOf(address), ...(length !== undefined && { length: Number(length) }) };
}

function setTcpAo(fd: number, option: number, value: Uint8Array, remoteAddress: string): void {
  const wanted = `a TCP-AO key for ${remoteAddress}`;
  const native = libc(wanted);
  if (native.setsockopt(fd, IPPROTO_TCP, option, value) === 0) return;
  const error = native.errno();
  if (error !== 'ENOPROTOOPT') throw new TcpOptionError('TCP_OPTION_FAILED', `${wanted} could not be set: ${error}`);
  const text = `${wanted}: this kernel has no TCP-AO (Linux 6.7 or newer with CONFIG_TCP_AO)`;
  throw new TcpOptionError('TCP_OPTION_UNSUPPORTED', text);
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

/** Whether a socket for this address is of AF_INET6; `canonicalAddress` has made plain IPv4 of IPv4-mapped ones. */
function isIpv6(address: string): boolean {
  return bytesOf(address).length === 16;
}

function bytesOf(remoteAddress: string): Uint8Array {
  return parseAddress(canonicalAddress(remoteAddress).split('%', 1)[0] ?? '');
}

function describe({ password, tcpAo, device }: SocketOptions, remoteAddress: string): string {
  if (tcpAo !== undefined) return `a TCP-AO key for ${remoteAddress}`;
  if (password !== undefined) return `a TCP MD5 password for ${remoteAddress}`;
  return device === undefined ? `a TTL for ${remoteAddress}` : `the device ${device} for ${remoteAddress}`;
}
