/** Puts the header of RFC 4271 §4.1 before a body. */

import { Writer } from '../wire/writer.ts';
import { headerBytes } from './header.ts';

const marker = new Uint8Array(16).fill(0xff);

/** A whole message as bytes of its own. Throws `RangeError` when it is longer than `maximum`. */
export function frame(type: number, maximum: number, body: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writer.append(marker);
  writer.u16(headerBytes);
  writer.u8(type);
  body(writer);
  if (writer.length > maximum) throw new RangeError(`a message of ${writer.length} bytes is longer than ${maximum}`);
  writer.patchU16(16, writer.length);
  return writer.finish();
}
