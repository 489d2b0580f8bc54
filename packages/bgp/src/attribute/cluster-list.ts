/** CLUSTER_LIST, RFC 4456 §8: cluster ids, the last reflector first. */

import { formatIpv4 } from '../address.ts';
import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { decodeList, soundList } from './list.ts';

export const clusterList: AttributeDescriptor<'clusterList', readonly number[]> = {
  type: attributeType.clusterList,
  name: 'clusterList',
  title: 'CLUSTER_LIST',
  category: category.optionalNonTransitive,
  malformed: 'treat-as-withdraw',
  // RFC 7606 §7.10: from an external neighbour it is discarded.
  expected: (context) => context.peerType !== 'ebgp',
  decode: (reader) => decodeList(reader, 4, (item) => item.u32()),
  sound: soundList(4),
  encode(writer, value) {
    for (const id of value) writer.u32(id);
  },
  plain: (value) => value.map(formatIpv4),
};
