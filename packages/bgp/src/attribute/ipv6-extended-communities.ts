/** IPv6 Address Specific Extended Communities, RFC 5701: 20 bytes each, as they are on the wire. */

import { copyOf } from '../bytes.ts';
import { attributeType } from '../iana.ts';
import { hexOf } from '../wire/text.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { decodeList } from './list.ts';

export const ipv6ExtendedCommunities: AttributeDescriptor<'ipv6ExtendedCommunities', readonly Uint8Array[]> = {
  type: attributeType.ipv6ExtendedCommunities,
  name: 'ipv6ExtendedCommunities',
  title: 'IPV6 EXTENDED COMMUNITIES',
  category: category.optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode: (reader) => decodeList(reader, 20, (item) => copyOf(item.take(20))),
  encode(writer, value) {
    for (const community of value) writer.append(community);
  },
  plain: (value) => value.map(hexOf),
};
