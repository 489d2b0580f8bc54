/** One thing that is wrong with an UPDATE, with all that a log line and a NOTIFICATION need. */

import { copyOf } from '../bytes.ts';
import { type Defect, type Reaction, strongest } from '../errors.ts';
import { attributeType, updateSubcode } from '../iana.ts';
import { hexOf } from '../wire/text.ts';
import { descriptorOf } from './registry.ts';

export interface UpdateProblem {
  /** Type code of the attribute, undefined for a defect outside of the attributes. */
  readonly type?: number;
  /** Name of the attribute or field in its RFC. */
  readonly subject: string;
  readonly defect: Defect;
  /** What was found, in words. */
  readonly text: string;
  /** A copy of the offending bytes: the attribute with its header where there is one. */
  readonly bytes: Uint8Array;
  readonly reaction: Reaction;
  /** Update Message Error subcode (RFC 4271 §6.3) for a session reset. */
  readonly subcode: number;
}

/** The attribute's name in its RFC. */
export function attributeTitle(type: number): string {
  if (type === attributeType.mpReachNlri) return 'MP_REACH_NLRI';
  if (type === attributeType.mpUnreachNlri) return 'MP_UNREACH_NLRI';
  return descriptorOf(type)?.title ?? `attribute ${type}`;
}

const subcodes: Readonly<Record<Defect, number>> = {
  flags: updateSubcode.attributeFlagsError,
  length: updateSubcode.attributeLengthError,
  value: updateSubcode.optionalAttributeError,
  duplicate: updateSubcode.malformedAttributeList,
  missing: updateSubcode.missingWellKnownAttribute,
  overrun: updateSubcode.malformedAttributeList,
  unrecognized: updateSubcode.unrecognizedWellKnownAttribute,
  unexpected: updateSubcode.optionalAttributeError,
  nlri: updateSubcode.invalidNetworkField,
};

/** A problem with one attribute. `bytes` are copied. */
export function attributeProblem(
  type: number,
  defect: Defect,
  text: string,
  bytes: Uint8Array,
  reaction: Reaction,
): UpdateProblem {
  const valueSubcode = defect === 'value' ? descriptorOf(type)?.valueSubcode : undefined;
  const subcode = valueSubcode ?? subcodes[defect];
  return { type, subject: attributeTitle(type), defect, text, bytes: copyOf(bytes), reaction, subcode };
}

export function strongestOf(problems: readonly UpdateProblem[]): Reaction | undefined {
  return problems.reduce<Reaction | undefined>((reaction, problem) => strongest(reaction, problem.reaction), undefined);
}

/** "ORIGIN: value: undefined origin 7 (40010107): treat-as-withdraw": one line for a log, the bytes cut at 64. */
export function describeProblem({ subject, defect, text, bytes, reaction }: UpdateProblem): string {
  const hex = hexOf(bytes.subarray(0, 64));
  return `${subject}: ${defect}: ${text} (${hex}${bytes.length > 64 ? '…' : ''}): ${reaction}`;
}
