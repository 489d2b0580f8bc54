/** MULTI_EXIT_DISC, RFC 4271 §5.1.4. */

import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { soundSize } from './list.ts';

export const multiExitDisc: AttributeDescriptor<'multiExitDisc', number> = {
  type: attributeType.multiExitDisc,
  name: 'multiExitDisc',
  title: 'MULTI_EXIT_DISC',
  category: category.optionalNonTransitive,
  malformed: 'treat-as-withdraw',
  decode(reader) {
    const value = reader.u32();
    reader.end();
    return value;
  },
  sound: soundSize(4),
  encode(writer, value) {
    writer.u32(value);
  },
  plain: (value) => value,
};
