/**
 * A list of prefix ranges compiled for look-up: one map for each length that occurs, so that a match costs as many
 * look-ups as there are different lengths, however many prefixes there are.
 */
import { parsePrefix } from '../address.ts';
import type { PrefixRange } from './model.ts';

/** A prefix as tables hold it: 1 (IPv4) or 4 (IPv6) words. */
export interface PrefixWords {
  readonly words: 1 | 4;
  readonly length: number;
  word(index: number): number;
}

interface Bounds {
  readonly low: number;
  readonly high: number;
}

export class PrefixSet {
  /** Under words of the family, then length of the range's own prefix, then that prefix: the lengths it allows. */
  readonly #ranges = new Map<1 | 4, Map<number, Map<string, Bounds[]>>>();

  /** Throws `RangeError` naming a range that is no prefix or whose bounds are out of order. */
  constructor(ranges: readonly PrefixRange[]) {
    for (const range of ranges) this.#add(range);
  }

  has(prefix: PrefixWords): boolean {
    const lengths = this.#ranges.get(prefix.words);
    if (lengths === undefined) return false;
    for (const [length, prefixes] of lengths) {
      if (length > prefix.length) continue;
      const bounds = prefixes.get(keyOf(prefix, length));
      if (bounds?.some(({ low, high }) => prefix.length >= low && prefix.length <= high) === true) return true;
    }
    return false;
  }

  #add({ prefix: text, ge, le }: PrefixRange): void {
    const { address, length } = parsePrefix(text);
    const words = address.length === 4 ? 1 : 4;
    const low = ge ?? length;
    const high = le ?? (ge === undefined ? length : words * 32);
    if (!(length <= low && low <= high && high <= words * 32)) {
      throw new RangeError(`prefix range ${text} ge ${ge} le ${le}: expected ${length} <= ge <= le <= ${words * 32}`);
    }
    const view = new DataView(address.buffer, address.byteOffset, address.length);
    const key = keyOf({ words, length, word: (index) => view.getUint32(index * 4) }, length);
    const lengths = getOrMake(this.#ranges, words, () => new Map<number, Map<string, Bounds[]>>());
    getOrMake(
      getOrMake(lengths, length, () => new Map<string, Bounds[]>()),
      key,
      () => [],
    ).push({ low, high });
  }
}

/** The first `length` bits of a prefix. */
function keyOf(prefix: PrefixWords, length: number): string {
  let key = '';
  for (let index = 0; index * 32 < length; index++) {
    const kept = length - index * 32;
    const word = prefix.word(index);
    key += `${(kept >= 32 ? word : word & (-1 << (32 - kept))) >>> 0}:`;
  }
  return key;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
