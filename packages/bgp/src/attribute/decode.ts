/**
 * Decodes a block of path attributes as RFC 7606 wants it: everything that can be read is, every defect is named with
 * its reaction, nothing is thrown. The result depends on the block and the context alone, so it may be kept by content.
 * What depends on the rest of the message (missing attributes, MP_REACH_NLRI) is judged in `message/update-scan.ts`.
 */

import { copyOf } from '../bytes.ts';
import { type Defect, Malformed, type Reaction } from '../errors.ts';
import { attributeType } from '../iana.ts';
import { Reader } from '../wire/reader.ts';
import { mergeAs4 } from './as4.ts';
import { AttributeCursor } from './cursor.ts';
import { type AttributeContext, attributeFlag, category, type RawAttribute } from './descriptor.ts';
import { attributeProblem, strongestOf, type UpdateProblem } from './problem.ts';
import { type AttributeValues, descriptorOf, type PathAttributes } from './registry.ts';

export interface DecodedAttributes {
  readonly attributes: PathAttributes;
  readonly problems: readonly UpdateProblem[];
  /** The strongest of the problems' reactions (RFC 7606 §3(h)); undefined without problems. */
  readonly reaction: Reaction | undefined;
}

/** What is being put together of a block. */
interface Draft {
  readonly fields: { -readonly [K in keyof AttributeValues]: AttributeValues[K] };
  readonly unknown: RawAttribute[];
  readonly partial: number[];
}

/** `block`: whole attributes with their headers, without MP_REACH_NLRI and MP_UNREACH_NLRI (they are passed over). */
export function decodeAttributes(block: Uint8Array, context: AttributeContext): DecodedAttributes {
  const draft: Draft = { fields: {}, unknown: [], partial: [] };
  const problems: UpdateProblem[] = [];
  const seen = new Set<number>();
  const cursor = new AttributeCursor().reset(block);
  while (cursor.next()) {
    const { type } = cursor;
    if (type === attributeType.mpReachNlri || type === attributeType.mpUnreachNlri) continue;
    if (seen.has(type)) {
      // RFC 7606 §3(g): "all the occurrences of the attribute other than the first one SHALL be discarded".
      const bytes = block.subarray(cursor.start, cursor.valueEnd);
      problems.push(attributeProblem(type, 'duplicate', 'appears again', bytes, 'attribute-discard'));
      continue;
    }
    seen.add(type);
    const problem = decodeAttribute(block, cursor, context, draft);
    if (problem !== undefined) problems.push(problem);
  }
  if (cursor.overrun) {
    // RFC 7606 §4: "treat-as-withdraw".
    const text = 'the attribute field ends inside it';
    problems.push(attributeProblem(cursor.type, 'overrun', text, block.subarray(cursor.start), 'treat-as-withdraw'));
  }
  const { fields, unknown } = draft;
  if (!context.fourOctetAs) mergeAs4(fields);
  // AS4_PATH and AS4_AGGREGATOR are gone, and their Partial bit with them.
  const partial = draft.partial.filter((type) => Object.hasOwn(fields, descriptorOf(type)?.name ?? ''));
  return {
    attributes: {
      ...fields,
      ...(unknown.length === 0 ? {} : { unknown: unknown.sort((a, b) => a.type - b.type) }),
      ...(partial.length === 0 ? {} : { partial: partial.sort((a, b) => a - b) }),
    },
    problems,
    reaction: strongestOf(problems),
  };
}

/** Puts the attribute under the cursor into the draft, or tells why not. */
function decodeAttribute(
  block: Uint8Array,
  { type, flags, start, valueStart, valueEnd }: AttributeCursor,
  context: AttributeContext,
  { fields, unknown, partial }: Draft,
): UpdateProblem | undefined {
  const wrong = (defect: Defect, text: string, reaction: Reaction): UpdateProblem =>
    attributeProblem(type, defect, text, block.subarray(start, valueEnd), reaction);
  const descriptor = descriptorOf(type);
  if (descriptor === undefined) {
    // RFC 4271 §6.3, which RFC 7606 leaves as it is: Unrecognized Well-known Attribute.
    if ((flags & attributeFlag.optional) === 0)
      return wrong('unrecognized', 'well-known by its flags', 'session-reset');
    const value = copyOf(block.subarray(valueStart, valueEnd));
    unknown.push({ type, flags: flags & ~attributeFlag.extendedLength, value });
    return undefined;
  }
  if (descriptor.expected?.(context) === false) {
    return wrong('unexpected', `has no meaning from this peer (${context.peerType})`, 'attribute-discard');
  }
  // RFC 7606 §3(c): "treat-as-withdraw", whatever the attribute's own approach is.
  if ((flags & category.optionalTransitive) !== descriptor.category) {
    return wrong('flags', `flags 0x${flags.toString(16)}`, 'treat-as-withdraw');
  }
  try {
    const value = descriptor.decode(new Reader(block, valueStart, valueEnd), context);
    Object.assign(fields, { [descriptor.name]: value });
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return wrong(error.defect, error.message, descriptor.malformed);
  }
  if ((flags & attributeFlag.partial) !== 0 && descriptor.category === category.optionalTransitive) partial.push(type);
  return undefined;
}

/** RFC 4271 §9: of attributes nobody here knows, only optional transitive ones are passed on, with the Partial bit. */
export function passOn(unknown: readonly RawAttribute[]): RawAttribute[] {
  return unknown
    .filter(({ flags }) => (flags & attributeFlag.transitive) !== 0)
    .map((attribute) => ({ ...attribute, flags: attribute.flags | attributeFlag.partial }));
}
