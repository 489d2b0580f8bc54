/** ORIGINATOR_ID, RFC 4456 §8: the BGP Identifier of the speaker that brought the route into the AS. */

import { formatIpv4 } from '../address.ts';
import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { soundSize } from './list.ts';

export const originatorId: AttributeDescriptor<'originatorId', number> = {
  type: attributeType.originatorId,
  name: 'originatorId',
  title: 'ORIGINATOR_ID',
  category: category.optionalNonTransitive,
  malformed: 'treat-as-withdraw',
  // RFC 7606 §7.9: from an external neighbour it is discarded.
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
  plain: formatIpv4,
};
