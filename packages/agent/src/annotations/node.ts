/**
 * Reads the annotations of a Node that say what it is to BGP: its AS number, its pod CIDRs, the addresses it listens on and
 * what it does not import. Entries of a list are taken or left one by one where the original does so.
 */

import { type Prefix, parseAddress, parsePrefix } from './prefix.ts';
import { type AnnotationProblem, type Parsed, show } from './problem.ts';

export const ASN = 'kube-router.io/node.asn';
export const POD_CIDR = 'kube-router.io/pod-cidr';
export const POD_CIDRS = 'kube-router.io/pod-cidrs';
export const LOCAL_ADDRESSES = 'kube-router.io/bgp-local-addresses';
export const IMPORT_REJECT = 'kube-router.io/node.bgp.customimportreject';

/** Annotations of the original that have no effect here yet. */
export const notBuilt = [
  'kube-router.io/node.bgp.communities',
  'kube-router.io/path-prepend.as',
  'kube-router.io/path-prepend.repeat-n',
  'kube-router.io/rr.client',
  'kube-router.io/rr.server',
] as const;

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

/** Names the annotations that somebody relies on in vain. */
export function findNotBuilt(annotations: Annotations): readonly AnnotationProblem[] {
  return notBuilt.flatMap((annotation) => {
    const text = annotations[annotation];
    if (text === undefined) return [];
    return [{ annotation, path: '', value: show(text), expected: 'none: it is not built yet and has no effect' }];
  });
}

function parseList<T>(
  annotation: string,
  text: string,
  parse: (item: string) => T | undefined,
  expected: string,
): Parsed<readonly T[]> {
  const value: T[] = [];
  const problems: AnnotationProblem[] = [];
  for (const [index, item] of text.split(',').entries()) {
    const parsed = parse(item.trim());
    if (parsed === undefined) problems.push({ annotation, path: `[${index}]`, value: show(item.trim()), expected });
    else value.push(parsed);
  }
  return { value, problems };
}
