/** ADD-PATH, RFC 7911 §4. */

import { afiOf, type FamilyKey, familyKey, safiOf } from '../family/model.ts';
import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface AddPathCapability {
  readonly kind: 'add-path';
  /** What the sender of the OPEN can do, for each family. */
  readonly families: readonly { readonly family: FamilyKey; readonly receive: boolean; readonly send: boolean }[];
}

const bit = { receive: 1, send: 2 } as const;

export const addPath: CapabilityDescriptor<AddPathCapability> = {
  code: capabilityCode.addPath,
  kind: 'add-path',
  decode(reader) {
    const families: { family: FamilyKey; receive: boolean; send: boolean }[] = [];
    while (reader.remaining > 0) {
      const family = familyKey(reader.u16(), reader.u8());
      const mode = reader.u8();
      // RFC 7911 §4: "If any other value is received, then the capability SHOULD be treated as not understood and ignored."
      if (mode >= 1 && mode <= 3) {
        families.push({ family, receive: (mode & bit.receive) !== 0, send: (mode & bit.send) !== 0 });
      }
    }
    return { kind: 'add-path', families };
  },
  encode(writer, { families }) {
    for (const { family, receive, send } of families) {
      writer.u16(afiOf(family));
      writer.u8(safiOf(family));
      writer.u8((receive ? bit.receive : 0) | (send ? bit.send : 0));
    }
  },
};
