/**
 * Counts datagrams on ports of both families, and sends numbered ones from a pod. Argument: the ports, with commas. Lines of
 * JSON on standard input, each answered by one line: `ready`, `reset`, `start` (addresses) with `everyMs`, `wait` (until so
 * many more were sent), `stop`, `settled` (when all that was sent before has had its time).
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';

const ports = (process.argv[2] ?? '').split(',').map(Number);
const QUIET_MS = 300;
let received = new Map<number, number>();
let lastMs = 0;
for (const port of ports) {
  const socket = createSocket({ type: 'udp6', recvBufferSize: 1 << 20 });
  socket.on('message', () => {
    lastMs = performance.now();
    received.set(port, (received.get(port) ?? 0) + 1);
  });
  await new Promise<void>((resolve) => socket.bind(port, '::', resolve));
}

const senders = { 4: createSocket('udp4'), 6: createSocket('udp6') };
for (const socket of Object.values(senders)) {
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  socket.on('error', () => undefined);
}
let sent = 0;
let timer: NodeJS.Timeout | undefined;
let waiting: { readonly until: number; readonly done: () => void } | undefined;

function send(address: string): void {
  for (const port of ports) senders[isIPv6(address) ? 6 : 4].send(String(sent), port, address, () => undefined);
  sent++;
  if (waiting !== undefined && sent >= waiting.until) waiting.done();
}

const answer = (value: object) => console.log(JSON.stringify(value));
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as { [key: string]: unknown };
  if ('ready' in question) answer({});
  if ('reset' in question) {
    received = new Map();
    answer({});
  }
  if ('start' in question) {
    sent = 0;
    const addresses = question['start'] as string[];
    timer = setInterval(() => {
      for (const address of addresses) send(address);
    }, question['everyMs'] as number);
    answer({});
  }
  if ('wait' in question) {
    const until = sent + (question['wait'] as number);
    await new Promise<void>((done) => {
      waiting = { until, done };
    });
    waiting = undefined;
    answer({});
  }
  if ('stop' in question) {
    clearInterval(timer);
    answer({ sent });
  }
  if ('settled' in question) {
    lastMs = performance.now();
    const settled = (done: () => void) => {
      const left = lastMs + QUIET_MS - performance.now();
      if (left <= 0) done();
      else setTimeout(settled, left, done);
    };
    await new Promise<void>(settled);
    answer({ received: Object.fromEntries(received) });
  }
}
