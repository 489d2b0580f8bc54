/** Captures of real sessions: message by message against what tcpdump and NetGauze read in them. */

import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { formatAddress, formatIpv4, formatPrefix } from '../../src/address.ts';
import { BgpError } from '../../src/errors.ts';
import { familyKey, type Nlri } from '../../src/family/model.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../src/message/message.ts';
import type { Message, UpdateContext } from '../../src/message/model.ts';
import { messagesOf } from '../../src/pcap/messages.ts';
import { dataPath, readLines } from './data.ts';

/** Files with messages that we refuse, how many, and why that is right. */
const refused: Readonly<Record<string, readonly [count: number, why: string]>> = {
  'bgp-addpath.pcap': [1, 'MP_REACH_NLRI twice in one UPDATE: RFC 7606 §3(g), Malformed Attribute List'],
  'bgp-infinite-loop.pcap': [4, 'an UPDATE of 19 bytes: RFC 4271 §6.1, Bad Message Length'],
  'bgp-ub.pcap': [1, 'no marker: RFC 4271 §6.1; tcpdump looks for the next marker in the packet'],
};

/** Messages that tcpdump shows once more because the capture has their packet twice. */
const repeated: Readonly<Record<string, string>> = {
  'bgp-shutdown-communication.pcapng': 'Notification',
};

const unicast = [familyKey(1, 1), familyKey(2, 1)];
const contexts: readonly UpdateContext[] = [
  defaultContext,
  { ...defaultContext, fourOctetAs: false },
  { ...defaultContext, addPathReceive: unicast, addPathSend: unicast },
];

/** A capture may begin inside a session: the first context that takes the message counts. */
function decode(bytes: Uint8Array): { message: Message; context: UpdateContext } {
  let first: unknown;
  for (const context of contexts) {
    try {
      return { message: decodeMessage(bytes, context), context };
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

const names = {
  open: 'Open',
  update: 'Update',
  notification: 'Notification',
  keepalive: 'Keepalive',
  'route-refresh': 'Route Refresh',
};

t.test('tcpdump', async (t) => {
  const folder = dataPath('pcap/tcpdump');
  const files = readdirSync(folder)
    .filter((name) => /\.pcap(ng)?$/.test(name))
    .sort();
  t.ok(files.length >= 30, `${files.length} captures`);
  let count = 0;
  for (const file of files) {
    const messages = messagesOf(readFileSync(`${folder}/${file}`)).map(({ bytes }) => bytes);
    const read = new Map<string, number>();
    const opens: string[] = [];
    let bad = 0;
    for (const [index, bytes] of messages.entries()) {
      const number = index + 1;
      count += 1;
      try {
        const { message, context } = decode(bytes);
        t.strictSame(
          decodeMessage(encodeMessage(message, context), context),
          message,
          `${file} ${number}: decode → encode → decode`,
        );
        read.set(names[message.kind], (read.get(names[message.kind]) ?? 0) + 1);
        if (message.kind === 'open')
          opens.push(
            `my AS ${message.myAs}, Holdtime ${message.holdTimeSeconds}s, ID ${formatIpv4(message.identifier)}`,
          );
      } catch (error) {
        t.ok(error instanceof BgpError, `${file} ${number}: ${error}`);
        bad += 1;
      }
    }
    t.equal(bad, refused[file]?.[0] ?? 0, `${file}: refused`);
    if (refused[file] !== undefined) continue;
    const out = `${folder}/${file.replace(/\.pcap(ng)?$/, '.out')}`;
    const text = readdirSync(folder).includes(file.replace(/\.pcap(ng)?$/, '.out')) ? readFileSync(out, 'utf8') : '';
    for (const name of Object.values(names)) {
      const theirs = text.match(new RegExp(`^\\s+${name} Message \\(\\d\\), length`, 'gm'))?.length ?? 0;
      const ours = (read.get(name) ?? 0) + (repeated[file] === name ? 1 : 0);
      t.equal(ours, theirs, `${file}: ${name} messages`);
    }
    t.strictSame(
      opens.sort(),
      [...text.matchAll(/my AS \d+, Holdtime \d+s, ID [\d.]+/g)].map(String).sort(),
      `${file}: OPENs`,
    );
  }
  t.comment(`${files.length} captures, ${count} messages`);
});

type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | null | undefined;

const at = (json: Json, ...path: readonly string[]): Json =>
  path.reduce<Json>(
    (value, key) =>
      typeof value === 'object' && value !== null && key in value ? (value as { [key: string]: Json })[key] : undefined,
    json,
  );

const list = (json: Json): readonly Json[] => (Array.isArray(json) ? json : []);

/** An OPEN or UPDATE in a line: what can be said of both NetGauze's JSON and our model. */
function openLine(version: Json, myAs: Json, holdTime: Json, id: Json): string {
  return `open ${version} ${myAs} ${holdTime} ${id}`;
}

function theirLine(json: Json): string {
  const open = at(json, 'Open');
  if (open !== undefined)
    return openLine(at(open, 'version'), at(open, 'my_as'), at(open, 'hold_time'), at(open, 'bgp_id'));
  const update = at(json, 'Update');
  const values = list(at(update, 'path_attributes')).map((attribute) => at(attribute, 'value'));
  const value = (...path: string[]): Json =>
    values.map((candidate) => at(candidate, ...path)).find((found) => found !== undefined);
  const reach = value('MpReach', 'Ipv6Unicast');
  const networks = (json: Json): string =>
    list(json)
      .map((prefix) => at(prefix, 'network') ?? prefix)
      .join(' ');
  return [
    'update',
    String(value('Origin') ?? '-').toLowerCase(),
    value('MultiExitDiscriminator', 'metric') ?? '-',
    value('LocalPreference', 'metric') ?? '-',
    value('NextHop', 'next_hop') ?? at(reach, 'next_hop_global') ?? '-',
    'nlri',
    networks(at(update, 'nlri')),
    networks(at(reach, 'nlri')),
    'withdrawn',
    networks(at(update, 'withdrawn_routes')),
    networks(value('MpUnreach', 'Ipv6Unicast', 'nlri')),
  ].join(' ');
}

function ourLine(message: Message): string {
  if (message.kind === 'open')
    return openLine(message.version, message.myAs, message.holdTimeSeconds, formatIpv4(message.identifier));
  if (message.kind !== 'update') return message.kind;
  const { attributes, nlri, withdrawn, mpReach, mpUnreach } = message;
  const networks = (prefixes: Nlri | undefined): string =>
    prefixes === undefined || 'raw' in prefixes ? '' : prefixes.map(formatPrefix).join(' ');
  const hop =
    attributes.nextHop === undefined
      ? mpReach && formatAddress(mpReach.nextHop.subarray(0, 16))
      : formatIpv4(attributes.nextHop);
  return [
    'update',
    attributes.origin ?? '-',
    attributes.multiExitDisc ?? '-',
    attributes.localPref ?? '-',
    hop ?? '-',
    'nlri',
    networks(nlri),
    networks(mpReach?.nlri),
    'withdrawn',
    networks(withdrawn),
    networks(mpUnreach?.nlri),
  ].join(' ');
}

t.test('netgauze', async (t) => {
  const folder = 'pcap/netgauze/multiple-sessions';
  const messages = messagesOf(readFileSync(dataPath(`${folder}/traffic.pcap`))).map(
    ({ bytes }) => decode(bytes).message,
  );
  // As tshark counts them; the JSON has one direction of some of the sessions.
  const counts = Object.groupBy(messages, ({ kind }) => kind);
  t.strictSame([counts.open?.length, counts.update?.length, counts.keepalive?.length], [20, 100, 171]);
  const ours = new Set(messages.map(ourLine));
  const theirs = readLines(`${folder}/traffic-bgp.json`)
    .map((line): Json => JSON.parse(line))
    .filter((json) => typeof json === 'object');
  t.equal(theirs.length, 44);
  for (const json of theirs) t.ok(ours.has(theirLine(json)), theirLine(json));
});
