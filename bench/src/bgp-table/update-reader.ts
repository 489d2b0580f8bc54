/** What a sink counts of an UPDATE, without decoding it: a sink must not be what is measured. */
import { attributeType } from '@routelet/bgp/codec';

export interface UpdateCounts {
  readonly announced: number;
  readonly withdrawn: number;
  /** Numbers in the first segment of AS_PATH. */
  readonly pathLength: number;
}

const HEADER = 19;
const EXTENDED = 0x10;

/** `message`: whole, of a speaker that makes no mistakes, with IPv4 in its fields and IPv6 in MP attributes. */
export function readUpdate(message: Buffer): UpdateCounts {
  const withdrawnEnd = HEADER + 2 + message.readUInt16BE(HEADER);
  const attributesEnd = withdrawnEnd + 2 + message.readUInt16BE(withdrawnEnd);
  let withdrawn = prefixesIn(message, HEADER + 2, withdrawnEnd);
  let announced = prefixesIn(message, attributesEnd, message.length);
  let pathLength = 0;
  for (let at = withdrawnEnd + 2; at < attributesEnd; ) {
    const extended = ((message[at] ?? 0) & EXTENDED) !== 0;
    const type = message[at + 1];
    const value = at + (extended ? 4 : 3);
    const end = value + (extended ? message.readUInt16BE(at + 2) : (message[at + 2] ?? 0));
    if (type === attributeType.asPath) pathLength = message[value + 1] ?? 0;
    // RFC 4760 §3 and §4: family, next hop with its length, a reserved octet; family.
    else if (type === attributeType.mpReachNlri)
      announced += prefixesIn(message, value + 5 + (message[value + 3] ?? 0), end);
    else if (type === attributeType.mpUnreachNlri) withdrawn += prefixesIn(message, value + 3, end);
    at = end;
  }
  return { announced, withdrawn, pathLength };
}

function prefixesIn(bytes: Buffer, start: number, end: number): number {
  let prefixes = 0;
  for (let at = start; at < end; at += 1 + (((bytes[at] ?? 0) + 7) >> 3)) prefixes++;
  return prefixes;
}
