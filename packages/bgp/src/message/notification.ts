/** NOTIFICATION, RFC 4271 §4.5, and the text in a CEASE of RFC 9003. */

import { copyOf } from '../bytes.ts';
import { ceaseSubcode, errorCode, messageType } from '../iana.ts';
import { Reader } from '../wire/reader.ts';
import { decodeText, encodeText } from '../wire/text.ts';
import { frame } from './frame.ts';
import { maximumMessageBytes } from './header.ts';
import type { NotificationMessage } from './model.ts';

/** `body`: behind the header, at least two bytes (the header's length check sees to it). */
export function decodeNotification(body: Uint8Array): NotificationMessage {
  const reader = new Reader(body);
  return { kind: 'notification', code: reader.u8(), subcode: reader.u8(), data: copyOf(reader.rest()) };
}

/** Data that would make the message longer than `maximumBytes` is cut; more than 4096 only where RFC 8654 was agreed. */
export function encodeNotification(
  message: Omit<NotificationMessage, 'kind'>,
  maximumBytes = maximumMessageBytes,
): Uint8Array {
  return frame(messageType.notification, maximumBytes, (writer) => {
    writer.u8(message.code);
    writer.u8(message.subcode);
    writer.append(message.data.subarray(0, maximumBytes - 21));
  });
}

/** RFC 9003 §2: CEASE data that carries a text, for Administrative Shutdown and Reset. Cut at 255 bytes, between characters. */
export function encodeShutdownText(text: string): Uint8Array {
  let bytes = encodeText(text);
  if (bytes.length > 255) {
    let end = 255;
    while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    bytes = bytes.subarray(0, end);
  }
  return Uint8Array.of(bytes.length, ...bytes);
}

/** The text of an Administrative Shutdown or Reset; undefined where there is none or its length is wrong. */
export function shutdownText({ code, subcode, data }: Omit<NotificationMessage, 'kind'>): string | undefined {
  if (code !== errorCode.cease) return undefined;
  if (subcode !== ceaseSubcode.administrativeShutdown && subcode !== ceaseSubcode.administrativeReset) return undefined;
  const length = data[0] ?? 0;
  return length === 0 || length > data.length - 1 ? undefined : decodeText(data.subarray(1, 1 + length));
}
