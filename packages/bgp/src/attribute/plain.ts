/** Path attributes as people write them, under the names of `PathAttributes`. */

import type { Plain } from '../wire/plain.ts';
import { hexOf } from '../wire/text.ts';
import type { AttributeDescriptor } from './descriptor.ts';
import { type AttributeValues, attributeDescriptors, type PathAttributes } from './registry.ts';

/** In order of type code; attributes without a descriptor come under `unknown`, their values in hex. */
export function plainAttributes(attributes: PathAttributes): Record<string, Plain> {
  const plain: Record<string, Plain> = {};
  const values: AttributeValues = attributes;
  for (const descriptor of attributeDescriptors as readonly AttributeDescriptor<keyof AttributeValues, unknown>[]) {
    const value = values[descriptor.name];
    if (value !== undefined) plain[descriptor.name] = descriptor.plain(value);
  }
  if (attributes.unknown !== undefined) {
    plain['unknown'] = attributes.unknown.map(({ type, flags, value }) => ({ type, flags, value: hexOf(value) }));
  }
  return plain;
}
