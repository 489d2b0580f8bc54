/** A configured peer that sends what is no BGP, half of it, or a byte at a time: the others do not notice. */
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { encodeKeepalive, encodeOpen, parseIpv4 } from '../../src/codec.ts';
import { SeededRandom } from '../../src/simulator/index.ts';
import { until } from './daemons.ts';
import { hostile, target } from './hostile-plan.ts';
import { prefix24, Target, updateOf } from './hostile-target.ts';

/** Connects from the hostile peer's address; collects what comes back. */
class Raw {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);
  closed = false;
  connected = false;

  constructor() {
    this.socket = connect({ host: target.address, port: 179, localAddress: hostile.address, noDelay: true });
    this.socket.on('connect', () => {
      this.connected = true;
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
  }

  /** Code and subcode of the last message, when it is a NOTIFICATION. */
  get notification(): string | undefined {
    let last: Buffer | undefined;
    for (let rest = this.received; rest.length >= 19; rest = rest.subarray(rest.readUInt16BE(16))) last = rest;
    return last?.[18] === 3 ? `${last[19]}/${last[20]}` : undefined;
  }
}

/** A connection that the speaker has taken: it has sent its OPEN. The back-off after the last one may take a while. */
async function taken(): Promise<Raw> {
  const raw = new Raw();
  await until('the OPEN of the speaker', () => raw.received.length > 0 || raw.closed, 70_000);
  return raw;
}

const speaker = await Target.start();
t.teardown(() => speaker.stop());

t.test('garbage before OPEN', async (t) => {
  const random = new SeededRandom(1);
  const noise = Uint8Array.from({ length: 200 }, () => Math.floor(random.next() * 256));
  const answers: (string | undefined)[] = [];
  await speaker.withstand(t, 'garbage before OPEN', async () => {
    for (const bytes of [noise, Buffer.from('GET / HTTP/1.1\r\nHost: 10.255.0.1\r\n\r\n'), new Uint8Array(4096)]) {
      const raw = await taken();
      raw.socket.write(bytes);
      await until('the end of the connection', () => raw.closed);
      answers.push(raw.notification);
    }
  });
  t.strictSame(answers, ['1/1', '1/1', '1/1'], 'Connection Not Synchronized (RFC 4271 §6.1)');
});

t.test('half a header', async (t) => {
  await speaker.withstand(t, 'half a header', async () => {
    const raw = await taken();
    raw.socket.write(encodeKeepalive().subarray(0, 9));
    await speaker.probe(Promise.resolve(), 50);
    t.equal(raw.closed, false, 'it is waited for');
    raw.socket.end();
    await until('the end of the connection', () => raw.closed);
  });
});

t.test('garbage from many connections at once', async (t) => {
  await speaker.withstand(t, '500 connections of one peer with garbage', async () => {
    const raws = Array.from({ length: 500 }, () => new Raw());
    for (const raw of raws) raw.socket.on('connect', () => raw.socket.write(new Uint8Array(4096)));
    await until('the end of all connections', () => raws.every(({ closed }) => closed), 70_000);
  });
});

t.test('a message of 4096 bytes, one at a time', async (t) => {
  const open = encodeOpen({
    kind: 'open',
    version: 4,
    myAs: hostile.asn,
    holdTimeSeconds: 240,
    identifier: parseIpv4(hostile.identifier),
    capabilities: [
      { kind: 'multiprotocol', family: 257 },
      { kind: 'four-octet-as', asn: hostile.asn },
    ],
  });
  // As many /24 as fit, and one prefix of the bytes that are left.
  const room = 4096 - updateOf(hostile, []).length;
  const prefixes = Array.from({ length: Math.floor(room / 4) }, (_, index) => prefix24(50, index));
  const left = room % 4;
  if (left > 0) prefixes.push({ family: 257, address: Uint8Array.of(50, 0, 0, 0), length: 8 * (left - 1) });
  const update = updateOf(hostile, prefixes);
  t.equal(update.length, 4096);
  await speaker.withstand(
    t,
    'a message of 4096 bytes, one at a time',
    async () => {
      const raw = await taken();
      for (const byte of Buffer.concat([open, encodeKeepalive(), update])) {
        await new Promise<void>((resolve) => void raw.socket.write(Uint8Array.of(byte), () => resolve()));
      }
      await until('its routes', async () => {
        const { peers } = await speaker.figures();
        return peers.find(({ address }) => address === hostile.address)?.prefixesReceived === prefixes.length;
      });
      raw.socket.destroy();
    },
    8e6,
  );
});
