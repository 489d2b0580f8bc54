/**
 * AS4_PATH and AS4_AGGREGATOR, RFC 6793: how four-octet AS numbers cross a two-octet session. Decoding merges them into
 * AS_PATH and AGGREGATOR, encoding makes them where a number needs four octets; nobody else sees them.
 */

import { asTrans, attributeType } from '../iana.ts';
import type { Aggregator } from './aggregator.ts';
import { decodeAggregator, plainAggregator } from './aggregator.ts';
import {
  type AsPath,
  type AsPathSegment,
  asPathLength,
  decodeAsPathSegments,
  encodeAsPathSegments,
  isConfederation,
  plainAsPath,
} from './as-path.ts';
import { type AttributeContext, type AttributeDescriptor, category } from './descriptor.ts';

// RFC 6793 §6: from a speaker of four octets both are discarded.
const expected = (context: AttributeContext): boolean => !context.fourOctetAs;

export const as4Path: AttributeDescriptor<'as4Path', AsPath> = {
  type: attributeType.as4Path,
  name: 'as4Path',
  title: 'AS4_PATH',
  category: category.optionalTransitive,
  malformed: 'attribute-discard',
  expected,
  // RFC 6793 §6: confederation segments "MUST be discarded", the rest is used.
  decode: (reader) => decodeAsPathSegments(reader, 4).filter((segment) => !isConfederation(segment)),
  encode: (writer, value) => encodeAsPathSegments(writer, value, 4),
  plain: plainAsPath,
};

export const as4Aggregator: AttributeDescriptor<'as4Aggregator', Aggregator> = {
  type: attributeType.as4Aggregator,
  name: 'as4Aggregator',
  title: 'AS4_AGGREGATOR',
  category: category.optionalTransitive,
  malformed: 'attribute-discard',
  expected,
  decode: (reader) => decodeAggregator(reader, 4),
  encode(writer, { asn, address }) {
    writer.u32(asn);
    writer.u32(address);
  },
  plain: plainAggregator,
};

interface As4Fields {
  asPath?: AsPath;
  aggregator?: Aggregator;
  as4Path?: AsPath;
  as4Aggregator?: Aggregator;
}

/** RFC 6793 §4.2.3: rebuilds AS_PATH and AGGREGATOR of what a two-octet speaker sent; takes the AS4 fields away. */
export function mergeAs4(fields: As4Fields): void {
  const { asPath, aggregator, as4Path, as4Aggregator } = fields;
  delete fields.as4Path;
  delete fields.as4Aggregator;
  // "If the AGGREGATOR attribute contains a number other than AS_TRANS, both AS4 attributes are ignored."
  if (aggregator !== undefined && as4Aggregator !== undefined) {
    if (aggregator.asn !== asTrans) return;
    fields.aggregator = as4Aggregator;
  }
  if (asPath === undefined || as4Path === undefined) return;
  const leading = asPathLength(asPath) - asPathLength(as4Path);
  if (leading >= 0) fields.asPath = [...leadingSegments(asPath, leading), ...as4Path];
}

/** The first `length` AS numbers of a path, with the confederation segments before and next to them. */
function leadingSegments(path: AsPath, length: number): AsPathSegment[] {
  const leading: AsPathSegment[] = [];
  let left = length;
  for (const segment of path) {
    if (isConfederation(segment)) {
      leading.push(segment);
    } else if (left === 0) {
      break;
    } else if (segment.kind === 'set' || segment.asns.length <= left) {
      leading.push(segment);
      left -= segment.kind === 'set' ? 1 : segment.asns.length;
    } else {
      leading.push({ kind: 'sequence', asns: segment.asns.slice(0, left) });
      break;
    }
  }
  return leading;
}

/** RFC 6793 §4.2.2: what must go with AS_PATH and AGGREGATOR to a two-octet speaker. */
export function makeAs4(
  fields: Pick<As4Fields, 'asPath' | 'aggregator'>,
): Pick<As4Fields, 'as4Path' | 'as4Aggregator'> {
  const path = fields.asPath?.filter((segment) => !isConfederation(segment)) ?? [];
  const wide = path.some((segment) => segment.asns.some((asn) => asn > 0xffff));
  return {
    ...(wide ? { as4Path: path } : {}),
    ...(fields.aggregator !== undefined && fields.aggregator.asn > 0xffff ? { as4Aggregator: fields.aggregator } : {}),
  };
}
