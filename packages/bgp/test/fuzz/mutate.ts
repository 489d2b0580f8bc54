/** Changes to bytes that know nothing of their meaning, and one that puts a message's header right again. */

import type { Numbers } from './numbers.ts';

const telling: readonly [number, ...number[]] = [0, 1, 2, 4, 16, 32, 33, 64, 127, 128, 129, 254, 255];

/** One to six changes; `other` gives pieces to splice in. */
export function mutate(n: Numbers, input: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = Array.from(input);
  for (let changes = 1 + n.below(6); changes > 0; changes--) {
    const at = n.below(bytes.length + 1);
    switch (n.below(7)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << n.below(8));
        break;
      case 1:
        bytes[at] = n.pick(telling);
        break;
      case 2:
        bytes.splice(at, n.below(8));
        break;
      case 3:
        bytes.splice(at, 0, ...n.bytes(n.below(8)));
        break;
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + n.below(40)));
        break;
      case 5: {
        const from = n.below(other.length + 1);
        bytes.splice(at, n.below(20), ...other.subarray(from, from + n.below(40)));
        break;
      }
      default:
        bytes.length = at;
    }
  }
  return Uint8Array.from(bytes);
}

/** Most mutated messages get a good header, or nothing behind it would be looked at. */
export function withHeader(bytes: Uint8Array, type: number): Uint8Array {
  const body = bytes.subarray(19);
  const message = new Uint8Array(19 + body.length).fill(255, 0, 16);
  message.set([message.length >>> 8, message.length & 255, type], 16);
  message.set(body, 19);
  return message;
}
