/** Keys of TCP-AO (RFC 5925) as Linux takes them: include/uapi/linux/tcp.h `struct tcp_ao_add` and `struct tcp_ao_del`. */
import type { TcpAoKey } from '../ports.ts';
import { writeSocketAddress } from '../socket.ts';

/** Linux 6.7 with CONFIG_TCP_AO. */
export const TCP_AO_ADD_KEY = 38;
export const TCP_AO_DEL_KEY = 39;
/** TCP_AO_MAXKEYLEN. */
export const TCP_AO_MAXKEYLEN = 80;

/** `sockaddr_storage`, alg_name[64] at 128, ifindex, flags, reserved, then from 202 on one byte each; the key at 208. */
const add = {
  bytes: 288,
  algorithmAt: 128,
  prefixAt: 202,
  sendIdAt: 203,
  receiveIdAt: 204,
  macLengthAt: 205,
  keyLengthAt: 207,
  keyAt: 208,
} as const;

/** `sockaddr_storage`, ifindex at 128, flags, reserved, then from 138 on one byte each. */
const del = { bytes: 144, prefixAt: 138, sendIdAt: 139, receiveIdAt: 140 } as const;

/** RFC 5926 §3.2: both algorithms truncate to 96 bits. */
const macBytes = 12;

/** Names of the kernel's crypto API. */
const algorithms: Readonly<Record<TcpAoKey['algorithm'], string>> = {
  'hmac-sha-1-96': 'hmac(sha1)',
  'aes-128-cmac-96': 'cmac(aes128)',
};

/** Whose connections a key is for: an address of 4 or 16 bytes, or all that begin with `length` bits of it. */
export interface TcpAoPeer {
  readonly address: Uint8Array;
  readonly length?: number;
}

/** `ipv6`: the socket's own family. `secret`: at most TCP_AO_MAXKEYLEN bytes. */
export function encodeTcpAoAdd(peer: TcpAoPeer, ipv6: boolean, key: TcpAoKey, secret: Uint8Array): Uint8Array {
  const value = new Uint8Array(add.bytes);
  writeSocketAddress(value, peer.address, ipv6, 0);
  value.set(new TextEncoder().encode(algorithms[key.algorithm]), add.algorithmAt);
  value[add.prefixAt] = lengthOf(peer);
  value[add.sendIdAt] = key.sendId;
  value[add.receiveIdAt] = key.receiveId;
  value[add.macLengthAt] = macBytes;
  value[add.keyLengthAt] = secret.length;
  value.set(secret, add.keyAt);
  return value;
}

export function encodeTcpAoDelete(peer: TcpAoPeer, ipv6: boolean, key: TcpAoKey): Uint8Array {
  const value = new Uint8Array(del.bytes);
  writeSocketAddress(value, peer.address, ipv6, 0);
  value[del.prefixAt] = lengthOf(peer);
  value[del.sendIdAt] = key.sendId;
  value[del.receiveIdAt] = key.receiveId;
  return value;
}

function lengthOf({ address, length = address.length * 8 }: TcpAoPeer): number {
  return length;
}
