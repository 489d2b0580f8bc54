/** NEXT_HOP, RFC 4271 §5.1.3: the IPv4 next hop of the NLRI field, as an unsigned 32-bit number. */

import { formatIpv4 } from '../address.ts';
import { Malformed } from '../errors.ts';
import { attributeType, updateSubcode } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';

/** RFC 4271 §6.3: "the NEXT_HOP attribute represents a valid IP host address": not 0/8, nor above 223/8. */
function isHostAddress(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first < 224;
}

export const nextHop: AttributeDescriptor<'nextHop', number> = {
  type: attributeType.nextHop,
  name: 'nextHop',
  title: 'NEXT_HOP',
  category: category.wellKnown,
  malformed: 'treat-as-withdraw',
  valueSubcode: updateSubcode.invalidNextHopAttribute,
  decode(reader) {
    const address = reader.u32();
    reader.end();
    if (!isHostAddress(address)) throw new Malformed('value', 'not an IP host address');
    return address;
  },
  sound: (bytes, start, end) => end - start === 4 && isHostAddress((bytes[start] ?? 0) << 24),
  encode(writer, value) {
    writer.u32(value);
  },
  plain: formatIpv4,
};
