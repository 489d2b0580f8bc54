/** EXTENDED COMMUNITIES, RFC 4360: each an unsigned 64-bit number, type and sub-type in its top 16 bits. */

import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { decodeList, soundList } from './list.ts';

export const extendedCommunities: AttributeDescriptor<'extendedCommunities', readonly bigint[]> = {
  type: attributeType.extendedCommunities,
  name: 'extendedCommunities',
  title: 'EXTENDED COMMUNITIES',
  category: category.optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode: (reader) => decodeList(reader, 8, (item) => item.u64()),
  sound: soundList(8),
  encode(writer, value) {
    for (const community of value) writer.u64(community);
  },
  plain: (value) => value.map((community) => community.toString(16).padStart(16, '0')),
};
