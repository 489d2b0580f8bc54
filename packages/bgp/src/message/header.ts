/**
 * The message header, RFC 4271 §4.1: marker, length and type, checked as §6.1 says, with the sizes of RFC 8654.
 */

import { BgpError, type BgpErrorCode } from '../errors.ts';
import { errorCode, messageHeaderSubcode, messageType } from '../iana.ts';

export const headerBytes = 19;

/** RFC 4271 §4.1. */
export const maximumMessageBytes = 4096;

/** RFC 8654 §2. */
export const maximumExtendedMessageBytes = 65535;

export interface MessageHeader {
  /** Bytes of the whole message, header included. */
  readonly length: number;
  /** A code of `messageType`. */
  readonly type: number;
}

/** Smallest whole message of each type (RFC 4271 §6.1, RFC 2918 §3). */
const minimumBytes: Readonly<Record<number, number>> = {
  [messageType.open]: 29,
  [messageType.update]: 23,
  [messageType.notification]: 21,
  [messageType.keepalive]: headerBytes,
  [messageType.routeRefresh]: 23,
};

/** The largest message of this type that may be sent and received: OPEN and KEEPALIVE stay small (RFC 8654 §4). */
function maximumBytes(type: number, extendedMessages: boolean): number {
  if (type === messageType.keepalive) return headerBytes;
  return extendedMessages && type !== messageType.open ? maximumExtendedMessageBytes : maximumMessageBytes;
}

/**
 * Reads the header at `offset`, of which `headerBytes` bytes must be there; the body need not be. Throws `BgpError`
 * (Message Header Error) with the data that RFC 4271 §6.1 asks for.
 */
export function decodeHeader(bytes: Uint8Array, offset: number, extendedMessages: boolean): MessageHeader {
  for (let i = 0; i < 16; i++) {
    if (bytes[offset + i] !== 0xff) {
      throw headerError(
        bytes,
        offset,
        'BGP_MARKER',
        'marker is not all ones',
        messageHeaderSubcode.connectionNotSynchronized,
      );
    }
  }
  const length = ((bytes[offset + 16] ?? 0) << 8) | (bytes[offset + 17] ?? 0);
  const type = bytes[offset + 18] ?? 0;
  const least = minimumBytes[type];
  if (length < (least ?? headerBytes) || length > maximumBytes(type, extendedMessages)) {
    const field = bytes.subarray(offset + 16, offset + 18);
    const text = `length ${length} of a message of type ${type}`;
    throw headerError(bytes, offset, 'BGP_MESSAGE_LENGTH', text, messageHeaderSubcode.badMessageLength, field);
  }
  if (least === undefined) {
    const field = bytes.subarray(offset + 18, offset + 19);
    throw headerError(
      bytes,
      offset,
      'BGP_MESSAGE_TYPE',
      `message type ${type}`,
      messageHeaderSubcode.badMessageType,
      field,
    );
  }
  return { length, type };
}

function headerError(
  bytes: Uint8Array,
  offset: number,
  code: BgpErrorCode,
  text: string,
  subcode: number,
  data?: Uint8Array,
): BgpError {
  return new BgpError(code, text, {
    notification: { code: errorCode.messageHeader, subcode, ...(data === undefined ? {} : { data }) },
    bytes: bytes.subarray(offset, offset + headerBytes),
  });
}
