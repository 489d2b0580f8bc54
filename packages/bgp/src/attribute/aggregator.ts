/** AGGREGATOR, RFC 4271 §5.1.7, in two or four octets for the AS number (RFC 6793 §4). */

import { formatIpv4 } from '../address.ts';
import { Malformed } from '../errors.ts';
import { asTrans, attributeType } from '../iana.ts';
import type { Plain } from '../wire/plain.ts';
import type { Reader } from '../wire/reader.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';

export interface Aggregator {
  readonly asn: number;
  /** The aggregating speaker's BGP Identifier as an unsigned 32-bit number. */
  readonly address: number;
}

export function decodeAggregator(reader: Reader, asnBytes: 2 | 4): Aggregator {
  const asn = asnBytes === 4 ? reader.u32() : reader.u16();
  const address = reader.u32();
  reader.end();
  // RFC 7607 §2: "MUST be considered malformed".
  if (asn === 0) throw new Malformed('value', 'AS number 0');
  return { asn, address };
}

export const plainAggregator = ({ asn, address }: Aggregator): Plain => ({ asn, address: formatIpv4(address) });

export const aggregator: AttributeDescriptor<'aggregator', Aggregator> = {
  type: attributeType.aggregator,
  name: 'aggregator',
  title: 'AGGREGATOR',
  category: category.optionalTransitive,
  malformed: 'attribute-discard',
  decode: (reader, context) => decodeAggregator(reader, context.fourOctetAs ? 4 : 2),
  sound: (bytes, start, end, { fourOctetAs }) =>
    fourOctetAs && end - start === 8 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(start) !== 0,
  encode(writer, { asn, address }, context) {
    if (context.fourOctetAs) writer.u32(asn);
    else writer.u16(asn > 0xffff ? asTrans : asn);
    writer.u32(address);
  },
  plain: plainAggregator,
};
