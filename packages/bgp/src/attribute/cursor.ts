/**
 * Walks over the headers of a path attribute field (RFC 4271 §4.3) without allocating and without looking into values.
 */

import { attributeFlag } from './descriptor.ts';

export class AttributeCursor {
  flags = 0;
  type = 0;
  /** Where the attribute starts, where its value starts and ends, in the bytes given to `reset`. */
  start = 0;
  valueStart = 0;
  valueEnd = 0;
  /** RFC 7606 §4: the field ends inside the attribute that would start at `start`. */
  overrun = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#bytes = bytes;
    this.#end = end;
    this.valueEnd = start;
    this.overrun = false;
    return this;
  }

  /** False at the end of the field, and where it is overrun. */
  next(): boolean {
    const bytes = this.#bytes;
    const at = this.valueEnd;
    this.start = at;
    if (at >= this.#end) return false;
    const flags = bytes[at] ?? 0;
    const extended = (flags & attributeFlag.extendedLength) !== 0;
    const valueStart = at + (extended ? 4 : 3);
    if (valueStart > this.#end) return this.#overrun(at + 1 < this.#end ? (bytes[at + 1] ?? 0) : 0);
    const type = bytes[at + 1] ?? 0;
    const length = extended ? ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0) : (bytes[at + 2] ?? 0);
    if (valueStart + length > this.#end) return this.#overrun(type);
    this.flags = flags;
    this.type = type;
    this.valueStart = valueStart;
    this.valueEnd = valueStart + length;
    return true;
  }

  #overrun(type: number): false {
    this.type = type;
    this.overrun = true;
    this.valueEnd = this.#end;
    return false;
  }
}
