/**
 * Writes bytes into a buffer that grows. Lengths are patched back from what was really written: a caller notes
 * `length`, writes, and patches. Numbers are in the byte order of the host (little endian, see Reader).
 */
import { WireError } from '../errors.ts';

export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  /** @param capacity Bytes to start with; a hint. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#extend(1);
    if (value >>> 8 !== 0) throw new WireError('value', `${value} does not fit 8 bits`, at);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#extend(2);
    this.patchU16(at, value);
  }

  u32(value: number): void {
    const at = this.#extend(4);
    this.patchU32(at, value);
  }

  i32(value: number): void {
    this.u32(value >>> 0);
  }

  u64(value: bigint): void {
    this.u32(Number(value & 0xffffffffn));
    this.u32(Number((value >> 32n) & 0xffffffffn));
  }

  /** Network byte order. */
  be16(value: number): void {
    this.u8(value >>> 8);
    this.u8(value & 0xff);
  }

  /** Network byte order. */
  be32(value: number): void {
    this.be16(value >>> 16);
    this.be16(value & 0xffff);
  }

  bytes(value: Uint8Array): void {
    const at = this.#extend(value.length);
    // Addresses are 4 to 16 bytes: a loop is faster than set() at this size.
    for (let index = 0; index < value.length; index++) this.#bytes[at + index] = value[index] ?? 0;
  }

  /** Zeroes up to the next multiple of 4 (NLMSG_ALIGN, NLA_ALIGN). */
  pad(): void {
    const count = -this.#length & 3;
    if (count !== 0) this.zero(count);
  }

  zero(count: number): void {
    const at = this.#extend(count);
    this.#bytes.fill(0, at, at + count);
  }

  patchU16(at: number, value: number): void {
    if (value >>> 16 !== 0) throw new WireError('value', `${value} does not fit 16 bits`, at);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  patchU32(at: number, value: number): void {
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value >>> 16;
    this.#bytes[at + 3] = value >>> 24;
  }

  /** Takes back everything from `length` on. */
  truncate(length: number): void {
    if (length > this.#length) throw new WireError('length', `cannot truncate to ${length}`, this.#length);
    this.#length = length;
  }

  /** What was written, as a copy; the writer is empty afterwards and may be used again. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #extend(count: number): number {
    const at = this.#length;
    const length = at + count;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = length;
    return at;
  }
}
