/**
 * NLRI of IPv4 and IPv6 unicast (RFC 4271 §4.3, RFC 4760 §5, RFC 7911 §3): a cursor that reads them from a message
 * without allocating, and fields of NLRI from and to plain `Prefix` values. RFC 7606 §5.3 makes a bad prefix length
 * or a prefix that ends outside its field a session reset.
 */

import { BgpError } from '../errors.ts';
import { errorCode, updateSubcode } from '../iana.ts';
import type { Writer } from '../wire/writer.ts';
import type { FamilyKey, Prefix } from './model.ts';

/**
 * Walks over prefixes. After each `next()` that returned true: `word0` (IPv4), or `word0` to `word3` (IPv6), unsigned
 * 32-bit numbers with the bits behind `length` cleared, and `pathId` (0 without add-path). Reusable by `reset`.
 */
export class PrefixCursor {
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  length = 0;
  pathId = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #bits = 32;
  #addPath = false;

  /** `bits`: 32 or 128. */
  reset(bytes: Uint8Array, start: number, end: number, bits: number, addPath = false): this {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#bits = bits;
    this.#addPath = addPath;
    this.pathId = 0;
    return this;
  }

  /** False at the end. Throws `BgpError` (Update Message Error, Invalid Network Field; session reset). */
  next(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    if (at >= this.#end) return false;
    if (this.#addPath) {
      if (at + 5 > this.#end) this.#fail('path identifier ends outside the field');
      this.pathId = word(bytes, at, 4);
      at += 4;
    }
    const length = bytes[at++] ?? 0;
    if (length > this.#bits) this.#fail(`prefix length ${length}`);
    const size = (length + 7) >>> 3;
    if (at + size > this.#end) this.#fail(`a /${length} ends outside the field`);
    this.length = length;
    // RFC 4271 §4.3: "the value of trailing bits is irrelevant": they are cleared.
    this.word0 = maskedWord(bytes, at, size, length);
    if (this.#bits === 128) {
      this.word1 = maskedWord(bytes, at + 4, size - 4, length - 32);
      this.word2 = maskedWord(bytes, at + 8, size - 8, length - 64);
      this.word3 = maskedWord(bytes, at + 12, size - 12, length - 96);
    }
    this.#at = at + size;
    return true;
  }

  #fail(text: string): never {
    throw new BgpError('BGP_UPDATE_NLRI', `NLRI: ${text}`, {
      notification: { code: errorCode.updateMessage, subcode: updateSubcode.invalidNetworkField },
      bytes: this.#bytes.subarray(this.#at, Math.min(this.#end, this.#at + 21)),
    });
  }
}

/** Up to four bytes as an unsigned number, missing ones zero. */
function word(bytes: Uint8Array, at: number, count: number): number {
  if (count >= 4) {
    return (
      (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>>
      0
    );
  }
  let value = 0;
  for (let i = 0; i < count; i++) value |= (bytes[at + i] ?? 0) << (24 - 8 * i);
  return value >>> 0;
}

function maskedWord(bytes: Uint8Array, at: number, count: number, length: number): number {
  if (length <= 0) return 0;
  const value = word(bytes, at, count);
  return length >= 32 ? value : (value & (0xffff_ffff << (32 - length))) >>> 0;
}

/** All prefixes of a field as values. `bits`: 32 or 128. Throws as the cursor does. */
export function decodePrefixes(
  bytes: Uint8Array,
  family: FamilyKey,
  bits: number,
  addPath: boolean,
  start = 0,
  end = bytes.length,
): Prefix[] {
  const prefixes: Prefix[] = [];
  const cursor = new PrefixCursor().reset(bytes, start, end, bits, addPath);
  while (cursor.next()) {
    const address = new Uint8Array(bits / 8);
    const view = new DataView(address.buffer);
    view.setUint32(0, cursor.word0);
    if (bits === 128) {
      view.setUint32(4, cursor.word1);
      view.setUint32(8, cursor.word2);
      view.setUint32(12, cursor.word3);
    }
    const prefix = { family, address, length: cursor.length };
    prefixes.push(addPath ? { ...prefix, pathId: cursor.pathId } : prefix);
  }
  return prefixes;
}

/** Writes prefixes as a field of NLRI; with `addPath` each with its path identifier (0 where it has none). */
export function encodePrefixes(writer: Writer, prefixes: readonly Prefix[], addPath: boolean): void {
  for (const { address, length, pathId } of prefixes) {
    if (addPath) writer.u32(pathId ?? 0);
    writer.u8(length);
    writer.append(address.subarray(0, (length + 7) >>> 3));
  }
}
