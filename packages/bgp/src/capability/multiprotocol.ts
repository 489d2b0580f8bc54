/** Multiprotocol Extensions, RFC 4760 §8. */

import { afiOf, type FamilyKey, familyKey, safiOf } from '../family/model.ts';
import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface MultiprotocolCapability {
  readonly kind: 'multiprotocol';
  readonly family: FamilyKey;
}

export const multiprotocol: CapabilityDescriptor<MultiprotocolCapability> = {
  code: capabilityCode.multiprotocol,
  kind: 'multiprotocol',
  decode(reader) {
    const afi = reader.u16();
    reader.u8();
    const safi = reader.u8();
    reader.end();
    return { kind: 'multiprotocol', family: familyKey(afi, safi) };
  },
  encode(writer, { family }) {
    writer.u16(afiOf(family));
    writer.u8(0);
    writer.u8(safiOf(family));
  },
};
