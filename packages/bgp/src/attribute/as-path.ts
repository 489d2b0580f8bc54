/**
 * AS_PATH, RFC 4271 §5.1.2 and RFC 5065 §3, in two or four octets an AS number (RFC 6793 §4). What AS4_PATH adds to a
 * two-octet path is in `as4.ts`.
 */

import { Malformed } from '../errors.ts';
import { asPathSegmentType, asTrans, attributeType, updateSubcode } from '../iana.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { type AttributeContext, type AttributeDescriptor, category } from './descriptor.ts';

export type AsPathSegmentKind = 'set' | 'sequence' | 'confederation-sequence' | 'confederation-set';

export interface AsPathSegment {
  readonly kind: AsPathSegmentKind;
  readonly asns: readonly number[];
}

/** The neighbour's AS comes first. Empty for a route that its AS originated and sends inside. */
export type AsPath = readonly AsPathSegment[];

const segmentCodes: Readonly<Record<AsPathSegmentKind, number>> = {
  set: asPathSegmentType.set,
  sequence: asPathSegmentType.sequence,
  'confederation-sequence': asPathSegmentType.confederationSequence,
  'confederation-set': asPathSegmentType.confederationSet,
};

const segmentKinds = new Map<number, AsPathSegmentKind>(
  (Object.keys(segmentCodes) as AsPathSegmentKind[]).map((kind) => [segmentCodes[kind], kind]),
);

export function isConfederation(segment: AsPathSegment): boolean {
  return segment.kind === 'confederation-sequence' || segment.kind === 'confederation-set';
}

/** Length for route selection: a set counts 1 (RFC 4271 §9.1.2.2 a), confederation segments nothing (RFC 5065 §5.3). */
export function asPathLength(path: AsPath): number {
  let length = 0;
  for (const segment of path) {
    if (segment.kind === 'sequence') length += segment.asns.length;
    else if (segment.kind === 'set') length += 1;
  }
  return length;
}

/** Reads segments up to the end of the window. Throws `Malformed` for what RFC 7606 §7.2 lists, and for AS 0 (RFC 7607 §2). */
export function decodeAsPathSegments(reader: Reader, asnBytes: 2 | 4): AsPathSegment[] {
  const segments: AsPathSegment[] = [];
  while (reader.remaining > 0) {
    const code = reader.u8();
    const kind = segmentKinds.get(code);
    if (kind === undefined) throw new Malformed('value', `unrecognized segment type ${code}`);
    const count = reader.u8();
    if (count === 0) throw new Malformed('value', 'segment without AS numbers');
    const window = reader.window(count * asnBytes);
    const asns: number[] = [];
    for (let i = 0; i < count; i++) {
      const asn = asnBytes === 4 ? window.u32() : window.u16();
      if (asn === 0) throw new Malformed('value', 'AS number 0');
      asns.push(asn);
    }
    segments.push({ kind, asns });
  }
  return segments;
}

/** Writes segments; a sequence of more than 255 AS numbers becomes several segments. */
export function encodeAsPathSegments(writer: Writer, path: AsPath, asnBytes: 2 | 4): void {
  for (const { kind, asns } of path) {
    for (let start = 0; start < asns.length; start += 255) {
      const part = asns.slice(start, start + 255);
      writer.u8(segmentCodes[kind]);
      writer.u8(part.length);
      for (const asn of part) {
        if (asnBytes === 4) writer.u32(asn);
        else writer.u16(asn > 0xffff ? asTrans : asn);
      }
    }
  }
}

/** The numbers of sequences in a row, other segments as one text each: {1,2} a set, (1 2) and [1,2] in a confederation. */
export function plainAsPath(path: AsPath): (number | string)[] {
  return path.flatMap(({ kind, asns }): (number | string)[] => {
    if (kind === 'sequence') return [...asns];
    if (kind === 'set') return [`{${asns.join(',')}}`];
    return [kind === 'confederation-sequence' ? `(${asns.join(' ')})` : `[${asns.join(',')}]`];
  });
}

/** Whether these are sequences and sets, whole, of AS numbers of four octets of which none is 0. */
function isPlainPath(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const type = bytes[at];
    const next = at + 2 + (bytes[at + 1] ?? 0) * 4;
    if ((type !== asPathSegmentType.sequence && type !== asPathSegmentType.set) || next === at + 2 || next > end)
      return false;
    for (let asn = at + 2; asn < next; asn += 4) {
      if (((bytes[asn] ?? 0) | (bytes[asn + 1] ?? 0) | (bytes[asn + 2] ?? 0) | (bytes[asn + 3] ?? 0)) === 0)
        return false;
    }
    at = next;
  }
  return true;
}

export const asPath: AttributeDescriptor<'asPath', AsPath> = {
  type: attributeType.asPath,
  name: 'asPath',
  title: 'AS_PATH',
  category: category.wellKnown,
  malformed: 'treat-as-withdraw',
  valueSubcode: updateSubcode.malformedAsPath,
  decode(reader, context: AttributeContext) {
    const path = decodeAsPathSegments(reader, context.fourOctetAs ? 4 : 2);
    // RFC 5065 §5: from a peer outside the confederation such a segment is a malformed AS_PATH.
    if (context.peerType === 'ebgp' && path.some(isConfederation)) {
      throw new Malformed('value', 'confederation segment from a peer outside the confederation');
    }
    // RFC 5065 §5: "It is a error for a BGP speaker to receive an update message from a confederation peer that is not in
    // the same AS that does not have AS_CONFED_SEQUENCE as the first segment."
    if (context.peerType === 'confederation' && path[0]?.kind !== 'confederation-sequence') {
      throw new Malformed('value', 'no AS_CONFED_SEQUENCE in front from another member AS');
    }
    return path;
  },
  sound: (bytes, start, end, { fourOctetAs, peerType }) =>
    fourOctetAs && peerType !== 'confederation' && isPlainPath(bytes, start, end),
  encode(writer, value, context) {
    encodeAsPathSegments(writer, value, context.fourOctetAs ? 4 : 2);
  },
  plain: plainAsPath,
};
