/**
 * The part of UPDATE decoding that every message needs and that is paid for each one: where the withdrawn routes, the
 * attributes and the NLRI are. It looks at attribute headers only, copies nothing in the usual layouts, and leaves values
 * to `decodeAttributes`, whose result is kept by content. `judgeUpdate` joins both into the reaction of RFC 7606.
 */

import { AttributeCursor } from '../attribute/cursor.ts';
import type { DecodedAttributes } from '../attribute/decode.ts';
import { category } from '../attribute/descriptor.ts';
import { decodeMpReach, decodeMpUnreach, type MpReachSpan, mpError, type NlriSpan } from '../attribute/mp.ts';
import { attributeProblem, strongestOf, type UpdateProblem } from '../attribute/problem.ts';
import { noBytes } from '../bytes.ts';
import { BgpError, type Reaction } from '../errors.ts';
import type { FamilyKey } from '../family/model.ts';
import { ipv4Unicast } from '../family/registry.ts';
import { attributeType, errorCode, updateSubcode } from '../iana.ts';

/** Where things are in `body`, the bytes behind the message header. All views live as long as the body does. */
export interface UpdateSpans {
  readonly body: Uint8Array;
  /** WITHDRAWN ROUTES (IPv4 unicast). */
  readonly withdrawnStart: number;
  readonly withdrawnEnd: number;
  /** Network Layer Reachability Information (IPv4 unicast). */
  readonly nlriStart: number;
  readonly nlriEnd: number;
  /** The attributes without MP_REACH_NLRI and MP_UNREACH_NLRI: what `decodeAttributes` takes, and the key to intern by. */
  readonly attributes: Uint8Array;
  readonly mpReach: MpReachSpan | undefined;
  readonly mpUnreach: NlriSpan | undefined;
  /** Defects of the two MP attributes that do not hide their NLRI. */
  readonly problems: readonly UpdateProblem[];
}

const noProblems: readonly UpdateProblem[] = Object.freeze([]);
const noCuts: readonly number[] = Object.freeze([]);
const noFamilies: readonly FamilyKey[] = Object.freeze([]);
/** One for all scans: a scan is done before anything else runs. */
const cursor = new AttributeCursor();

/**
 * `extendedNextHop`: families whose next hop may be an address of another family (RFC 8950), as negotiated. Throws
 * `BgpError` where the routes cannot be located (RFC 7606 §3(a), §3(g), §3(j)): the session is reset then.
 */
export function scanUpdate(body: Uint8Array, extendedNextHop: readonly FamilyKey[] = noFamilies): UpdateSpans {
  const withdrawnEnd = 2 + u16(body, 0);
  if (withdrawnEnd + 2 > body.length) throw malformedList('Withdrawn Routes Length goes over the message', body);
  const attributesStart = withdrawnEnd + 2;
  const attributesEnd = attributesStart + u16(body, withdrawnEnd);
  if (attributesEnd > body.length) throw malformedList('Total Path Attribute Length goes over the message', body);

  let mpReach: MpReachSpan | undefined;
  let mpUnreach: NlriSpan | undefined;
  let problems = noProblems;
  let cuts = noCuts;
  cursor.reset(body, attributesStart, attributesEnd);
  while (cursor.next()) {
    const type = cursor.type;
    if (type !== attributeType.mpReachNlri && type !== attributeType.mpUnreachNlri) continue;
    // RFC 7606 §3(g): a second MP_REACH_NLRI or MP_UNREACH_NLRI is a Malformed Attribute List.
    if ((type === attributeType.mpReachNlri ? mpReach : mpUnreach) !== undefined) {
      throw malformedList(`attribute ${type} appears twice`, body);
    }
    const { valueStart, valueEnd } = cursor;
    if (type === attributeType.mpReachNlri) mpReach = decodeMpReach(body, valueStart, valueEnd, extendedNextHop);
    else mpUnreach = decodeMpUnreach(body, valueStart, valueEnd);
    if ((cursor.flags & category.optionalTransitive) !== category.optionalNonTransitive) {
      const text = `flags 0x${cursor.flags.toString(16)}`;
      const bytes = body.subarray(cursor.start, cursor.valueEnd);
      problems = [...problems, attributeProblem(type, 'flags', text, bytes, 'treat-as-withdraw')];
    }
    cuts = [...cuts, cursor.start, cursor.valueEnd];
  }
  if (cursor.overrun && (cursor.type === attributeType.mpReachNlri || cursor.type === attributeType.mpUnreachNlri)) {
    // RFC 7606 §3(j): treat-as-withdraw needs all NLRI, and these are cut off.
    throw mpError(
      `attribute ${cursor.type} goes over the attribute field`,
      cursor.type,
      body.subarray(cursor.start, attributesEnd),
    );
  }
  return {
    body,
    withdrawnStart: 2,
    withdrawnEnd,
    nlriStart: attributesEnd,
    nlriEnd: body.length,
    attributes: cutOut(body, attributesStart, attributesEnd, cuts),
    mpReach,
    mpUnreach,
    problems,
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** RFC 4271 §6.3: no data with Malformed Attribute List. */
function malformedList(text: string, body: Uint8Array): BgpError {
  return new BgpError('BGP_UPDATE_MALFORMED', `UPDATE: ${text}`, {
    notification: { code: errorCode.updateMessage, subcode: updateSubcode.malformedAttributeList },
    bytes: body,
  });
}

/** `start` to `end` without the ranges in `cuts`; a view where what is left is in one piece. */
function cutOut(body: Uint8Array, start: number, end: number, cuts: readonly number[]): Uint8Array {
  if (cuts.length === 0) return start === end ? noBytes : body.subarray(start, end);
  // RFC 7606 §5.1 has the MP attribute stand first: one piece is left.
  const [from = end, to = end] = cuts;
  if (cuts.length === 2 && from === start) return to === end ? noBytes : body.subarray(to, end);
  const pieces: Uint8Array[] = [];
  let at = start;
  for (let i = 0; i < cuts.length; i += 2) {
    const from = cuts[i] ?? end;
    if (from > at) pieces.push(body.subarray(at, from));
    at = cuts[i + 1] ?? end;
  }
  if (end > at) pieces.push(body.subarray(at, end));
  const [first] = pieces;
  if (first === undefined) return noBytes;
  if (pieces.length === 1) return first;
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let filled = 0;
  for (const piece of pieces) {
    whole.set(piece, filled);
    filled += piece.length;
  }
  return whole;
}

export interface UpdateVerdict {
  readonly problems: readonly UpdateProblem[];
  /** Undefined: take the UPDATE as it is. */
  readonly reaction: Reaction | undefined;
}

const noVerdict: UpdateVerdict = Object.freeze({ problems: noProblems, reaction: undefined });

/** Joins what is wrong with the attributes and with the message around them. Allocates only where something is. */
export function judgeUpdate(spans: UpdateSpans, decoded: DecodedAttributes): UpdateVerdict {
  const ipv4 = spans.nlriEnd > spans.nlriStart;
  const reaches = ipv4 || spans.mpReach !== undefined;
  const { origin, asPath, nextHop } = decoded.attributes;
  const complete = !reaches || (origin !== undefined && asPath !== undefined && (!ipv4 || nextHop !== undefined));
  if (complete && decoded.problems.length === 0 && spans.problems.length === 0) return noVerdict;

  const found = [...spans.problems, ...decoded.problems];
  // RFC 4760 §3: an UPDATE "that carries no NLRI, other than the one encoded in the MP_REACH_NLRI attribute, SHOULD NOT
  // carry the NEXT_HOP attribute"; when it does, the receiver "SHOULD ignore this attribute". Some speakers send 0.0.0.0.
  const ignored = (problem: UpdateProblem): boolean => !ipv4 && problem.type === attributeType.nextHop;
  const problems = found.map((problem) =>
    ignored(problem) ? { ...problem, reaction: 'attribute-discard' as const } : problem,
  );
  if (reaches) {
    const missing = [
      origin === undefined ? attributeType.origin : undefined,
      asPath === undefined ? attributeType.asPath : undefined,
      ipv4 && nextHop === undefined ? attributeType.nextHop : undefined,
    ];
    for (const type of missing) {
      if (type === undefined || found.some((problem) => problem.type === type)) continue;
      problems.push(missingProblem(type));
    }
  }
  const reaction = strongestOf(problems);
  // RFC 7606 §5.2: with path attributes other than MP_UNREACH_NLRI but no reachable NLRI "we cannot be confident that the
  // NLRI have been successfully parsed".
  const unsure = !reaches && spans.attributes.length > 0;
  return { problems, reaction: unsure && reaction === 'treat-as-withdraw' ? 'session-reset' : reaction };
}

/** RFC 7606 §3(d): a missing well-known mandatory attribute is treat-as-withdraw. RFC 4271 §6.3: the data is its type. */
function missingProblem(type: number): UpdateProblem {
  return attributeProblem(type, 'missing', 'well-known mandatory attribute', Uint8Array.of(type), 'treat-as-withdraw');
}

/** The error that answers a verdict of session reset: the first problem that asks for the strongest action. */
export function updateError(problems: readonly UpdateProblem[]): BgpError {
  const reaction = strongestOf(problems);
  const problem = problems.find((candidate) => candidate.reaction === reaction);
  // RFC 4271 §6.3: the data is the attribute; none with Malformed Attribute List and Malformed AS_PATH.
  const bare =
    problem === undefined ||
    problem.subcode === updateSubcode.malformedAttributeList ||
    problem.subcode === updateSubcode.malformedAsPath;
  return new BgpError('BGP_UPDATE_ATTRIBUTE', `UPDATE: ${problem?.subject ?? ''}: ${problem?.text ?? 'malformed'}`, {
    notification: {
      code: errorCode.updateMessage,
      subcode: problem?.subcode ?? updateSubcode.malformedAttributeList,
      ...(bare ? {} : { data: problem.bytes }),
    },
    bytes: problem?.bytes ?? noBytes,
  });
}

/** The family whose End-of-RIB marker this UPDATE is (RFC 4724 §2); undefined for every other UPDATE. */
export function endOfRibFamily(spans: UpdateSpans): FamilyKey | undefined {
  if (spans.withdrawnEnd > spans.withdrawnStart || spans.nlriEnd > spans.nlriStart) return undefined;
  if (spans.attributes.length > 0 || spans.mpReach !== undefined) return undefined;
  const { mpUnreach } = spans;
  if (mpUnreach === undefined) return ipv4Unicast.key;
  return mpUnreach.start === mpUnreach.end ? mpUnreach.family : undefined;
}
