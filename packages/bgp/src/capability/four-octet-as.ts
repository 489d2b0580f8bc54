/** Four-octet AS number, RFC 6793 §3. */

import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface FourOctetAsCapability {
  readonly kind: 'four-octet-as';
  readonly asn: number;
}

export const fourOctetAs: CapabilityDescriptor<FourOctetAsCapability> = {
  code: capabilityCode.fourOctetAs,
  kind: 'four-octet-as',
  decode(reader) {
    const asn = reader.u32();
    reader.end();
    return { kind: 'four-octet-as', asn };
  },
  encode(writer, { asn }) {
    writer.u32(asn);
  },
};
