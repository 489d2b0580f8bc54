/** LOCAL_PREF, RFC 4271 §5.1.5. */

import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { soundSize } from './list.ts';

export const localPref: AttributeDescriptor<'localPref', number> = {
  type: attributeType.localPref,
  name: 'localPref',
  title: 'LOCAL_PREF',
  category: category.wellKnown,
  malformed: 'treat-as-withdraw',
  // RFC 7606 §7.5: received from an external neighbour it is discarded. RFC 5065 §5.1 allows it inside a confederation.
  expected: (context) => context.peerType !== 'ebgp',
  decode(reader) {
    const value = reader.u32();
    reader.end();
    return value;
  },
  sound: soundSize(4),
  encode(writer, value) {
    writer.u32(value);
  },
  plain: (value) => value,
};
