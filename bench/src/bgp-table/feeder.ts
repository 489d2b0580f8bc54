/**
 * Process: announces a table over each of its sessions, as fast as the sockets take it. Says `ready`, waits for a line,
 * says when it began and ended; the next line has it lose all sessions.
 */
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { leanPeer, machineMs } from './lean-peer.ts';
import { feedersOf, type Scenario } from './plan.ts';
import { tableUpdates } from './routes.ts';

const scenario: Scenario = JSON.parse(process.argv[2] ?? '');
const CHUNK = 256 * 1024;

function chunked(messages: readonly Uint8Array[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let gathered: Uint8Array[] = [];
  let size = 0;
  for (const message of messages) {
    gathered.push(message);
    size += message.length;
    if (size < CHUNK) continue;
    chunks.push(Buffer.concat(gathered));
    gathered = [];
    size = 0;
  }
  chunks.push(Buffer.concat(gathered));
  return chunks;
}

async function feed(socket: Socket, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
}

function say(event: string): void {
  console.log(JSON.stringify({ event, at: machineMs() }));
}

const peers = feedersOf(scenario);
const tables = peers.map(({ neighborAs }, index) => chunked(tableUpdates(scenario, index, neighborAs)));
const sockets: Socket[] = [];
for (const [index, peer] of peers.entries()) {
  sockets.push(await leanPeer(peer, scenario.family, index + 100, () => {}));
}
say('ready');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await lines.next();
say('begin');
await Promise.all(sockets.map((socket, index) => feed(socket, tables[index] ?? [])));
say('end');
await lines.next();
say('lost');
for (const socket of sockets) socket.resetAndDestroy();
process.exit(0);
