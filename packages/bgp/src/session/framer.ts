/**
 * Cuts a byte stream into BGP messages. A message that lies within one chunk is a view of it; one that spans chunks is
 * joined in a buffer of this framer. It holds no more than one message and the chunks not yet read.
 */
import { decodeHeader, headerBytes } from '../message/header.ts';

/** `body`: behind the header. Both are valid until the next call of the framer. */
export interface Frame {
  readonly type: number;
  readonly body: Uint8Array;
}

const nothing = new Uint8Array(0);

export class Framer {
  /** RFC 8654, once negotiated. */
  extendedMessages = false;
  /** Unread input: `#chunk` from `#offset` on, then `#more`. */
  #chunk: Uint8Array = nothing;
  #offset = 0;
  readonly #more: Uint8Array[] = [];
  /** A message in parts: the first `#filled` bytes of `#joined`, `#wanted` in all (a header until it is known). */
  #joined = new Uint8Array(4096);
  #filled = 0;
  #wanted = headerBytes;
  /** Given away by `next`, each time with other contents. */
  readonly #frame: { type: number; body: Uint8Array } = { type: 0, body: nothing };

  push(chunk: Uint8Array): void {
    if (this.#offset === this.#chunk.length && this.#more.length === 0) {
      this.#chunk = chunk;
      this.#offset = 0;
    } else {
      this.#more.push(chunk);
    }
  }

  /** The next whole message, or undefined until more is pushed. Throws `BgpError` on a bad header; the stream is lost then. */
  next(): Frame | undefined {
    while (true) {
      const available = this.#chunk.length - this.#offset;
      if (available === 0) {
        const chunk = this.#more.shift();
        if (chunk === undefined) return undefined;
        this.#chunk = chunk;
        this.#offset = 0;
        continue;
      }
      if (this.#filled === 0 && available >= headerBytes) {
        const { length, type } = decodeHeader(this.#chunk, this.#offset, this.extendedMessages);
        if (available >= length) {
          this.#frame.type = type;
          this.#frame.body = this.#chunk.subarray(this.#offset + headerBytes, this.#offset + length);
          this.#offset += length;
          return this.#frame;
        }
      }
      const frame = this.#join(available);
      if (frame !== undefined) return frame;
    }
  }

  /** Moves bytes of the chunk into the joined message: up to the end of the header, then up to its length. */
  #join(available: number): Frame | undefined {
    const take = Math.min(available, this.#wanted - this.#filled);
    this.#joined.set(this.#chunk.subarray(this.#offset, this.#offset + take), this.#filled);
    this.#filled += take;
    this.#offset += take;
    if (this.#filled === headerBytes) {
      const { length, type } = decodeHeader(this.#joined, 0, this.extendedMessages);
      this.#wanted = length;
      this.#frame.type = type;
      if (length > this.#joined.length) {
        const larger = new Uint8Array(length);
        larger.set(this.#joined.subarray(0, headerBytes));
        this.#joined = larger;
      }
    }
    if (this.#filled < this.#wanted) return undefined;
    this.#frame.body = this.#joined.subarray(headerBytes, this.#wanted);
    this.#filled = 0;
    this.#wanted = headerBytes;
    return this.#frame;
  }
}
