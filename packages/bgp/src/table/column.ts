/**
 * Typed-array columns indexed by a dense id. A column grows by doubling; callers keep the returned array. This module
 * knows nothing of what a column means.
 */

type Column = Int32Array | Uint32Array | Uint16Array | Uint8Array;

const FIRST_CAPACITY = 64;

/** The same column, with room for `index`; new cells are zero. */
export function withRoom<T extends Column>(column: T, index: number): T {
  if (index < column.length) return column;
  let capacity = Math.max(column.length, FIRST_CAPACITY);
  while (capacity <= index) capacity *= 2;
  const grown = new (column.constructor as new (length: number) => T)(capacity);
  grown.set(column);
  return grown;
}
