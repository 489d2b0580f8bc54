/**
 * Soak in real time, over TCP on the loopback device, without root:
 *
 *     node --expose-gc packages/bgp/test/scale/flapping.ts --minutes 10 [--seed N]
 *
 * A route reflector with twenty clients whose sessions flap and whose routes come and go. Every ten seconds it is let come
 * to rest, and the tables of all must be what the announcements make of them; memory and descriptors are printed, and
 * must be at the end what they were when the run was warm. Ends with 0 when all of it holds.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createSpeaker } from '../../src/index.ts';
import { SeededRandom } from '../../src/simulator/index.ts';
import type { Speaker } from '../../src/speaker/api.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
const asn = 64_512;
const port = 17_900;
const reflectorAddress = '127.0.1.1';
const clients = 20;
const prefixes = 40;
const pieceMs = 10_000;
const restMs = 60_000;

interface Client {
  readonly address: string;
  readonly nextHop: string;
  /** The greater wins; no two are equal. */
  readonly localPref: number;
  readonly announced: Set<string>;
  speaker: Speaker | undefined;
}

const random = new SeededRandom(Number(values.seed));
const below = (limit: number): number => Math.floor(random.next() * limit);
const done = { stop: 0, start: 0, forget: 0, announce: 0, withdraw: 0 };
let warnings = 0;

const reflector = createSpeaker({ asn, routerId: reflectorAddress, listen: [{ address: reflectorAddress, port }] });
const all: Client[] = Array.from({ length: clients }, (_, index) => ({
  address: `127.0.1.${10 + index}`,
  nextHop: `10.255.0.${10 + index}`,
  localPref: 100 + index,
  announced: new Set(),
  speaker: undefined,
}));

function peerOf({ address }: Client) {
  const timers = { holdTimeMs: 9_000, connectRetryMs: 1_000 };
  return { ...timers, address, port, asn, localAddress: reflectorAddress, routeReflectorClient: true };
}

async function start(client: Client): Promise<void> {
  const { address } = client;
  const speaker = createSpeaker({ asn, routerId: address, listen: [{ address, port }] });
  speaker.on('warning', () => warnings++);
  const timers = { holdTimeMs: 9_000, connectRetryMs: 1_000 };
  speaker.addPeer({ ...timers, address: reflectorAddress, port, asn, localAddress: address });
  for (const prefix of client.announced) announce(speaker, client, prefix);
  client.speaker = speaker;
  await speaker.start();
}

function announce(speaker: Speaker, { nextHop, localPref }: Client, prefix: string): void {
  speaker.announce({ prefix, nextHop, attributes: { localPref } });
}

async function happen(): Promise<void> {
  const client = all[below(clients)];
  if (client === undefined) return;
  const { speaker, announced } = client;
  const what = random.next();
  if (what < 0.1 && speaker !== undefined) {
    client.speaker = undefined;
    // Half of them end as a crash does: without a NOTIFICATION.
    await speaker.stop({ graceful: random.next() < 0.5 });
    done.stop++;
  } else if (what < 0.2 && speaker === undefined) {
    await start(client);
    done.start++;
  } else if (what < 0.25) {
    reflector.removePeer(client.address);
    reflector.addPeer(peerOf(client));
    done.forget++;
  } else {
    const prefix = `10.1.${below(prefixes)}.0/24`;
    if (announced.delete(prefix)) {
      speaker?.withdraw(prefix);
      done.withdraw++;
    } else {
      announced.add(prefix);
      if (speaker !== undefined) announce(speaker, client, prefix);
      done.announce++;
    }
  }
}

/** The table that a speaker at `address` must have, one line a prefix. */
function expectedAt(address: string): string[] {
  const best = new Map<string, Client>();
  for (const client of all) for (const prefix of client.announced) best.set(prefix, client);
  const own = all.find((client) => client.address === address);
  return [...best]
    .map(([prefix, winner]) => {
      if (own?.announced.has(prefix) === true) return `${prefix} via ${own.nextHop} from local`;
      return `${prefix} via ${winner.nextHop} from ${own === undefined ? winner.address : reflectorAddress}`;
    })
    .sort();
}

function tableOf(speaker: Speaker): string[] {
  return Array.from(speaker.routes(), ({ prefix, nextHop, from }) => `${prefix} via ${nextHop} from ${from}`).sort();
}

/** Starts who is down, and waits until all tables are right. */
async function rest(): Promise<void> {
  for (const client of all) if (client.speaker === undefined) await start(client);
  const tables: [string, Speaker][] = [[reflectorAddress, reflector]];
  for (const { address, speaker } of all) if (speaker !== undefined) tables.push([address, speaker]);
  const end = performance.now() + restMs;
  for (;;) {
    const wrong = tables.find(([address, speaker]) => tableOf(speaker).join('\n') !== expectedAt(address).join('\n'));
    if (wrong === undefined) return;
    if (performance.now() > end) {
      const [address, speaker] = wrong;
      const [found, expected] = [tableOf(speaker), expectedAt(address)];
      const line = found.find((each) => !expected.includes(each)) ?? expected.find((each) => !found.includes(each));
      throw new Error(`the table of ${address} is wrong after ${restMs} ms: ${line}`);
    }
    await delay(50);
  }
}

interface Piece {
  readonly heapMegabytes: number;
  readonly descriptors: number;
}

async function measure(): Promise<Piece> {
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const descriptors = readdirSync('/proc/self/fd').length;
  const heapMegabytes = (heapUsed + arrayBuffers) / 1e6;
  const seconds = Math.round(performance.now() / 1000);
  const figures = { seconds, heapMegabytes, rssMegabytes: rss / 1e6, descriptors, routes: tableOf(reflector).length };
  console.log(JSON.stringify({ ...figures, ...done, warnings }));
  return { heapMegabytes, descriptors };
}

const largest = (pieces: readonly Piece[], of: (piece: Piece) => number): number => Math.max(...pieces.map(of));

for (const client of all) reflector.addPeer(peerOf(client));
await reflector.start();
const pieces: Piece[] = [];
const end = performance.now() + Number(values.minutes) * 60_000;
while (performance.now() < end) {
  for (const piece = performance.now() + pieceMs; performance.now() < piece; await delay(below(60))) await happen();
  await rest();
  pieces.push(await measure());
}
await Promise.all([reflector, ...all.map(({ speaker }) => speaker)].map((speaker) => speaker?.stop()));

// The first third warms up: compiled code, tables grown to their size, all that happens seldom.
const third = Math.ceil(pieces.length / 3);
const [warm, late] = [pieces.slice(third, 2 * third), pieces.slice(2 * third)];
const heap = {
  warm: largest(warm, (piece) => piece.heapMegabytes),
  late: largest(late, (piece) => piece.heapMegabytes),
};
const descriptors = largest(late, (piece) => piece.descriptors) - largest(warm, (piece) => piece.descriptors);
console.log(JSON.stringify({ heap, descriptors }));
if (pieces.length < 3) throw new Error('too short to say anything about memory: at least a minute');
if (heap.late > heap.warm * 1.1) throw new Error(`memory grows: ${heap.warm} MB, then ${heap.late} MB`);
if (descriptors > 4) throw new Error(`${descriptors} descriptors more than before`);
