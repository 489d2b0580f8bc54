/**
 * Reads one window of bytes from front to end. It throws a WireError rather than read past the end of its window, and
 * `finish` throws when bytes are left, so that a decoder cannot skip what it did not understand. Numbers are in the
 * byte order of the host, which is little endian: the socket refuses to open on any other.
 */
import { WireError } from '../errors.ts';

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  /** @param bytes Not copied. The window is `[start, end)` of it. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || end > bytes.length || start > end)
      throw new WireError('length', 'window outside of its bytes', start);
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  /** Bytes left in the window. */
  get remaining(): number {
    return this.#end - this.#offset;
  }

  /** Position in the bytes the first window was opened on. */
  get offset(): number {
    return this.#offset;
  }

  u8(): number {
    return this.#byte(this.#advance(1));
  }

  u16(): number {
    const at = this.#advance(2);
    return this.#byte(at) | (this.#byte(at + 1) << 8);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  i32(): number {
    const at = this.#advance(4);
    return this.#byte(at) | (this.#byte(at + 1) << 8) | (this.#byte(at + 2) << 16) | (this.#byte(at + 3) << 24);
  }

  u64(): bigint {
    const low = this.u32();
    return (BigInt(this.u32()) << 32n) | BigInt(low);
  }

  /** Network byte order. */
  be16(): number {
    const at = this.#advance(2);
    return (this.#byte(at) << 8) | this.#byte(at + 1);
  }

  /** Network byte order. */
  be32(): number {
    const at = this.#advance(4);
    return ((this.#byte(at) << 24) | (this.#byte(at + 1) << 16) | (this.#byte(at + 2) << 8) | this.#byte(at + 3)) >>> 0;
  }

  /** A copy: the object outlives the datagram it came in. */
  bytes(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.slice(at, at + length);
  }

  /** The next `length` bytes as a window of their own. */
  window(length: number): Reader {
    const at = this.#advance(length);
    return new Reader(this.#bytes, at, at + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** Skips the padding that follows `length` bytes (NLMSG_ALIGN, NLA_ALIGN); the last of a window may go without. */
  skipPadding(length: number): void {
    this.#advance(Math.min(-length & 3, this.remaining));
  }

  /** @throws WireError `trailing` when the window is not empty. */
  finish(what = 'window'): void {
    if (this.remaining !== 0)
      throw new WireError('trailing', `${this.remaining} bytes too many in ${what}`, this.#offset);
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (length < 0 || length > this.#end - at) {
      throw new WireError('truncated', `${length} bytes wanted, ${this.#end - at} left`, at);
    }
    this.#offset = at + length;
    return at;
  }

  #byte(at: number): number {
    return this.#bytes[at] ?? 0;
  }
}
