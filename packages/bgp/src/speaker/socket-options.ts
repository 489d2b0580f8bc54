/** What a peer's options ask of its sockets. */
import type { PeerSocketOptions } from '../ports.ts';
import type { PeerOptions } from './api.ts';

const largestTtl = 255;

/** Empty when native code is not needed. */
export function socketOptionsOf({ password, tcpAo, multihopTtl, ttlSecurity }: PeerOptions): PeerSocketOptions {
  return {
    ...(password !== undefined && { password }),
    ...(tcpAo !== undefined && { tcpAo }),
    ...(multihopTtl !== undefined && { ttl: multihopTtl }),
    // RFC 5082 §3: sent with 255, so that each hop on the way shows.
    ...(ttlSecurity !== undefined && { ttl: largestTtl, minimumTtl: largestTtl + 1 - ttlSecurity }),
  };
}
