/** FQDN, draft-walton-bgp-hostname-capability: names for people, so bytes that are not UTF-8 are replaced, not refused. */

import { capabilityCode } from '../iana.ts';
import { decodeText, encodeText } from '../wire/text.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface FqdnCapability {
  readonly kind: 'fqdn';
  readonly hostname: string;
  readonly domain: string;
}

export const fqdn: CapabilityDescriptor<FqdnCapability> = {
  code: capabilityCode.fqdn,
  kind: 'fqdn',
  decode(reader) {
    const hostname = decodeText(reader.take(reader.u8()));
    const domain = decodeText(reader.take(reader.u8()));
    reader.end();
    return { kind: 'fqdn', hostname, domain };
  },
  encode(writer, { hostname, domain }) {
    writer.sized(1, () => writer.append(encodeText(hostname)));
    writer.sized(1, () => writer.append(encodeText(domain)));
  },
};
