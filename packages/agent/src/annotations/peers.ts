/**
 * Reads `kube-router.io/peers`, the YAML list of external BGP peers of a node, and the five deprecated annotations it took
 * the place of. One bad peer is left out and named, the others stand; text that is no list at all is an error as a whole.
 */
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { ExternalPeer } from './external-peer.ts';
import { given, peerSchema } from './peer-schema.ts';
import { type AnnotationProblem, type Parsed, show } from './problem.ts';
import { annotations as annotationRows } from './registry.ts';

export const PEERS = annotationRows.peers.name;

/** The deprecated annotations with the key of a peer that each gives a value for. */
const DEPRECATED = {
  remoteip: annotationRows.peerAddresses.name,
  remoteasn: annotationRows.peerAsns.name,
  password: annotationRows.peerPasswords.name,
  port: annotationRows.peerPorts.name,
  localip: annotationRows.peerLocalAddresses.name,
} as const;

const NUMERIC = new Set<string>(['remoteasn', 'port']);

/** Without a peers annotation of either kind: no peers and no problems. `undefined` peers: nothing of the value is usable. */
export function parsePeers(annotations: Readonly<Record<string, string>>): Parsed<readonly ExternalPeer[] | undefined> {
  const text = annotations[PEERS];
  return text === undefined ? parseDeprecated(annotations) : parseYaml(text);
}

function parseYaml(text: string): Parsed<readonly ExternalPeer[] | undefined> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    // The text around the fault is not shown: it may hold a password.
    return whole(`line ${line}, column ${col}`, 'YAML that cannot be read', `a YAML list of peers (${error.code})`);
  }
  const list: unknown = document.toJS();
  if (list === null || list === undefined) return { value: [], problems: [] };
  if (!Array.isArray(list)) return whole('', kindOf(list), 'a YAML list of peers');

  const problems: AnnotationProblem[] = [];
  const value: ExternalPeer[] = [];
  for (const [index, item] of list.entries()) {
    const result = readPeer(item, (key) => ({
      annotation: PEERS,
      path: key === '' ? `[${index}]` : `[${index}].${key}`,
    }));
    if (result.value) value.push(result.value);
    problems.push(...result.problems);
  }
  return { value, problems };
}

function parseDeprecated(annotations: Readonly<Record<string, string>>): Parsed<readonly ExternalPeer[] | undefined> {
  const given = Object.entries(DEPRECATED).flatMap(([key, annotation]) => {
    const text = annotations[annotation];
    return text === undefined ? [] : [{ key, annotation, items: text.split(',').map((item) => item.trim()) }];
  });
  const ips = given.find(({ key }) => key === 'remoteip');
  if (!ips) return { value: [], problems: [] };
  for (const { key, annotation, items } of given) {
    if (items.length === ips.items.length) continue;
    const got = `${items.length} ${items.length === 1 ? 'entry' : 'entries'}`;
    const problem = {
      annotation,
      path: '',
      value: got,
      expected: `${ips.items.length}, one for each of ${DEPRECATED.remoteip}`,
    };
    return {
      value: undefined,
      problems: [{ ...problem, value: key === 'password' ? got : `${got}: ${show(items.join(','))}` }],
    };
  }
  const problems: AnnotationProblem[] = [];
  const value: ExternalPeer[] = [];
  for (const index of ips.items.keys()) {
    // A blank stands for a value that is not given.
    const item = Object.fromEntries(
      given.flatMap(({ key, items }) => {
        const text = items[index] ?? '';
        return text === '' ? [] : [[key, NUMERIC.has(key) ? numberOrText(text) : text]];
      }),
    );
    const place = (key: string) => ({
      annotation: DEPRECATED[key as keyof typeof DEPRECATED] ?? DEPRECATED.remoteip,
      path: `[${index}]`,
    });
    const result = readPeer(item, place);
    if (result.value) value.push(result.value);
    problems.push(...result.problems);
  }
  return { value, problems };
}

function readPeer(
  item: unknown,
  place: (key: string) => Pick<AnnotationProblem, 'annotation' | 'path'>,
): Parsed<ExternalPeer | undefined> {
  const result = peerSchema.safeParse(item);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
      const key = path
        .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
        .join('');
      const bad = valueAt(item, path);
      return {
        ...place(key),
        value: key === 'password' && bad !== undefined ? 'a text that is not shown' : show(bad),
        expected: path.length === 0 ? 'a map with the keys remoteip and remoteasn' : issue.message,
      };
    });
    return { value: undefined, problems };
  }
  const { remoteip, remoteasn, localip, holdTime, longLivedStaleTime, pathPrepend, ...rest } = result.data;
  const options = {
    ...rest,
    localAddress: localip,
    holdTimeMs: holdTime,
    longLivedStaleMs: longLivedStaleTime,
    pathPrepend: pathPrepend && { asn: pathPrepend.as, count: pathPrepend.count },
  };
  return { value: { address: remoteip, asn: remoteasn, ...given(options) }, problems: [] };
}

/** What stands at the path; a text in place of a map is itself what is wrong. */
function valueAt(item: unknown, path: z.core.$ZodIssue['path']): unknown {
  let value = item;
  for (const key of path) {
    if (typeof value === 'string') return value;
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value;
}

function whole(path: string, value: string, expected: string): Parsed<undefined> {
  return { value: undefined, problems: [{ annotation: PEERS, path, value, expected }] };
}

function numberOrText(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  return isRecord(value) ? 'a map' : `a ${typeof value}`;
}
