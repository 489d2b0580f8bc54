/**
 * Process: all neighbours of the speaker under test. Says `ready`, waits for a line, connects all at once, and says when
 * all routes are where they belong. Then it keeps the sessions alive and says each second how things are.
 */
import { createInterface } from 'node:readline';
import { encodeEndOfRib, encodeUpdate, familyNamed, PrefixCursor, parseIpv4 } from '@routelet/bgp/codec';
import { holdTimeSeconds, LeanSession } from '@routelet/lab/lean-session';
import { neighbourAddress, routeOf, routesEach, speaker, watcherAddress } from './plan.ts';

const count = Number(process.argv[2]);
const keepaliveSeconds = holdTimeSeconds / 3;
const context = {
  fourOctetAs: true,
  peerType: 'ibgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
} as const;
const { key: family } = familyNamed('ipv4-unicast');
const cursor = new PrefixCursor();
/** Sessions that went down. */
let lost = 0;

/** One line; `at` in milliseconds of the machine's monotonic clock. */
function say(event: string, more: object = {}): void {
  const at = Number(process.hrtime.bigint() / 1000n) / 1000;
  process.stdout.write(`${JSON.stringify({ event, at, lost, ...more })}\n`);
}

function updatesOf(index: number, nextHop: number): Uint8Array {
  const nlri = Array.from({ length: routesEach }, (_, which) => {
    const route = routeOf(index, which);
    return { family, address: Uint8Array.of(route >>> 24, route >>> 16, route >>> 8, route), length: 24 };
  });
  const attributes = { origin: 'igp', asPath: [], nextHop, localPref: 100 } as const;
  const update = encodeUpdate({ kind: 'update', withdrawn: [], attributes, nlri }, context);
  return Buffer.concat([update, encodeEndOfRib(family)]);
}

/** Calls `wanted` for each announced prefix. */
function announced(body: Buffer, prefix: (address: number) => void): void {
  const attributesAt = 2 + body.readUInt16BE(0);
  const nlriAt = attributesAt + 2 + body.readUInt16BE(attributesAt);
  cursor.reset(body, nlriAt, body.length, 32, false);
  while (cursor.next()) prefix(cursor.word0);
}

/** Neighbours without all their routes, by address. */
const waiting = new Map<string, ReadonlySet<number>>();

/** A neighbour with number `index` that is complete when it has `wanted` routes. */
function neighbour(index: number, address: string, wanted: number): LeanSession {
  const routes = new Set<number>();
  waiting.set(address, routes);
  const identifier = parseIpv4(address);
  const { address: remoteAddress, port, asn } = speaker;
  return new LeanSession({
    ...{ address, identifier, remoteAddress, port, asn },
    updates: () => updatesOf(index, identifier),
    onUpdate: (body) => {
      const before = routes.size;
      announced(body, (prefix) => routes.add(prefix));
      if (before >= wanted || routes.size < wanted) return;
      waiting.delete(address);
      if (waiting.size === 0) say('converged');
    },
    onLost: () => {
      lost++;
    },
  });
}

const sessions = [
  neighbour(count, watcherAddress, count * routesEach),
  ...Array.from({ length: count }, (_, index) => neighbour(index, neighbourAddress(index), routesEach)),
];

say('ready');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await lines.next();
say('begin');
for (const session of sessions) session.start();

// A thirtieth of the sessions each second: no burst that one real mesh would not have.
let second = 0;
setInterval(() => {
  second++;
  const [[address, { size = 0 } = {}] = []] = waiting;
  say('state', address === undefined ? {} : { incomplete: waiting.size, address, routes: size });
  for (let index = second % keepaliveSeconds; index < sessions.length; index += keepaliveSeconds) {
    sessions[index]?.keepAlive();
  }
}, 1000);
