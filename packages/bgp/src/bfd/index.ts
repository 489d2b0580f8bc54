/** Bidirectional Forwarding Detection (RFC 5880 to 5883) beside BGP: `createBfd`, and the packet codec for tools. */
export type * from './api.ts';
export type { Authentication, KeyedDigest, SimplePassword, UnknownAuthentication } from './authentication.ts';
export { type ControlPacket, decodeControlPacket, encodeControlPacket } from './control-packet.ts';
export { BfdError, type BfdErrorCode, BfdPacketError, type DiscardReason } from './errors.ts';
export { type BfdStateName, diagnostic } from './iana.ts';
export { createBfd } from './node-create-bfd.ts';
export type * from './udp-transport.ts';
