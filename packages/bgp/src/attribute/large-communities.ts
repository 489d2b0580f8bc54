/** LARGE_COMMUNITY, RFC 8092. */

import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { decodeList, soundList } from './list.ts';

/** Global Administrator, Local Data Part 1, Local Data Part 2: unsigned 32-bit numbers. */
export type LargeCommunity = readonly [global: number, local1: number, local2: number];

export const largeCommunities: AttributeDescriptor<'largeCommunities', readonly LargeCommunity[]> = {
  type: attributeType.largeCommunities,
  name: 'largeCommunities',
  title: 'LARGE_COMMUNITY',
  category: category.optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode: (reader) => decodeList(reader, 12, (item): LargeCommunity => [item.u32(), item.u32(), item.u32()]),
  sound: soundList(12),
  encode(writer, value) {
    for (const community of value) for (const part of community) writer.u32(part);
  },
  plain: (value) => value.map((community) => community.join(':')),
};
