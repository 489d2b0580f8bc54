/** What a capability (RFC 5492) is to the codec: one value of this type a capability, each in a file of its own. */

import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

export interface CapabilityDescriptor<C extends { readonly kind: string }> {
  readonly code: number;
  readonly kind: C['kind'];
  /** Reads the whole window. Throws `Malformed`. */
  decode(reader: Reader): C;
  encode(writer: Writer, capability: C): void;
}
