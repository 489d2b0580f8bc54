/** Attributes that are a list of values of one size; RFC 7606 §7: the length is "a non-zero multiple" of it. */

import { Malformed } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';

export function decodeList<T>(reader: Reader, itemBytes: number, decodeItem: (reader: Reader) => T): T[] {
  const size = reader.remaining;
  if (size === 0 || size % itemBytes !== 0) {
    throw new Malformed('length', `${size} is not a non-zero multiple of ${itemBytes}`);
  }
  const items: T[] = [];
  while (reader.remaining > 0) items.push(decodeItem(reader));
  return items;
}

/** `sound` of an attribute that `decodeList` reads and whose items may have any value. */
export function soundList(itemBytes: number): (bytes: Uint8Array, start: number, end: number) => boolean {
  return (_bytes, start, end) => end > start && (end - start) % itemBytes === 0;
}

/** `sound` of an attribute that has one size and may have any value. */
export function soundSize(size: number): (bytes: Uint8Array, start: number, end: number) => boolean {
  return (_bytes, start, end) => end - start === size;
}
