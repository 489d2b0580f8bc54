/** Attributes that are one number of four octets. */
import type { Plain } from '../wire/plain.ts';
import type { AttributeDescriptor } from './descriptor.ts';
import { soundSize } from './list.ts';

type Coding = 'decode' | 'sound' | 'encode' | 'plain';

/** The descriptor of an attribute whose value is a u32; `plain`: as people write it, a number when left out. */
export function numberAttribute<Name extends string>(
  about: Omit<AttributeDescriptor<Name, number>, Coding>,
  plain: (value: number) => Plain = (value) => value,
): AttributeDescriptor<Name, number> {
  return {
    ...about,
    decode(reader) {
      const value = reader.u32();
      reader.end();
      return value;
    },
    sound: soundSize(4),
    encode(writer, value) {
      writer.u32(value);
    },
    plain,
  };
}
