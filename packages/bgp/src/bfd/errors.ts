/** The errors of this module: what a user asked for cannot be, or a packet is none. */
import { copyOf } from '../bytes.ts';

export type BfdErrorCode =
  /** The options of a session contradict themselves or an RFC. */
  | 'BFD_OPTIONS'
  /** The platform, or the package koffi, is missing. */
  | 'BFD_UNSUPPORTED'
  /** The kernel refused a socket. */
  | 'BFD_SOCKET';

/** A session cannot be opened. The text says why and names the neighbour or the socket. */
export class BfdError extends Error {
  override readonly name = 'BfdError';
  readonly code: BfdErrorCode;

  constructor(code: BfdErrorCode, text: string, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
  }
}

/** Why RFC 5880 §6.8.6 discards a packet, in its order. The first six are seen in the packet alone. */
export const discardReasons = [
  'version',
  'length',
  'detect-multiplier',
  'multipoint',
  'my-discriminator',
  'authentication-section',
  'unknown-discriminator',
  'zero-discriminator',
  'unknown-neighbor',
  'authentication-not-supported',
] as const;
export type DiscardReason = (typeof discardReasons)[number];

/** Thrown by the decoder: the packet must be discarded whoever it is for. `bytes` is a copy. */
export class BfdPacketError extends Error {
  override readonly name = 'BfdPacketError';
  readonly code: DiscardReason;
  readonly bytes: Uint8Array;

  constructor(code: DiscardReason, text: string, bytes: Uint8Array) {
    super(text);
    this.code = code;
    this.bytes = copyOf(bytes);
  }
}
