/** ATOMIC_AGGREGATE, RFC 4271 §5.1.6: `true` when the attribute is there. */

import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';
import { soundSize } from './list.ts';

export const atomicAggregate: AttributeDescriptor<'atomicAggregate', true> = {
  type: attributeType.atomicAggregate,
  name: 'atomicAggregate',
  title: 'ATOMIC_AGGREGATE',
  category: category.wellKnown,
  malformed: 'attribute-discard',
  decode(reader) {
    reader.end();
    return true;
  },
  sound: soundSize(0),
  encode() {},
  plain: (value) => value,
};
