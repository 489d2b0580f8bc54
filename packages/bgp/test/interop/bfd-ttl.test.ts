/** The TTL check on the real kernel, RFC 5881 §5 and RFC 5883 §5: packets of a hand-made peer, over one link and over a router. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { type ControlPacket, decodeControlPacket, encodeControlPacket } from '../../src/bfd/control-packet.ts';
import { type BfdSession, createBfd } from '../../src/bfd/index.ts';
import {
  createTopology,
  direct4,
  direct6,
  droppedByFilter,
  far4,
  far6,
  linkLocal,
  sendWithTtl,
} from './bfd-topology.ts';
import { run, until } from './daemons.ts';

const timing = { desiredMinTxMs: 100, requiredMinRxMs: 100, detectMultiplier: 3 };

/** What a peer says that has just begun; with an interval so long that nothing times out here. */
const hello: ControlPacket = {
  diagnostic: 0,
  state: 'Down',
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  detectMultiplier: 10,
  myDiscriminator: 4711,
  yourDiscriminator: 0,
  desiredMinTxUs: 1_000_000,
  requiredMinRxUs: 100_000,
  requiredMinEchoRxUs: 0,
};

const topology = await createTopology();
t.teardown(() => topology.stop());

async function dropped(addresses: readonly [string, string], port: number, ttl: number, session: BfdSession) {
  const before = await droppedByFilter();
  await sendWithTtl(topology.peer, addresses, port, ttl, encodeControlPacket(hello));
  await until('the kernel drops it', async () => (await droppedByFilter()) > before);
  return session.state;
}

for (const [name, [own, peer], source] of [
  ['IPv4', direct4, direct4[1]],
  ['IPv6', direct6, direct6[1]],
  ['IPv6 link-local', linkLocal, 'fe80::2%vb'],
] as const) {
  for (const local of [true, false]) {
    t.test(`single hop, ${name}${local ? ', on one address' : ''}: TTL 255 only`, async (test) => {
      const bfd = createBfd();
      test.teardown(() => bfd.close());
      const session = bfd.session({ address: peer, ...timing, ...(local ? { localAddress: own } : {}) });
      const addresses = [source, own.replace('%va', '%vb')] as const;
      for (const ttl of [254, 1]) test.equal(await dropped(addresses, 3784, ttl, session), 'Down', `TTL ${ttl}`);
      await sendWithTtl(topology.peer, addresses, 3784, 255, encodeControlPacket(hello));
      await until('TTL 255 is taken', () => session.state === 'Init');
      test.pass('TTL 255');
    });
  }
}

for (const [name, [own, peer]] of [
  ['IPv4', far4],
  ['IPv6', far6],
] as const) {
  t.test(`multihop, ${name}: any TTL, or a minimum for each neighbour`, async (test) => {
    const bfd = createBfd();
    test.teardown(() => bfd.close());
    const session = bfd.session({ address: peer, localAddress: own, multihop: true, ...timing });
    await sendWithTtl(topology.peer, [peer, own], 4784, 3, encodeControlPacket(hello));
    await until('TTL 2 is taken', () => session.state === 'Init');

    const strict = bfd.session({ address: peer, localAddress: own, multihop: true, minimumTtl: 254, ...timing });
    const other = name === 'IPv4' ? '10.8.1.9' : 'fd08:1::9';
    bfd.session({ address: other, localAddress: own, multihop: true, minimumTtl: 100, ...timing });
    session.close();
    const bye = encodeControlPacket({ ...hello, state: 'AdminDown' });
    const before = await droppedByFilter();
    await sendWithTtl(topology.peer, [peer, own], 4784, 254, bye);
    await until('one hop too many', async () => (await droppedByFilter()) > before);
    test.equal(strict.state, 'Init');
    await sendWithTtl(topology.peer, [peer, own], 4784, 255, bye);
    await until('TTL 254 is taken', () => strict.state === 'Down');
    test.pass('a minimum of 254, one router on the way');
  });
}

t.test('a minimum below that of others holds for its neighbour only', async (test) => {
  const bfd = createBfd();
  test.teardown(() => bfd.close());
  const relaxed = bfd.session({ address: far6[1], localAddress: far6[0], multihop: true, minimumTtl: 10, ...timing });
  const others = ['fd08:1::3', 'fd09:1::2', 'fd08:1::1:2'];
  for (const address of others)
    bfd.session({ address, localAddress: far6[0], multihop: true, minimumTtl: 255, ...timing });
  await sendWithTtl(topology.peer, [far6[1], far6[0]], 4784, 11, encodeControlPacket(hello));
  await until('its own minimum', () => relaxed.state === 'Init');
  test.equal(bfd.sessions().filter(({ state }) => state === 'Down').length, others.length);
  const { localDiscriminator } = bfd.sessions().find(({ address }) => address === 'fd08:1::3') ?? {};
  const forged = encodeControlPacket({ ...hello, yourDiscriminator: localDiscriminator ?? 0 });
  await topology.peer.run('ip', 'address', 'add', 'fd08:1::7/64', 'dev', 'wb', 'nodad');
  const before = await droppedByFilter();
  await sendWithTtl(topology.peer, ['fd08:1::7', far6[0]], 4784, 255, forged);
  await until('a stranger meets the strictest check', async () => (await droppedByFilter()) > before);
  test.equal(bfd.sessions().filter(({ state }) => state === 'Down').length, others.length);
});

t.test('errors of sockets have names', async (test) => {
  const bfd = createBfd();
  test.teardown(() => bfd.close());
  test.throws(() => bfd.session({ address: direct4[1], interface: 'nonesuch', ...timing }), {
    name: 'BfdError',
    code: 'BFD_SOCKET',
    message: /nonesuch.*ENODEV/,
  });
  const early = bfd.session({ address: direct4[1], localAddress: '10.0.0.77', ...timing });
  test.equal(early.state, 'Down', 'an address that is not there yet is waited for');
  test.equal(bfd.sessions().length, 1);
});

t.test('each session has a source port of its own from 49152 on, RFC 5881 §4', async (test) => {
  // Numbers so close together that all begin to look at the same port.
  let drawn = 0x4000_0000;
  const bfd = createBfd({ random: { next: () => drawn++ / 2 ** 32 } });
  test.teardown(() => bfd.close());
  const addresses = Array.from({ length: 20 }, (_, index) => `10.0.0.${index + 10}`);
  for (const [index, address] of addresses.entries()) {
    bfd.session({ address, ...timing, ...(index % 2 === 0 ? { localAddress: `10.0.0.${index + 100}` } : {}) });
  }
  const sockets = (await run('ss', '-Hanu')).split('\n').map((line) => Number(/:(\d+) /.exec(line)?.[1]));
  const ports = sockets.filter((port) => port >= 49_152);
  test.equal(ports.length, addresses.length);
  test.equal(new Set(ports).size, addresses.length);
});

t.test('closing everything tells the neighbours before the sockets are gone', async (test) => {
  const states: string[] = [];
  const neighbor = createSocket('udp4');
  neighbor.on('message', (bytes) => void states.push(decodeControlPacket(bytes).state));
  neighbor.bind(3784, '127.0.0.2');
  await once(neighbor, 'listening');
  test.teardown(() => void neighbor.close());
  const bfd = createBfd();
  bfd.session({ address: '127.0.0.2', localAddress: '127.0.0.1', ...timing });
  bfd.close();
  await until('AdminDown', () => states.includes('AdminDown'));
  test.strictSame(states, ['Down', 'AdminDown']);
});
