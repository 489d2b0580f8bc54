/** RFC 5082 on the real kernel: two of our sessions on the loopback device, with and without the TTL that is asked for. */
import t, { type Test } from 'tap';
import { ipv4Unicast } from '../../src/family/registry.ts';
import type { PeerSocketOptions } from '../../src/ports.ts';
import { createAcceptor } from '../../src/session/listener.ts';
import type { Session } from '../../src/session/model.ts';
import { nodeClock, nodeRandom } from '../../src/session/node-clock.ts';
import { nodeTransport } from '../../src/session/node-transport.ts';
import { createSession } from '../../src/session/session.ts';
import { addAddresses, until } from './daemons.ts';

async function side(
  address: string,
  peerAddress: string,
  passive: boolean,
  socket: PeerSocketOptions,
  listenOn = { address, port: 179 },
) {
  const warnings: string[] = [];
  const warning = (text: string) => void warnings.push(text);
  const session: Session = createSession(
    {
      localAsn: 65001,
      peerAsn: 65001,
      localIdentifier: passive ? 2 : 1,
      peerAddress,
      localAddress: address,
      families: [ipv4Unicast.key],
      holdTimeMs: 90_000,
      connectRetryMs: 500,
      passive,
      ...socket,
    },
    { stateChanged() {}, established() {}, update() {}, routeRefresh() {}, down() {}, writable() {}, warning },
    { clock: nodeClock, random: nodeRandom, transport: nodeTransport },
  );
  const acceptor = createAcceptor({ clock: nodeClock, warning });
  acceptor.add(peerAddress, session);
  const listener = await nodeTransport.listen(listenOn, acceptor.accept);
  listener.setPeerOptions(peerAddress, socket);
  session.start();
  return { session, warnings, listener };
}

async function pair(test: Test, family: 'IPv4' | 'IPv6', active: PeerSocketOptions, passive: PeerSocketOptions) {
  const [a, b] = family === 'IPv4' ? ['10.255.0.1', '10.255.0.2'] : ['fd00::1', 'fd00::2'];
  const sides = [await side(a, b, false, active), await side(b, a, true, passive)] as const;
  test.teardown(async () => {
    for (const { session } of sides) session.stop({ notify: false });
    for (const { listener } of sides) await listener.close();
  });
  return sides;
}

await addAddresses('10.255.0.1', '10.255.0.2', 'fd00::1', 'fd00::2');

for (const family of ['IPv4', 'IPv6'] as const) {
  t.test(`${family}: both with TTL security`, async (test) => {
    const gtsm = { ttl: 255, minimumTtl: 255 };
    const sides = await pair(test, family, gtsm, gtsm);
    await until('Established', () => sides.every(({ session }) => session.state === 'Established'));
    test.pass('Established');
  });

  t.test(`${family}: the passive side demands a TTL that the active side does not send`, async (test) => {
    const sides = await pair(test, family, { ttl: 64 }, { ttl: 255, minimumTtl: 255 });
    await until('a warning', () => sides.some(({ warnings }) => warnings.length > 0));
    test.notOk(sides.some(({ session }) => session.state === 'Established'));
  });

  t.test(`${family}: the active side demands a TTL that the passive side does not send`, async (test) => {
    const sides = await pair(test, family, { ttl: 255, minimumTtl: 255 }, { ttl: 64 });
    await until('a warning', () => sides.some(({ warnings }) => warnings.length > 0));
    test.notOk(sides.some(({ session }) => session.state === 'Established'));
  });
}

t.test(
  'passwords: the longest possible works, one byte more is refused by name and without the password',
  async (test) => {
    const password = 'x'.repeat(80);
    const sides = await pair(test, 'IPv4', { password }, { password });
    await until('Established', () => sides.every(({ session }) => session.state === 'Established'));
    const [, { listener }] = sides;
    test.throws(() => listener.setPeerOptions('10.255.0.9', { password: `${password}x` }), {
      code: 'TCP_OPTION_PASSWORD',
      message: 'the TCP MD5 password for 10.255.0.9 has 81 bytes, at most 80 are possible',
    });
  },
);

t.test(
  'a dual-stack listener takes passwords and TTLs for both families; one of another family ignores them',
  async (test) => {
    const options = { password: 'sesame', ttl: 255, minimumTtl: 255 };
    const passive = await side('10.255.0.2', '10.255.0.1', true, options, { address: '::', port: 179 });
    passive.listener.setPeerOptions('fd00::1', options);
    const active = await side('10.255.0.1', '10.255.0.2', false, options, { address: '10.255.0.1', port: 1179 });
    active.listener.setPeerOptions('fd00::2', options);
    test.teardown(async () => {
      for (const { session, listener } of [passive, active]) {
        session.stop({ notify: false });
        await listener.close();
      }
    });
    await until('Established', () => [passive, active].every(({ session }) => session.state === 'Established'));
    passive.listener.setPeerOptions('10.255.0.1', undefined);
    test.pass('Established over IPv4, and the key can be taken away');
  },
);
