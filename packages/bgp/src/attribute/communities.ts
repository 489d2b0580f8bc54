/** COMMUNITIES, RFC 1997: 32-bit values, `asn * 65536 + value`. */

import { attributeType, nameOf, wellKnownCommunity } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { decodeList, soundList } from './list.ts';

const wellKnown: ReadonlySet<number> = new Set(Object.values(wellKnownCommunity));

/** "65000:1", or the name of a well-known community: "no export". */
export function formatCommunity(community: number): string {
  if (wellKnown.has(community)) return nameOf(wellKnownCommunity, community).replaceAll(' ', '-');
  return `${community >>> 16}:${community & 0xffff}`;
}

export const communities: AttributeDescriptor<'communities', readonly number[]> = {
  type: attributeType.communities,
  name: 'communities',
  title: 'COMMUNITIES',
  category: category.optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode: (reader) => decodeList(reader, 4, (item) => item.u32()),
  sound: soundList(4),
  encode(writer, value) {
    for (const community of value) writer.u32(community);
  },
  plain: (value) => value.map(formatCommunity),
};
