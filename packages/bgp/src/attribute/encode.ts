/**
 * Encodes path attributes in order of type code (RFC 4271 §5), with the Extended Length bit only where it is needed, and
 * with AS4_PATH and AS4_AGGREGATOR for a two-octet peer (RFC 6793 §4.2.2). It writes what it is given: which attributes
 * may go to which peer is decided by the speaker.
 */

import { Writer } from '../wire/writer.ts';
import { makeAs4 } from './as4.ts';
import { type AttributeContext, type AttributeDescriptor, attributeFlag } from './descriptor.ts';
import { type AttributeValues, attributeDescriptors, type PathAttributes } from './registry.ts';

/** Writes one attribute: flags, type, length, then what `value` writes; a length over 255 takes the extended form. */
export function writeAttribute(writer: Writer, flags: number, type: number, value: (writer: Writer) => void): void {
  const start = writer.length;
  writer.u8(flags);
  writer.u8(type);
  writer.u8(0);
  value(writer);
  const size = writer.length - start - 3;
  if (size <= 255) {
    writer.patchU8(start + 2, size);
    return;
  }
  writer.insertU8(start + 2, 0);
  writer.patchU8(start, flags | attributeFlag.extendedLength);
  writer.patchU16(start + 2, size);
}

/** The attribute block of an UPDATE, without MP_REACH_NLRI and MP_UNREACH_NLRI. */
export function encodeAttributes(attributes: PathAttributes, context: AttributeContext): Uint8Array {
  const values: AttributeValues = context.fourOctetAs ? attributes : { ...attributes, ...makeAs4(attributes) };
  const unknown = [...(attributes.unknown ?? [])].sort((a, b) => a.type - b.type);
  const writer = new Writer();
  const writeUnknownBelow = (type: number): void => {
    for (let next = unknown[0]; next !== undefined && next.type < type; next = unknown[0]) {
      const { flags, type: code, value } = next;
      writeAttribute(writer, flags, code, (into) => into.append(value));
      unknown.shift();
    }
  };
  for (const descriptor of attributeDescriptors as readonly AttributeDescriptor<keyof AttributeValues, unknown>[]) {
    const value = values[descriptor.name];
    if (value === undefined) continue;
    writeUnknownBelow(descriptor.type);
    const partial = attributes.partial?.includes(descriptor.type) === true ? attributeFlag.partial : 0;
    writeAttribute(writer, descriptor.category | partial, descriptor.type, (into) =>
      descriptor.encode(into, value, context),
    );
  }
  writeUnknownBelow(256);
  return writer.finish();
}
