/**
 * Reads big-endian fields from a window of bytes and never outside it: a read over the end throws `Malformed` (length),
 * and `end()` throws when something is left. Windows and `take` are views, nothing is copied.
 */

import { Malformed } from '../errors.ts';

export class Reader {
  readonly bytes: Uint8Array;
  readonly limit: number;
  offset: number;

  constructor(bytes: Uint8Array, start = 0, limit = bytes.length) {
    this.bytes = bytes;
    this.offset = start;
    this.limit = limit;
  }

  get remaining(): number {
    return this.limit - this.offset;
  }

  u8(): number {
    const at = this.#advance(1);
    return this.bytes[at] ?? 0;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0);
  }

  u32(): number {
    return this.#word(this.#advance(4));
  }

  u64(): bigint {
    const at = this.#advance(8);
    return (BigInt(this.#word(at)) << 32n) | BigInt(this.#word(at + 4));
  }

  /** The next `count` bytes as a view. */
  take(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.bytes.subarray(at, at + count);
  }

  /** All bytes that are left, as a view. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** A reader over the next `count` bytes; this one continues behind them. */
  window(count: number): Reader {
    const at = this.#advance(count);
    return new Reader(this.bytes, at, at + count);
  }

  /** Throws unless the window was read to its end. */
  end(): void {
    if (this.remaining !== 0) throw new Malformed('length', `${this.remaining} bytes too many`);
  }

  #word(at: number): number {
    const bytes = this.bytes;
    const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    return high * 0x10000 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
  }

  #advance(count: number): number {
    const at = this.offset;
    if (at + count > this.limit) {
      throw new Malformed('length', `${count} bytes expected, ${this.limit - at} left`);
    }
    this.offset = at + count;
    return at;
  }
}
