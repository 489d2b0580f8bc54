/** BGP Extended Message, RFC 8654 §3. */

import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface ExtendedMessageCapability {
  readonly kind: 'extended-message';
}

export const extendedMessage: CapabilityDescriptor<ExtendedMessageCapability> = {
  code: capabilityCode.extendedMessage,
  kind: 'extended-message',
  decode(reader) {
    reader.end();
    return { kind: 'extended-message' };
  },
  encode() {},
};
