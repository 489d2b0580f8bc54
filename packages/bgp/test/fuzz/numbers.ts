/** Random numbers for generators: from a seed, the same in every run. */

import { SeededRandom } from '../../src/simulator/seeded-random.ts';

export interface Numbers {
  /** A whole number from 0 to below `n`. */
  below(n: number): number;
  /** True once in `n` times. */
  oneIn(n: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  bytes(count: number): number[];
}

export function numbersFrom(seed: number): Numbers {
  const random = new SeededRandom(seed);
  const below = (n: number): number => Math.floor(random.next() * n);
  return {
    below,
    oneIn: (n) => below(n) === 0,
    pick: (items) => items[below(items.length)] ?? items[0],
    bytes: (count) => Array.from({ length: count }, () => below(256)),
  };
}
