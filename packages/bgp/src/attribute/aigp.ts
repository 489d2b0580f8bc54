/** AIGP, RFC 7311 §3: TLVs, of which type 1 is the accumulated metric in 8 bytes. */

import { copyOf } from '../bytes.ts';
import { Malformed } from '../errors.ts';
import { attributeType } from '../iana.ts';
import { hexOf } from '../wire/text.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';

export interface AigpTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

const metricTlv = 1;

/** The accumulated metric: the first TLV of type 1 counts (RFC 7311 §3). */
export function aigpMetric(tlvs: readonly AigpTlv[]): bigint | undefined {
  const tlv = tlvs.find(({ type }) => type === metricTlv);
  return tlv?.value.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

export const aigp: AttributeDescriptor<'aigp', readonly AigpTlv[]> = {
  type: attributeType.aigp,
  name: 'aigp',
  title: 'AIGP',
  category: category.optionalNonTransitive,
  // RFC 7311 §3.1: "MUST be discarded", the rest of the UPDATE is used.
  malformed: 'attribute-discard',
  decode(reader) {
    const tlvs: AigpTlv[] = [];
    while (reader.remaining > 0) {
      const type = reader.u8();
      const length = reader.u16();
      if (length < 3 || (type === metricTlv && length !== 11)) {
        throw new Malformed('length', `TLV of type ${type} with length ${length}`);
      }
      tlvs.push({ type, value: copyOf(reader.take(length - 3)) });
    }
    if (tlvs.length === 0) throw new Malformed('length', 'no TLV');
    return tlvs;
  },
  encode(writer, value) {
    for (const tlv of value) {
      writer.u8(tlv.type);
      writer.u16(tlv.value.length + 3);
      writer.append(tlv.value);
    }
  },
  plain: (value) => value.map(({ type, value: bytes }) => ({ type, value: hexOf(bytes) })),
};
