/**
 * A set of dense ids as a bitmap: what has to be looked at again. One bit an id bounds what a slow reader can cost, and
 * adding an id twice is free, so a reader that comes late sees each id once (the latest state is looked up then).
 */
import { withRoom } from './column.ts';

export class DirtySet {
  #words = new Int32Array(4);
  #size = 0;
  /** All set bits lie in words `#low` to `#high`. */
  #low = 0;
  #high = -1;

  get size(): number {
    return this.#size;
  }

  add(id: number): void {
    const word = id >>> 5;
    if (word >= this.#words.length) this.#words = withRoom(this.#words, word);
    const present = this.#words[word] ?? 0;
    const bit = 1 << (id & 31);
    if ((present & bit) !== 0) return;
    this.#words[word] = present | bit;
    if (this.#size === 0) {
      this.#low = word;
      this.#high = word;
    } else {
      if (word < this.#low) this.#low = word;
      if (word > this.#high) this.#high = word;
    }
    this.#size++;
  }

  /** True when the id was there. */
  delete(id: number): boolean {
    if (!this.has(id)) return false;
    const word = id >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (id & 31));
    this.#size--;
    return true;
  }

  has(id: number): boolean {
    return ((this.#words[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }

  /** Moves up to `into.length` ids, the smallest first, out of the set into `into`; returns how many. */
  take(into: Int32Array): number {
    const words = this.#words;
    const limit = Math.min(into.length, this.#size);
    let count = 0;
    let word = this.#low;
    while (count < limit) {
      let bits = words[word] ?? 0;
      while (bits !== 0 && count < limit) {
        const bit = bits & -bits;
        into[count++] = (word << 5) + 31 - Math.clz32(bit);
        bits ^= bit;
      }
      words[word] = bits;
      if (bits === 0) word++;
    }
    this.#low = word;
    this.#size -= count;
    return count;
  }
}
