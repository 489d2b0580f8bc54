/** Names the attribute of a request that the kernel pointed at by its offset (NLMSGERR_ATTR_OFFS). */
import { NLA_HDRLEN } from '../constants/netlink.ts';
import { Reader } from '../wire/reader.ts';
import type { NamedAttributes } from './kind.ts';

/**
 * @param message The request, from its nlmsghdr on.
 * @param start Offset of the first attribute.
 * @param offset What the kernel gave: an offset from the beginning of the message, to the header of the attribute or into it.
 * @returns A path such as `RTA_METRICS/RTAX_MTU`; undefined when the offset is not inside of an attribute.
 */
export function locateAttribute(
  message: Uint8Array,
  start: number,
  offset: number,
  space: NamedAttributes,
): string | undefined {
  if (start > message.length || offset < start || offset >= message.length) return undefined;
  const reader = new Reader(message, start);
  const path: string[] = [];
  return descend(reader, offset, space, path) ? path.join('/') : undefined;
}

function descend(reader: Reader, offset: number, space: NamedAttributes, path: string[]): boolean {
  while (reader.remaining >= NLA_HDRLEN) {
    const at = reader.offset;
    const length = reader.u16();
    const type = reader.u16();
    if (length < NLA_HDRLEN || length - NLA_HDRLEN > reader.remaining) return false;
    const payload = reader.window(length - NLA_HDRLEN);
    reader.skipPadding(length);
    if (offset >= reader.offset) continue;
    path.push(space.nameOf(type));
    const inner = space.kindOf(type)?.nested;
    if (inner !== undefined && offset >= at + NLA_HDRLEN) descend(payload, offset, inner, path);
    return true;
  }
  return false;
}
