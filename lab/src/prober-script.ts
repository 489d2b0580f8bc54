/**
 * A program in a pod's namespace: answers on ports of TCP and UDP, and makes the connections that lines of its standard
 * input ask for. Argument: the ports, with commas. A line in: `{ id, probes: [{ protocol, address, port }] }`; a line out:
 * `{ id, open: boolean[] }`.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer, isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';

/** What is refused says so at once; this is for packets that are dropped. */
const ANSWER_WITHIN_MS = 3000;
/** Probes under way at a time. */
const WIDTH = 32;

interface Probe {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

const ports = (process.argv[2] ?? '').split(',').map(Number);
const ready = ports.flatMap((port) => [
  new Promise<void>((resolve) => {
    createServer((socket) => socket.on('error', () => undefined).end('!')).listen(
      { port, host: '::', backlog: 512 },
      resolve,
    );
  }),
  new Promise<void>((resolve) => {
    const socket = createSocket('udp6');
    socket.on('error', () => undefined);
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    socket.bind(port, '::', resolve);
  }),
]);

/** True when the other side answered. */
function tryTcp({ address, port }: Probe): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: address });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(false));
    socket
      .on('data', () => end(true))
      .on('error', () => end(false))
      .on('close', () => resolve(false));
  });
}

function tryUdp({ address, port }: Probe): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const timer = setTimeout(() => end(false), ANSWER_WITHIN_MS);
    let done = false;
    const end = (open: boolean) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      socket.close();
      resolve(open);
    };
    socket.on('message', () => end(true)).on('error', () => end(false));
    // Only a connected socket hears of a refusal (udp(7)).
    socket.connect(port, address, () => socket.send('?', () => undefined));
  });
}

async function probeAll(probes: readonly Probe[]): Promise<boolean[]> {
  const open: boolean[] = [];
  let next = 0;
  const work = async () => {
    while (next < probes.length) {
      const at = next++;
      const probe = probes[at];
      if (probe !== undefined) open[at] = await (probe.protocol === 'UDP' ? tryUdp(probe) : tryTcp(probe));
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  return open;
}

await Promise.all(ready);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { id, probes } = JSON.parse(line) as { id: number; probes: Probe[] };
  probeAll(probes).then((open) => console.log(JSON.stringify({ id, open })));
}
