/**
 * Makes a full table as the bytes of UPDATE messages, the same for the same scenario: distinct prefixes, about six to an
 * attribute set, AS paths of three to seven, communities and MED on some. Nothing in it that a BGP speaker refuses: no
 * prefix twice, no martians, no AS number of the speakers that pass it on.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  encodeMessage,
  familyNamed,
  type PathAttributes,
  type Prefix,
  parseAddress,
  parseIpv4,
  parsePrefix,
} from '@routelet/bgp/codec';
import { losingPathLength, routeNextHop, type Scenario, winningPathLength } from './plan.ts';

const context = {
  fourOctetAs: true,
  peerType: 'ebgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
} as const;

/** What a /20 is announced as, one after the other: offset in /24s, and length. */
const block: readonly (readonly [number, number])[] = [
  [0, 20],
  [0, 22],
  [0, 23],
  [0, 24],
  [1, 24],
  [2, 24],
  [4, 22],
  [5, 24],
  [7, 24],
  [8, 21],
  [9, 24],
  [12, 23],
];

/** First octets of the space used: without 10, 127 and what is behind 223. */
const octets = [...Array(223).keys()].map((index) => index + 1).filter((octet) => octet !== 10 && octet !== 127);

/** Whole UPDATE messages by which feeder number `feeder`, of AS `asn`, announces all routes of the scenario. */
export function tableUpdates(scenario: Scenario, feeder: number, asn: number): Uint8Array[] {
  const { routes, feeders } = scenario;
  // The same prefixes go together at all feeders; the attributes are each one's own.
  const grouping = seeded(1);
  const random = seeded(2 + feeder);
  const prefixAt = prefixesOf(scenario);
  const messages: Uint8Array[] = [];
  for (let made = 0, group = 0; made < routes; group++) {
    const size = Math.min(1 + Math.floor(grouping() * 11), routes - made);
    const nlri = Array.from({ length: size }, (_, each) => prefixAt(made + each));
    made += size;
    const wins = feeders === 1 ? undefined : group % feeders === feeder;
    messages.push(updateOf(scenario, attributesOf(asn, pathLength(random, wins), random), nlri));
  }
  return messages;
}

function updateOf({ family, reflector }: Scenario, external: PathAttributes, nlri: readonly Prefix[]): Uint8Array {
  const attributes = reflector === true ? { ...external, localPref: 100 } : external;
  if (family === 'ipv4') {
    const nextHop = parseIpv4(routeNextHop(family));
    return encodeMessage({ kind: 'update', withdrawn: [], attributes: { ...attributes, nextHop }, nlri }, context);
  }
  const mpReach = { family: familyNamed('ipv6-unicast').key, nextHop: parseAddress(routeNextHop(family)), nlri };
  return encodeMessage({ kind: 'update', withdrawn: [], attributes, nlri: [], mpReach }, context);
}

function prefixesOf({ prefixes, family, routes }: Scenario): (index: number) => Prefix {
  if (prefixes === 'made') return family === 'ipv4' ? madeIpv4 : madeIpv6;
  const all = gunzipSync(readFileSync(prefixes.file)).toString().trimEnd().split(/\r?\n/);
  const wanted = all.filter((line) => line.includes(':') === (family === 'ipv6')).slice(0, routes);
  if (wanted.length < routes) throw new Error(`${prefixes.file} has ${wanted.length} prefixes of ${family} only`);
  return (index) => parsePrefix(wanted[index] ?? '');
}

/** Blocks are taken in an order without a pattern; within one prefixes come together, as those of one origin do. */
function madeIpv4(index: number): Prefix {
  const [offset = 0, length = 24] = block[index % block.length] ?? [];
  const blocks = octets.length * 4096;
  // 40,503 has no factor in common with the number of blocks, so that every block comes once.
  const number = (Math.floor(index / block.length) * 40_503) % blocks;
  const octet = octets[Math.floor(number / 4096)] ?? 1;
  const rest = (number % 4096) * 16 + offset;
  return { family: familyNamed('ipv4-unicast').key, address: Uint8Array.of(octet, rest >> 8, rest & 255, 0), length };
}

/** /48s of 2a00::/12, eight of a /32 together. */
function madeIpv6(index: number): Prefix {
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint32(0, 0x2a00_0000 + ((Math.floor(index / 8) * 40_503) % 2 ** 20));
  view.setUint16(4, index % 8);
  return { family: familyNamed('ipv6-unicast').key, address, length: 48 };
}

function pathLength(random: () => number, wins: boolean | undefined): number {
  const more = Math.floor(random() * 5);
  if (wins === undefined) return winningPathLength + more;
  return wins ? winningPathLength : losingPathLength + Math.min(more, 3);
}

function attributesOf(asn: number, length: number, random: () => number): PathAttributes {
  const asns = [asn];
  while (asns.length < length) asns.push(1000 + Math.floor(random() * 60_000));
  const communities = Array.from(
    { length: Math.floor(random() * 5) },
    () => (asn * 65536 + Math.floor(random() * 65_000)) >>> 0,
  );
  return {
    origin: 'igp',
    asPath: [{ kind: 'sequence', asns }],
    ...(random() < 0.3 && { multiExitDisc: Math.floor(random() * 1000) }),
    ...(communities.length > 0 && random() < 0.6 && { communities }),
  };
}

/** A small generator of numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
