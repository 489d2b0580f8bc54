/** ORIGIN, RFC 4271 §5.1.1. */

import { Malformed } from '../errors.ts';
import { attributeType, updateSubcode } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';

/** In order of code and of preference (RFC 4271 §9.1.2.2 b). */
export const origins = ['igp', 'egp', 'incomplete'] as const;
export type Origin = (typeof origins)[number];

export const origin: AttributeDescriptor<'origin', Origin> = {
  type: attributeType.origin,
  name: 'origin',
  title: 'ORIGIN',
  category: category.wellKnown,
  malformed: 'treat-as-withdraw',
  valueSubcode: updateSubcode.invalidOriginAttribute,
  decode(reader) {
    const code = reader.u8();
    reader.end();
    const value = origins[code];
    if (value === undefined) throw new Malformed('value', `undefined origin ${code}`);
    return value;
  },
  sound: (bytes, start, end) => end - start === 1 && (bytes[start] ?? origins.length) < origins.length,
  encode(writer, value) {
    writer.u8(origins.indexOf(value));
  },
  plain: (value) => value,
};
