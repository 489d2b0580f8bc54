/**
 * The prefixes of one family, each under a dense number, in typed arrays: an open-addressing hash over address words
 * and length. No prefix is an object; a number that was removed is given out again.
 */
import { withRoom } from './column.ts';

const EMPTY = 0;
/** A removed entry in the middle of a run. Moving its followers up costs a cache miss each: a third of a withdraw of all. */
const REMOVED = -1;
/** Length of a number that is not in use. */
const FREE = 255;

export class PrefixTable {
  /** 32-bit words of an address: 1 or 4. */
  readonly words: 1 | 4;
  #address: Uint32Array<ArrayBufferLike> = new Uint32Array(64);
  #length: Uint8Array<ArrayBufferLike> = new Uint8Array(64);
  /** Prefix number plus one, EMPTY or REMOVED. */
  #slots = new Int32Array(128);
  #mask = 127;
  #freed: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #freedCount = 0;
  #limit = 0;
  #size = 0;
  #removedSlots = 0;

  constructor(words: 1 | 4) {
    this.words = words;
  }

  get size(): number {
    return this.#size;
  }

  /** All numbers in use are below this. */
  get limit(): number {
    return this.#limit;
  }

  /** The number of a prefix, or -1. The words behind the first are 0 for IPv4, as the bits behind `length` are. */
  find(word0: number, word1: number, word2: number, word3: number, length: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = this.#hash(word0, word1, word2, word3, length) & mask;
    for (;;) {
      const entry = slots[slot] ?? EMPTY;
      if (entry === EMPTY) return -1;
      if (entry !== REMOVED && this.#matches(entry - 1, word0, word1, word2, word3, length)) return entry - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** The number of a prefix, which gets one if it has none. */
  add(word0: number, word1: number, word2: number, word3: number, length: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = this.#hash(word0, word1, word2, word3, length) & mask;
    let reusable = -1;
    for (;;) {
      const entry = slots[slot] ?? EMPTY;
      if (entry === EMPTY) break;
      if (entry === REMOVED) reusable = reusable < 0 ? slot : reusable;
      else if (this.#matches(entry - 1, word0, word1, word2, word3, length)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const id = this.#freedCount > 0 ? (this.#freed[--this.#freedCount] ?? 0) : this.#limit++;
    this.#length = withRoom(this.#length, id);
    this.#address = withRoom(this.#address, (id + 1) * this.words - 1);
    const at = id * this.words;
    this.#length[id] = length;
    this.#address[at] = word0;
    if (this.words === 4) {
      this.#address[at + 1] = word1;
      this.#address[at + 2] = word2;
      this.#address[at + 3] = word3;
    }
    if (reusable >= 0) {
      slot = reusable;
      this.#removedSlots--;
    }
    slots[slot] = id + 1;
    this.#size++;
    if ((this.#size + this.#removedSlots) * 2 > mask) this.#rehash();
    return id;
  }

  /** Forgets a prefix; its number may be given to another one from now on. */
  remove(id: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = this.#hashOf(id) & mask;
    while (slots[slot] !== id + 1) {
      if (slots[slot] === EMPTY) throw new RangeError(`no prefix ${id}`);
      slot = (slot + 1) & mask;
    }
    if (slots[(slot + 1) & mask] === EMPTY) {
      // The end of a run: it and removed entries before it are empty again.
      slots[slot] = EMPTY;
      for (let last = (slot - 1) & mask; slots[last] === REMOVED; last = (last - 1) & mask) {
        slots[last] = EMPTY;
        this.#removedSlots--;
      }
    } else {
      slots[slot] = REMOVED;
      this.#removedSlots++;
    }
    this.#length[id] = FREE;
    this.#size--;
    this.#freed = withRoom(this.#freed, this.#freedCount);
    this.#freed[this.#freedCount++] = id;
  }

  lengthOf(id: number): number {
    return this.#length[id] ?? 0;
  }

  /** Word `index` of the address, counted from the most significant. */
  wordOf(id: number, index: number): number {
    return this.#address[id * this.words + index] ?? 0;
  }

  /** Writes the NLRI of `id` at `at` and returns the offset behind it; needs at most 1 + 4 * words bytes. */
  write(id: number, target: Uint8Array, at: number): number {
    const bits = this.#length[id] ?? 0;
    target[at] = bits;
    let next = at + 1;
    const end = next + ((bits + 7) >> 3);
    for (let word = id * this.words; next < end; word++) {
      const value = this.#address[word] ?? 0;
      target[next] = value >>> 24;
      target[next + 1] = value >>> 16;
      target[next + 2] = value >>> 8;
      target[next + 3] = value;
      next += 4;
    }
    return end;
  }

  #matches(id: number, word0: number, word1: number, word2: number, word3: number, length: number): boolean {
    if (this.words === 1) return this.#address[id] === word0 && this.#length[id] === length;
    const at = id * 4;
    return (
      this.#address[at] === word0 &&
      this.#address[at + 1] === word1 &&
      this.#address[at + 2] === word2 &&
      this.#address[at + 3] === word3 &&
      this.#length[id] === length
    );
  }

  #hashOf(id: number): number {
    const at = id * this.words;
    const address = this.#address;
    if (this.words === 1) return this.#hash(address[at] ?? 0, 0, 0, 0, this.#length[id] ?? 0);
    return this.#hash(
      address[at] ?? 0,
      address[at + 1] ?? 0,
      address[at + 2] ?? 0,
      address[at + 3] ?? 0,
      this.#length[id] ?? 0,
    );
  }

  #hash(word0: number, word1: number, word2: number, word3: number, length: number): number {
    let hash = Math.imul(word0 ^ (length << 3), 0x9e3779b1);
    if (this.words === 4) {
      hash = Math.imul(hash ^ (hash >>> 15) ^ word1, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 13) ^ word2, 0xc2b2ae35);
      hash = Math.imul(hash ^ (hash >>> 16) ^ word3, 0x27d4eb2f);
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  /** Twice as large, or only without removed entries where those are what fills it. */
  #rehash(): void {
    const grows = this.#size * 4 > this.#mask;
    const slots = new Int32Array(this.#slots.length * (grows ? 2 : 1));
    const mask = slots.length - 1;
    // In order of number, so that addresses are read one after the other: half the time of going by slots.
    for (let id = 0; id < this.#limit; id++) {
      if (this.#length[id] === FREE) continue;
      let slot = this.#hashOf(id) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
    this.#mask = mask;
    this.#removedSlots = 0;
  }
}
