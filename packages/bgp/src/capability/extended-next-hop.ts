/** Extended Next Hop Encoding, RFC 8950 §4. */

import { afiOf, type FamilyKey, familyKey, safiOf } from '../family/model.ts';
import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface ExtendedNextHopCapability {
  readonly kind: 'extended-next-hop';
  readonly entries: readonly { readonly family: FamilyKey; readonly nextHopAfi: number }[];
}

export const extendedNextHop: CapabilityDescriptor<ExtendedNextHopCapability> = {
  code: capabilityCode.extendedNextHop,
  kind: 'extended-next-hop',
  decode(reader) {
    const entries: { family: FamilyKey; nextHopAfi: number }[] = [];
    while (reader.remaining > 0) {
      entries.push({ family: familyKey(reader.u16(), reader.u16() & 0xff), nextHopAfi: reader.u16() });
    }
    return { kind: 'extended-next-hop', entries };
  },
  encode(writer, { entries }) {
    for (const { family, nextHopAfi } of entries) {
      writer.u16(afiOf(family));
      writer.u16(safiOf(family));
      writer.u16(nextHopAfi);
    }
  },
};
