/** Software Version, draft-ietf-idr-bgp-software-version-capability-03 §2. */

import { capabilityCode } from '../iana.ts';
import { decodeText, encodeText } from '../wire/text.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface SoftwareVersionCapability {
  readonly kind: 'software-version';
  readonly version: string;
}

export const softwareVersion: CapabilityDescriptor<SoftwareVersionCapability> = {
  code: capabilityCode.softwareVersion,
  kind: 'software-version',
  decode(reader) {
    const version = decodeText(reader.take(reader.u8()));
    reader.end();
    return { kind: 'software-version', version };
  },
  encode(writer, { version }) {
    writer.sized(1, () => writer.append(encodeText(version)));
  },
};
