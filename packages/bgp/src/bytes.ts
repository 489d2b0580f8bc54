/** Bytes of one's own. */

export const noBytes = new Uint8Array(0);

/** A copy that is a plain `Uint8Array`. `slice()` would not do: on a Node Buffer it gives a view of the same memory. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
