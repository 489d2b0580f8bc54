/** ExaBGP's own cases: what it sends for a configuration line, and how it reads messages, each with its JSON. */

import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { formatAddress, formatIpv4, formatPrefix } from '../../src/address.ts';
import { AttributeCursor } from '../../src/attribute/cursor.ts';
import { attributeFlag } from '../../src/attribute/descriptor.ts';
import type { PathAttributes } from '../../src/attribute/registry.ts';
import { BgpError } from '../../src/errors.ts';
import { type Nlri, type Prefix, safiOf } from '../../src/family/model.ts';
import { familyOf, ipv4Unicast, ipv6Unicast } from '../../src/family/registry.ts';
import { messageType } from '../../src/iana.ts';
import { decodeMessage, encodeMessage } from '../../src/message/message.ts';
import type { Message, UpdateContext, UpdateMessage } from '../../src/message/model.ts';
import { decodeUpdate } from '../../src/message/update.ts';
import { bytesOf, hexOf, messageHex } from '../unit/codec/hex.ts';
import { dataPath } from './data.ts';

type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | undefined;

interface Case {
  readonly name: string;
  readonly hex: string;
  readonly json: Json;
}

function at(json: Json, ...path: readonly string[]): Json {
  let value = json;
  for (const key of path)
    value = typeof value === 'object' && !Array.isArray(value) ? (value as { [key: string]: Json })[key] : undefined;
  return value;
}

function entries(json: Json): [string, Json][] {
  return typeof json === 'object' ? Object.entries(json) : [];
}

function encodingCases(): Case[] {
  const cases: Case[] = [];
  for (const file of readdirSync(dataPath('exabgp/qa/encoding'))
    .filter((name) => name.endsWith('.ci'))
    .sort()) {
    const lines = readFileSync(dataPath(`exabgp/qa/encoding/${file}`), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const hex = /^\w+:raw:([0-9A-Fa-f:]+)$/.exec(line)?.[1];
      if (hex === undefined) continue;
      const json = /^\w+:json:(.*)$/.exec(lines[index + 1] ?? '')?.[1];
      cases.push({ name: `${file}:${index + 1}`, hex, json: json === undefined ? undefined : JSON.parse(json) });
    }
  }
  return cases;
}

function decodingCases(): Case[] {
  return readdirSync(dataPath('exabgp/qa/decoding'))
    .sort()
    .flatMap((file) => {
      const [kind, hex, json] = readFileSync(dataPath(`exabgp/qa/decoding/${file}`), 'utf8').split('\n');
      // "nlri": a bare NLRI of a family, not a message. Some messages are bodies without their header.
      if (kind === undefined || hex === undefined || kind.startsWith('nlri')) return [];
      const bytes = hexOf(bytesOf(hex));
      const whole = bytes.startsWith('ff'.repeat(16)) ? bytes : messageHex(messageType.update, bytes);
      return [{ name: file, hex: whole, json: JSON.parse(json ?? '') }];
    });
}

/** Cases that we refuse or read otherwise, and why that is right. */
const disagreements: Readonly<Record<string, string>> = {
  'conf-attributes.ci:10': 'next hop 255.255.255.255 is no IP host address (RFC 4271 §6.3): treat-as-withdraw',
  'conf-generic-attribute.ci:6':
    'flags say well-known, and the type is not: RFC 4271 §6.3, Unrecognized Well-known Attribute',
  'conf-generic-attribute.ci:9':
    'flags say well-known, and the type is not: RFC 4271 §6.3, Unrecognized Well-known Attribute',
  'extended-nexthop.ci:6':
    'IPv6 NLRI with an IPv4 next hop: RFC 2545 §3 has 16 or 32 bytes, RFC 8950 only IPv4 over IPv6',
};

function contextOf(name: string, json: Json): UpdateContext {
  const text = JSON.stringify(json ?? '');
  const asn = at(json, 'neighbor', 'asn');
  const addPath = /path-information/.test(text) ? [ipv4Unicast.key, ipv6Unicast.key] : [];
  return {
    fourOctetAs: !name.startsWith('conf-no-asn4'),
    peerType: at(asn, 'local') === at(asn, 'peer') ? 'ibgp' : 'ebgp',
    addPathReceive: addPath,
    addPathSend: addPath,
    extendedNextHop: [ipv4Unicast.key],
    extendedMessages: true,
  };
}

/** Our attributes in the words of ExaBGP's JSON. */
function attributesOf(attributes: PathAttributes): Record<string, unknown> {
  const { aggregator, communities, asPath } = attributes;
  const all: Record<string, unknown> = {
    origin: attributes.origin,
    'as-path': asPath?.length
      ? Object.fromEntries(asPath.map(({ kind, asns }, i) => [i, { element: `as-${kind}`, value: asns }]))
      : undefined,
    med: attributes.multiExitDisc,
    'local-preference': attributes.localPref,
    'atomic-aggregate': attributes.atomicAggregate,
    aggregator: aggregator && `${aggregator.asn}:${formatIpv4(aggregator.address)}`,
    community: communities?.map((value) => [value >>> 16, value & 0xffff]),
    'large-community': attributes.largeCommunities,
    'extended-community': attributes.extendedCommunities?.map(Number),
    'originator-id': attributes.originatorId === undefined ? undefined : formatIpv4(attributes.originatorId),
    'cluster-list': attributes.clusterList?.map(formatIpv4),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** ExaBGP's attributes that we have a decoder for, with the extended communities as numbers. */
function expectedAttributes(json: Json): Record<string, unknown> {
  const known = [
    'origin',
    'as-path',
    'med',
    'local-preference',
    'atomic-aggregate',
    'aggregator',
    'community',
    'large-community',
    'originator-id',
    'cluster-list',
  ];
  const expected: Record<string, unknown> = {};
  for (const [key, value] of entries(json)) {
    if (known.includes(key)) expected[key] = value;
    // Only the low bits of the number survive JSON: compared as the numbers they are there.
    if (key === 'extended-community') expected[key] = (value as readonly Json[]).map((item) => at(item, 'value'));
  }
  return expected;
}

function announced(message: UpdateMessage): Map<string, string[]> {
  const routes = new Map<string, string[]>();
  const add = (key: string, nlri: Nlri): void => {
    if ('raw' in nlri || nlri.length === 0) return;
    routes.set(key, prefixTexts(nlri));
  };
  add(`ipv4 unicast ${formatIpv4(message.attributes.nextHop ?? 0)}`, message.nlri);
  if (message.mpReach) {
    const { family, nextHop, nlri } = message.mpReach;
    const hops = nextHop.length === 32 ? [nextHop.subarray(0, 16), nextHop.subarray(16)] : [nextHop];
    if (familyOf(family))
      add(`${family === ipv4Unicast.key ? 'ipv4' : 'ipv6'} unicast ${hops.map(formatAddress).join(',')}`, nlri);
  }
  return routes;
}

function expectedRoutes(json: Json): Map<string, string[]> {
  const routes = new Map<string, string[]>();
  for (const [family, hops] of entries(json)) {
    if (family !== 'ipv4 unicast' && family !== 'ipv6 unicast') continue;
    for (const [hop, list] of entries(hops)) {
      routes.set(
        `${family} ${hop}`,
        (list as readonly Json[]).map((item) => {
          const path = at(item, 'path-information');
          return `${at(item, 'nlri')}${path === undefined ? '' : ` ${path}`}`;
        }),
      );
    }
  }
  return routes;
}

function prefixTexts(prefixes: readonly Prefix[]): string[] {
  return prefixes.map(
    (prefix) => formatPrefix(prefix) + (prefix.pathId === undefined ? '' : ` ${formatIpv4(prefix.pathId)}`),
  );
}

function withdrawn(message: UpdateMessage): string[] {
  const { mpUnreach } = message;
  const prefixes = mpUnreach === undefined || 'raw' in mpUnreach.nlri ? [] : mpUnreach.nlri;
  return [...message.withdrawn, ...prefixes].map((prefix) => formatPrefix(prefix));
}

function expectedWithdrawn(json: Json): string[] {
  return entries(json)
    .filter(([family]) => family === 'ipv4 unicast' || family === 'ipv6 unicast')
    .flatMap(([, list]) => (list as readonly Json[]).map((item) => String(at(item, 'nlri'))));
}

/** An UPDATE with its attributes sorted and their length form left out: what must be equal in two encoders' bytes. */
function normalized(bytes: Uint8Array): string {
  const body = bytes.subarray(19);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const withdrawn = view.getUint16(0);
  const end = 4 + withdrawn + view.getUint16(2 + withdrawn);
  const cursor = new AttributeCursor().reset(body, 4 + withdrawn, end);
  const attributes: string[] = [];
  while (cursor.next()) {
    const value = hexOf(body.subarray(cursor.valueStart, cursor.valueEnd));
    attributes.push(`${cursor.type}/${cursor.flags & ~attributeFlag.extendedLength}/${value}`);
  }
  return [hexOf(body.subarray(2, 2 + withdrawn)), ...attributes.sort(), hexOf(body.subarray(end))].join(' ');
}

for (const [title, cases, least] of [
  ['encoding', encodingCases(), 160],
  ['decoding', decodingCases(), 20],
] as const) {
  t.test(title, async (t) => {
    t.ok(cases.length >= least, `${cases.length} cases`);
    let compared = 0;
    let sameBytes = 0;
    const passedThrough: string[] = [];
    const refused: string[] = [];
    for (const { name, hex, json } of cases) {
      const bytes = bytesOf(hex);
      const context = contextOf(name, json);
      let message: Message;
      try {
        message = decodeMessage(bytes, context);
      } catch (error) {
        t.ok(error instanceof BgpError, name);
        t.ok(disagreements[name], `${name} is refused: ${error}`);
        refused.push(`${name} (${disagreements[name]})`);
        continue;
      }
      if (disagreements[name] !== undefined) {
        refused.push(`${name} (${disagreements[name]})`);
        t.equal(
          message.kind === 'update' && decodeUpdate(bytes.subarray(19), context).reaction,
          'treat-as-withdraw',
          name,
        );
        continue;
      }
      const again = encodeMessage(message, context);
      t.strictSame(decodeMessage(again, context), message, `${name}: decode → encode → decode`);
      if (message.kind !== 'update') {
        // One optional parameter for all capabilities, or one each: RFC 5492 §4 has both, so only others must be equal.
        if (message.kind !== 'open') t.equal(hexOf(again), hexOf(bytes), `${name}: same bytes`);
        if (hexOf(again) === hexOf(bytes)) sameBytes += 1;
        continue;
      }
      t.equal(normalized(again), normalized(bytes), `${name}: what we encode`);
      if (hexOf(again) === hexOf(bytes)) sameBytes += 1;
      const families = [message.mpReach, message.mpUnreach].flatMap((mp) => (mp ? [mp.family] : []));
      if (families.some((family) => familyOf(family) === undefined)) {
        passedThrough.push(`${name} (SAFI ${families.map(safiOf).join()})`);
        continue;
      }
      const update = at(json, 'message', 'update') ?? at(json, 'neighbor', 'message', 'update');
      if (update === undefined) continue;
      compared += 1;
      t.strictSame(
        attributesOf(message.attributes),
        expectedAttributes(at(update, 'attribute')),
        `${name}: attributes`,
      );
      t.strictSame(announced(message), expectedRoutes(at(update, 'announce')), `${name}: routes`);
      t.strictSame(withdrawn(message), expectedWithdrawn(at(update, 'withdraw')), `${name}: withdrawn`);
    }
    t.ok(compared > 0);
    t.comment(`${cases.length} cases: ${compared} compared with ExaBGP's JSON, ${sameBytes} encoded to the same bytes`);
    t.comment(
      `passed through as bytes (no decoder for the family): ${passedThrough.length}: ${passedThrough.join(', ')}`,
    );
    t.comment(`refused, by the RFC: ${refused.length}: ${refused.join(', ')}`);
  });
}
