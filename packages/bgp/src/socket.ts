/** Numbers and structures of the kernel's socket calls on Linux. */

/** include/linux/socket.h, include/uapi/linux/net.h, include/uapi/asm-generic/fcntl.h. */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
/** include/uapi/asm-generic/socket.h. */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
/** include/uapi/linux/in.h, in6.h. */
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const IP_TTL = 2;
export const IP_FREEBIND = 15;
export const IP_MINTTL = 21;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_V6ONLY = 26;
export const IPV6_MINHOPCOUNT = 73;
export const IPV6_FREEBIND = 78;
/** include/uapi/linux/if.h, with the final zero. */
export const IFNAMSIZ = 16;

/** Of this machine: structures are in its byte order. */
export const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** `int`, as a value of setsockopt. */
export function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** Size of `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddressBytes(ipv6: boolean): number {
  return ipv6 ? 28 : 16;
}

/**
 * Writes `struct sockaddr_in` or `sockaddr_in6` at the start of `value`. `peer`: 4 or 16 bytes; net/ipv6/tcp_ipv6.c takes
 * IPv4 peers of an IPv6 socket as IPv4-mapped.
 */
export function writeSocketAddress(value: Uint8Array, peer: Uint8Array, ipv6: boolean, port: number): void {
  const view = new DataView(value.buffer);
  view.setUint16(0, ipv6 ? AF_INET6 : AF_INET, littleEndian);
  view.setUint16(2, port);
  if (!ipv6) value.set(peer, 4);
  else value.set(peer.length === 16 ? peer : [0xff, 0xff, ...peer], peer.length === 16 ? 8 : 18);
}
