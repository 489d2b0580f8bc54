/**
 * Reads the annotations of a Node that say what it is to BGP: its AS number, its pod CIDRs, the addresses it listens on and
 * what it does not import. Entries of a list are taken or left one by one where the original does so.
 */

import { parseCommunityList } from './community.ts';
import { parseList } from './list.ts';
import { formatAddress, type Prefix, parseAddress, parsePrefix } from './prefix.ts';
import { type AnnotationProblem, type Parsed, show } from './problem.ts';
import { annotations as annotationRows } from './registry.ts';

export const ASN = annotationRows.asn.name;
export const POD_CIDR = annotationRows.podCidr.name;
export const POD_CIDRS = annotationRows.podCidrs.name;
export const LOCAL_ADDRESSES = annotationRows.localAddresses.name;
export const IMPORT_REJECT = annotationRows.importReject.name;
export const COMMUNITIES = annotationRows.communities.name;
export const PREPEND_ASN = annotationRows.prependAsn.name;
export const PREPEND_COUNT = annotationRows.prependCount.name;
export const RR_SERVER = annotationRows.reflectorServer.name;
export const RR_CLIENT = annotationRows.reflectorClient.name;

type Annotations = Readonly<Record<string, string>>;

const PREFIX_EXPECTED = 'a prefix such as 10.244.1.0/24';
const MAX_ASN = 0xffff_ffff;

/** The AS number of the node; numbers as Go's strconv.ParseUint with base 0 takes them. */
export function parseNodeAsn(annotations: Annotations): Parsed<number | undefined> {
  const text = annotations[ASN];
  if (text === undefined) return { value: undefined, problems: [] };
  const number = /^0[0-7]+$/.test(text)
    ? Number(`0o${text.slice(1)}`)
    : /^(0[xob][\da-f]+|\d+)$/i.test(text)
      ? Number(text)
      : NaN;
  if (number >= 1 && number <= MAX_ASN) return { value: number, problems: [] };
  const problem = { annotation: ASN, path: '', value: show(text), expected: `an AS number from 1 to ${MAX_ASN}` };
  return { value: undefined, problems: [problem] };
}

/** Pod CIDRs of the annotations, undefined when neither gives one: then the Node's spec stands. */
export function parsePodCidrs(annotations: Annotations): Parsed<readonly Prefix[] | undefined> {
  const problems: AnnotationProblem[] = [];
  const single = annotations[POD_CIDR];
  if (single) {
    const prefix = parsePrefix(single.trim());
    if (prefix) return { value: [prefix], problems };
    problems.push({ annotation: POD_CIDR, path: '', value: show(single), expected: PREFIX_EXPECTED });
  }
  const several = annotations[POD_CIDRS];
  if (!several) return { value: undefined, problems };
  const list = parseList(POD_CIDRS, several, parsePrefix, PREFIX_EXPECTED);
  return { value: list.value, problems: [...problems, ...list.problems] };
}

/** Addresses to listen on in canonical text, undefined when the annotation is absent. */
export function parseLocalAddresses(annotations: Annotations): Parsed<readonly string[] | undefined> {
  const text = annotations[LOCAL_ADDRESSES];
  if (text === undefined) return { value: undefined, problems: [] };
  const list = parseList(LOCAL_ADDRESSES, text, parseAddress, 'an IPv4 or IPv6 address');
  return {
    value: list.problems.length > 0 ? undefined : list.value.map((address) => address.text),
    problems: list.problems,
  };
}

/** Prefixes that are not imported, nor anything inside them. One bad entry voids the whole annotation, as in the original. */
export function parseImportReject(annotations: Annotations): Parsed<readonly Prefix[]> {
  const text = annotations[IMPORT_REJECT];
  if (!text) return { value: [], problems: [] };
  const list = parseList(IMPORT_REJECT, text, parsePrefix, `${PREFIX_EXPECTED}; nothing of this annotation is used`);
  return list.problems.length > 0 ? { value: [], problems: list.problems } : list;
}

/** Communities for what external peers get, as numbers (RFC 1997). Bad entries are named and left out, as in the original. */
export function parseCommunities(annotations: Annotations): Parsed<readonly number[]> {
  return parseCommunityList(COMMUNITIES, annotations[COMMUNITIES]);
}

export interface PathPrepend {
  readonly asn: number;
  readonly count: number;
}

/** What stands before the path that external peers get. Half of the pair is an error, and then nothing is prepended. */
export function parsePathPrepend(annotations: Annotations): Parsed<PathPrepend | undefined> {
  const given = [PREPEND_ASN, PREPEND_COUNT].filter((annotation) => annotations[annotation] !== undefined);
  if (given.length === 0) return { value: undefined, problems: [] };
  const asn = toNumber(annotations[PREPEND_ASN], MAX_ASN);
  const count = toNumber(annotations[PREPEND_COUNT], 0xff);
  const problems: AnnotationProblem[] = [];
  const complain = (annotation: string, expected: string) =>
    problems.push({ annotation, path: '', value: show(annotations[annotation]), expected });
  if (asn === undefined) complain(PREPEND_ASN, `an AS number from 1 to ${MAX_ASN}, with ${PREPEND_COUNT}`);
  if (count === undefined) complain(PREPEND_COUNT, `how often, from 1 to 255, with ${PREPEND_ASN}`);
  return { value: asn === undefined || count === undefined ? undefined : { asn, count }, problems };
}

/** A number from 1 to `max` in decimal digits. */
function toNumber(text: string | undefined, max: number): number | undefined {
  const number = /^\d+$/.test(text ?? '') ? Number(text) : 0;
  return number >= 1 && number <= max ? number : undefined;
}

/** The part of a node in route reflection (RFC 4456). */
export interface Reflection {
  readonly role: 'server' | 'client';
  /** Cluster id in dotted form. */
  readonly clusterId: string;
}

/** A node that is annotated as both is a server, as in the original. */
export function parseReflection(annotations: Annotations): Parsed<Reflection | undefined> {
  const role = annotations[RR_SERVER] === undefined ? 'client' : 'server';
  const annotation = role === 'server' ? RR_SERVER : RR_CLIENT;
  const text = annotations[annotation];
  if (text === undefined) return { value: undefined, problems: [] };
  const number = toNumber(text.trim(), 0xffff_ffff);
  const address =
    number === undefined ? parseAddress(text.trim()) : { family: 4, text: formatAddress(4, BigInt(number)) };
  if (address?.family === 4) return { value: { role, clusterId: address.text }, problems: [] };
  const expected = 'a cluster id: a number from 1 to 4294967295 or an IPv4 address';
  return { value: undefined, problems: [{ annotation, path: '', value: show(text), expected }] };
}
