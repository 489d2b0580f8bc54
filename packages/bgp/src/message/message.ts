/** Whole messages of any type, header included: one decoder and one encoder over the six. */

import { noBytes } from '../bytes.ts';
import { BgpError } from '../errors.ts';
import { ipv4Unicast } from '../family/registry.ts';
import { errorCode, messageHeaderSubcode, messageType } from '../iana.ts';
import { decodeHeader, headerBytes } from './header.ts';
import { encodeKeepalive } from './keepalive.ts';
import type { Message, UpdateContext } from './model.ts';
import { decodeNotification, encodeNotification } from './notification.ts';
import { decodeOpen, encodeOpen } from './open.ts';
import { decodeRouteRefresh, encodeRouteRefresh } from './route-refresh.ts';
import { decodeUpdate, encodeUpdate, maximumBytesOf } from './update.ts';
import { updateError } from './update-scan.ts';

/** A session between two modern speakers of which nothing else is known. */
export const defaultContext: UpdateContext = {
  fourOctetAs: true,
  peerType: 'ibgp',
  addPathReceive: [],
  addPathSend: [],
  extendedNextHop: [ipv4Unicast.key],
  extendedMessages: true,
};

/**
 * One whole message, and nothing behind it. Throws `BgpError`. An UPDATE with defects that do not reset the session is
 * returned as far as it could be read; `decodeUpdate` also tells the defects.
 */
export function decodeMessage(bytes: Uint8Array, context: UpdateContext = defaultContext): Message {
  if (bytes.length < headerBytes) throw lengthError(bytes, `${bytes.length} bytes are no message`);
  const { length, type } = decodeHeader(bytes, 0, context.extendedMessages);
  if (length !== bytes.length) throw lengthError(bytes, `length ${length} in ${bytes.length} bytes`);
  const body = bytes.subarray(headerBytes);
  switch (type) {
    case messageType.open:
      return decodeOpen(body);
    case messageType.update: {
      const { message, problems, reaction } = decodeUpdate(body, context);
      if (reaction === 'session-reset') throw updateError(problems);
      return message;
    }
    case messageType.notification:
      return decodeNotification(body);
    case messageType.routeRefresh:
      return decodeRouteRefresh(body);
    default:
      return { kind: 'keepalive' };
  }
}

function lengthError(bytes: Uint8Array, text: string): BgpError {
  return new BgpError('BGP_MESSAGE_LENGTH', text, {
    notification: {
      code: errorCode.messageHeader,
      subcode: messageHeaderSubcode.badMessageLength,
      data: bytes.length < 18 ? noBytes : bytes.subarray(16, 18),
    },
    bytes: bytes.subarray(0, headerBytes),
  });
}

/** Throws `RangeError` where a message would be larger than the session allows. */
export function encodeMessage(message: Message, context: UpdateContext = defaultContext): Uint8Array {
  switch (message.kind) {
    case 'open':
      return encodeOpen(message);
    case 'update':
      return encodeUpdate(message, context);
    case 'notification':
      return encodeNotification(message, maximumBytesOf(context));
    case 'keepalive':
      return encodeKeepalive();
    case 'route-refresh':
      return encodeRouteRefresh(message);
  }
}
