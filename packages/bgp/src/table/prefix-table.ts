/**
 * The prefixes of one family, each under a dense number, in typed arrays: an open-addressing hash over address words
 * and length. No prefix is an object; a number that was removed is given out again. The hash grows a few slots with each
 * prefix that is added, so that no call takes long however large the table is.
 */
import { withRoom } from './column.ts';

const EMPTY = 0;
/** A removed entry in the middle of a run. Moving its followers up costs a cache miss each: a third of a withdraw of all. */
const REMOVED = -1;
/** Length of a number that is not in use. */
const FREE = 255;
/**
 * Slots that neighbouring prefixes share: a cache line. Prefixes of one origin come, and go, together: a full table is
 * added in two thirds and withdrawn in half of the time that scattered ones take.
 */
const GROUP = 16;
/** Slots of the former hash that move on with each prefix added. It is empty long before the new one is full. */
const MOVED_SLOTS = 16;
const FIRST_SLOTS = 128;

export class PrefixTable {
  /** 32-bit words of an address: 1 or 4. */
  readonly words: 1 | 4;
  #address: Uint32Array<ArrayBufferLike> = new Uint32Array(64);
  #length: Uint8Array<ArrayBufferLike> = new Uint8Array(64);
  /** Prefix number plus one, EMPTY or REMOVED. */
  #slots = new Int32Array(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  /** The hash that is being left: entries from `#moved` on are still there. A power of two of slots; none: all moved. */
  #former = new Int32Array(0);
  #moved = 0;
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
    const hash = this.#hash(word0, word1, word2, word3, length);
    const id = this.#findIn(this.#slots, hash, word0, word1, word2, word3, length);
    if (id >= 0 || this.#former.length === 0) return id;
    return this.#findIn(this.#former, hash, word0, word1, word2, word3, length);
  }

  /** The number of a prefix, which gets one if it has none. */
  add(word0: number, word1: number, word2: number, word3: number, length: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const hash = this.#hash(word0, word1, word2, word3, length);
    let slot = hash & mask;
    let reusable = -1;
    for (;;) {
      const entry = slots[slot] ?? EMPTY;
      if (entry === EMPTY) break;
      if (entry === REMOVED) reusable = reusable < 0 ? slot : reusable;
      else if (this.#matches(entry - 1, word0, word1, word2, word3, length)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    if (this.#former.length > 0) {
      const known = this.#findIn(this.#former, hash, word0, word1, word2, word3, length);
      if (known >= 0) return known;
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
    if (this.#former.length > 0) this.#moveSome();
    else if ((this.#size + this.#removedSlots) * 2 > mask) this.#renew();
    return id;
  }

  /** Forgets a prefix; its number may be given to another one from now on. */
  remove(id: number): void {
    if (!this.#vacate(id, this.#hashOf(id))) throw new RangeError(`no prefix ${id}`);
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

  /** Its lowest bits are those that tell neighbours apart; the others are mixed from what neighbours have in common. */
  #hash(word0: number, word1: number, word2: number, word3: number, length: number): number {
    let last = word0;
    let hash = 0;
    if (this.words === 1) {
      if (length <= 24) last >>>= 8;
    } else {
      hash = Math.imul(word0, 0x85ebca6b);
      if (length <= 64) {
        last = length <= 48 ? word1 >>> 16 : word1;
      } else {
        hash = Math.imul(hash ^ (hash >>> 15) ^ word1, 0xc2b2ae35);
        hash = Math.imul(hash ^ (hash >>> 13) ^ word2, 0x27d4eb2f);
        last = word3;
      }
    }
    hash = Math.imul(hash ^ (hash >>> 16) ^ Math.floor(last / GROUP), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return ((hash ^ (hash >>> 13)) & -GROUP) | ((last + length) & (GROUP - 1));
  }

  #findIn(
    slots: Int32Array,
    hash: number,
    word0: number,
    word1: number,
    word2: number,
    word3: number,
    length: number,
  ): number {
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] ?? EMPTY;
      if (entry === EMPTY) return -1;
      if (entry !== REMOVED && this.#matches(entry - 1, word0, word1, word2, word3, length)) return entry - 1;
    }
  }

  /** Empties the slot of `id`. False when it has none. */
  #vacate(id: number, hash: number): boolean {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hash & mask;
    while (slots[slot] !== id + 1) {
      if (slots[slot] === EMPTY) return this.#vacateFormer(id, hash);
      slot = (slot + 1) & mask;
    }
    if (slots[(slot + 1) & mask] !== EMPTY) {
      slots[slot] = REMOVED;
      this.#removedSlots++;
      return true;
    }
    // The end of a run: it and removed entries before it are empty again.
    slots[slot] = EMPTY;
    for (let last = (slot - 1) & mask; slots[last] === REMOVED; last = (last - 1) & mask) {
      slots[last] = EMPTY;
      this.#removedSlots--;
    }
    return true;
  }

  #vacateFormer(id: number, hash: number): boolean {
    const former = this.#former;
    const mask = former.length - 1;
    for (let slot = hash & mask; former.length > 0 && former[slot] !== EMPTY; slot = (slot + 1) & mask) {
      if (former[slot] !== id + 1) continue;
      former[slot] = REMOVED;
      return true;
    }
    return false;
  }

  /** Begins a hash twice as large, or one without removed entries where those are what fills it. */
  #renew(): void {
    this.#former = this.#slots;
    this.#moved = 0;
    this.#slots = new Int32Array(this.#former.length * (this.#size * 4 > this.#mask ? 2 : 1));
    this.#mask = this.#slots.length - 1;
    this.#removedSlots = 0;
  }

  #moveSome(): void {
    const former = this.#former;
    const slots = this.#slots;
    const mask = this.#mask;
    const end = Math.min(this.#moved + MOVED_SLOTS, former.length);
    for (let from = this.#moved; from < end; from++) {
      const entry = former[from] ?? EMPTY;
      if (entry === EMPTY || entry === REMOVED) continue;
      let slot = this.#hashOf(entry - 1) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = entry;
      // Those behind it in the run are still looked for past this one.
      former[from] = REMOVED;
    }
    this.#moved = end;
    if (end === former.length) this.#former = new Int32Array(0);
  }
}
