/**
 * Appends big-endian fields to a buffer that grows. Length fields are reserved first and patched back from what was
 * really written, so that a length can never disagree with its content.
 */

export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
  }

  u64(value: bigint): void {
    this.u32(Number(value >> 32n));
    this.u32(Number(value & 0xffff_ffffn));
  }

  append(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Reserves a length field of 1 or 2 bytes, runs `content`, and writes the number of bytes it appended into the field. */
  sized(fieldBytes: 1 | 2, content: () => void): void {
    const field = this.#grow(fieldBytes);
    content();
    const size = this.#length - field - fieldBytes;
    if (size >= 2 ** (8 * fieldBytes))
      throw new RangeError(`${size} bytes do not fit a length field of ${fieldBytes} bytes`);
    if (fieldBytes === 2) this.patchU16(field, size);
    else this.patchU8(field, size);
  }

  patchU8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  patchU16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** Makes room for one byte at `at`; what is behind it moves up. */
  insertU8(at: number, value: number): void {
    const end = this.#grow(1);
    this.#bytes.copyWithin(at + 1, at, end);
    this.#bytes[at] = value;
  }

  /** What was written, as a view that is valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, as bytes of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      bytes.set(this.#bytes.subarray(0, at));
      this.#bytes = bytes;
    }
    this.#length = needed;
    return at;
  }
}
