/**
 * A program, started in a namespace: `serve PROTOCOL PORT NAME` answers every TCP connection, UDP datagram or HTTP
 * request with NAME; `ask PROTOCOL PORT ADDRESS` prints such an answer, or ends with status 1 after two seconds.
 */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer, get } from 'node:http';
import { connect, createServer, isIPv6 } from 'node:net';
import { text } from 'node:stream/consumers';

const ANSWER_WITHIN_MS = 2000;

const servers: Readonly<Record<string, (port: number, name: string) => void>> = {
  tcp: (port, name) => {
    createServer((socket) => socket.on('error', () => undefined).end(name)).listen(port, '::', ready);
  },
  http: (port, name) => {
    createHttpServer((_, response) => response.end(name)).listen(port, '::', ready);
  },
  udp: (port, name) => {
    const socket = createSocket('udp6');
    socket.on('message', (_, from) => socket.send(name, from.port, from.address));
    socket.bind(port, '::', ready);
  },
};

const questions: Readonly<Record<string, (port: number, address: string) => Promise<string>>> = {
  tcp: (port, address) => text(connect(port, address)),
  http: async (port, address) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get({ host: address, port }, (response) => resolve(text(response))).on('error', reject);
    return promise;
  },
  udp: (port, address) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.on('error', reject).on('message', (message) => resolve(message.toString()));
    socket.send('?', port, address);
    return promise;
  },
};

function ready(): void {
  console.log('listening');
}

const [mode, protocol = '', port = '', argument = ''] = process.argv.slice(2);
if (mode === 'serve') {
  servers[protocol]?.(Number(port), argument);
} else {
  setTimeout(() => process.exit(1), ANSWER_WITHIN_MS);
  try {
    console.log(await questions[protocol]?.(Number(port), argument));
    process.exit(0);
  } catch {
    process.exit(1);
  }
}
