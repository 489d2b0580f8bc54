/** Sessions and their users: sharing, ends, AdminDown, wrong options, and what is discarded. */
import t, { type Test } from 'tap';
import type { BfdChange, BfdSessionOptions } from '../../../src/bfd/api.ts';
import { type ControlPacket, encodeControlPacket } from '../../../src/bfd/control-packet.ts';
import { BfdError, type DiscardReason, discardReasons } from '../../../src/bfd/errors.ts';
import { MemoryNetwork, timing } from './memory-network.ts';

function link(seed = 1) {
  const network = new MemoryNetwork(seed);
  const a = network.machine('10.0.0.1');
  const b = network.machine('10.0.0.2');
  const peer = b.session({ address: '10.0.0.1', ...timing });
  const changes: BfdChange[] = [];
  peer.onChange = (change) => void changes.push(change);
  return { network, a, b, peer, changes };
}

t.test('users of one neighbour share a session', async (test) => {
  const { network, a } = link();
  const slow = a.session({ address: '10.0.0.2', desiredMinTxMs: 500, requiredMinRxMs: 400, detectMultiplier: 5 });
  const fast = a.session({ address: '10.0.0.2', desiredMinTxMs: 200, requiredMinRxMs: 600, detectMultiplier: 4 });
  test.equal(a.sessions().length, 1);
  test.equal(slow.status.localDiscriminator, fast.status.localDiscriminator);
  test.ok(network.advanceUntil(() => fast.state === 'Up'));
  network.advance(3_000);
  test.match(slow.status, { state: 'Up', users: 2, transmitIntervalMs: 200, detectionTimeMs: 3 * 400 });
  test.equal(network.openSenders, 2);

  let heard = 0;
  fast.onChange = () => {
    heard += 1;
  };
  fast.close();
  fast.close();
  network.advance(3_000);
  test.match(slow.status, { state: 'Up', users: 1, transmitIntervalMs: 500 });
  network.passes = () => false;
  network.advance(3_000);
  test.equal(slow.state, 'Down');
  test.equal(heard, 0, 'who has left hears nothing');
});

t.test('another local address, interface or kind is another session', async (test) => {
  const network = new MemoryNetwork();
  const bfd = network.machine('10.0.0.1');
  const options: readonly BfdSessionOptions[] = [
    { address: '10.0.0.2', ...timing },
    { address: '10.0.0.2', ...timing, localAddress: '10.0.0.1' },
    { address: '10.0.0.2', ...timing, localAddress: '10.0.0.9' },
    { address: '10.0.0.2', ...timing, interface: 'eth0' },
    { address: '10.0.0.2', ...timing, multihop: true },
    { address: 'fe80::2%eth0', ...timing },
    { address: 'fe80::2%eth1', ...timing },
  ];
  for (const one of options) bfd.session(one);
  const same: readonly BfdSessionOptions[] = [
    { address: '::ffff:10.0.0.2', ...timing, multihop: false },
    { address: 'FE80:0::2', interface: 'eth0', ...timing },
    { address: '10.0.0.2', ...timing, multihop: true, minimumTtl: 250 },
  ];
  for (const one of same) bfd.session(one);
  test.equal(bfd.sessions().length, options.length);
  test.equal(new Set(bfd.sessions().map(({ localDiscriminator }) => localDiscriminator)).size, options.length);
  bfd.close();
  test.strictSame(bfd.sessions(), []);
  test.equal(network.receivers.size, 0);
  test.equal(network.openSenders, 0);
});

t.test(
  'the last user gone: the neighbour is told AdminDown for a Detection Time, and does not call it a failure',
  async (test) => {
    const { network, a, peer, changes } = link();
    const session = a.session({ address: '10.0.0.2', ...timing });
    network.advanceUntil(() => peer.state === 'Up');
    network.advance(3_000);
    const from = network.sent.length;
    session.close();
    test.strictSame(a.sessions(), []);
    network.advance(20_000);
    const told = network.sent.slice(from).filter((sent) => sent.from === '10.0.0.1');
    test.ok(told.length >= 3, `${told.length} packets`);
    test.ok(told.every(({ packet }) => packet.state === 'AdminDown' && packet.diagnostic === 7));
    const [first, last] = [told[0]?.at ?? 0, told.at(-1)?.at ?? 0];
    test.ok(last - first <= 3_000, 'and then it ends');
    test.equal(network.openSenders, 1);
    test.match(changes.at(-1), { state: 'Down', reason: 'neighbor-admin-down', pathDown: false, remoteDiagnostic: 7 });
    test.equal(peer.state, 'Down');
  },
);

t.test('a user that comes during the farewell finds the session', async (test) => {
  const { network, a, peer } = link();
  const session = a.session({ address: '10.0.0.2', ...timing });
  network.advanceUntil(() => peer.state === 'Up');
  const { localDiscriminator } = session.status;
  session.close();
  network.advance(500);
  const again = a.session({ address: '10.0.0.2', ...timing });
  test.equal(again.status.localDiscriminator, localDiscriminator);
  network.advance(10_000);
  test.equal(again.state, 'Up');
  test.equal(peer.state, 'Up');
  test.equal(network.openSenders, 2);
});

t.test('closing all tells each neighbour once', async (test) => {
  const { network, a, peer, changes } = link();
  a.session({ address: '10.0.0.2', ...timing });
  network.advanceUntil(() => peer.state === 'Up');
  a.close();
  test.equal(network.openSenders, 1);
  network.advance(100);
  test.match(changes.at(-1), { reason: 'neighbor-admin-down', pathDown: false });
  test.strictSame(
    [...network.receivers].map(({ owner }) => owner),
    ['10.0.0.2'],
  );
});

t.test('multihop: no TTL check, unless a minimum is asked for', async (test) => {
  const network = new MemoryNetwork();
  const bfd = network.machine('10.0.0.1');
  bfd.session({ address: '10.0.0.2', ...timing });
  bfd.session({ address: '10.9.0.2', ...timing, multihop: true });
  const ttls = (port: number) => [...network.receivers].find(({ place }) => place.port === port)?.ttls;
  test.strictSame(ttls(3784), { fallback: 255, exceptions: [] });
  test.strictSame(ttls(4784), { fallback: 0, exceptions: [] });
  const strict = bfd.session({ address: '10.9.0.3', ...timing, multihop: true, minimumTtl: 250 });
  const stricter = bfd.session({ address: '10.9.0.3', ...timing, multihop: true, minimumTtl: 252 });
  test.strictSame(
    ttls(4784),
    { fallback: 252, exceptions: [{ remoteAddress: '10.9.0.2', minimumTtl: 0 }] },
    'strangers pass the strictest check',
  );
  stricter.close();
  test.equal(ttls(4784)?.fallback, 250, 'the user who is left');
  strict.close();
  test.strictSame(ttls(4784), { fallback: 0, exceptions: [] });
});

const packet: ControlPacket = {
  diagnostic: 0,
  state: 'Down',
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  detectMultiplier: 3,
  myDiscriminator: 77,
  yourDiscriminator: 0,
  desiredMinTxUs: 1_000_000,
  requiredMinRxUs: 100_000,
  requiredMinEchoRxUs: 0,
};

function receiver(options: Partial<BfdSessionOptions> = {}) {
  const network = new MemoryNetwork();
  const discarded: DiscardReason[] = [];
  const bfd = network.machine('10.0.0.1', ({ reason }) => void discarded.push(reason));
  const session = bfd.session({ address: '10.0.0.2', ...timing, ...options });
  const deliver = (changes: Partial<ControlPacket>, from = '10.0.0.2', port = 3784, ttl = 255): void =>
    network.deliver(encodeControlPacket({ ...packet, ...changes }), from, '10.0.0.1', port, ttl);
  return { network, bfd, session, discarded, deliver };
}

t.test('whose packet it is, RFC 5880 §6.8.6', async (test) => {
  const { session, discarded, deliver, network, bfd } = receiver();
  const { localDiscriminator } = session.status;
  const reasons = (): DiscardReason[] => discarded.splice(0);

  deliver({ yourDiscriminator: localDiscriminator + 1 });
  test.strictSame(reasons(), ['unknown-discriminator']);
  for (const state of ['Init', 'Up'] as const) {
    deliver({ state });
    test.strictSame(reasons(), ['zero-discriminator'], state);
  }
  deliver({}, '10.0.0.3');
  test.strictSame(reasons(), ['unknown-neighbor']);
  const authenticated = Uint8Array.from([...encodeControlPacket({ ...packet }), 1, 5, 1, 0x61, 0x62]);
  authenticated[1] = 0x44;
  authenticated[3] = authenticated.length;
  network.deliver(authenticated, '10.0.0.2', '10.0.0.1', 3784);
  test.strictSame(reasons(), ['authentication-not-supported']);
  network.deliver(new Uint8Array(5), '10.0.0.2', '10.0.0.1', 3784);
  test.strictSame(reasons(), ['version']);
  test.equal(session.state, 'Down', 'none of these did anything');
  test.equal(session.status.remoteDiscriminator, 0);

  bfd.session({ address: '10.0.0.9', ...timing, multihop: true });
  deliver({ yourDiscriminator: localDiscriminator, state: 'Init' }, '10.0.0.2', 4784);
  test.strictSame(reasons(), ['unknown-discriminator'], 'a multihop packet is none of a single hop session');

  deliver({ state: 'AdminDown', diagnostic: 7 });
  test.match(
    session.status,
    { remoteState: 'AdminDown', remoteDiagnostic: 7, state: 'Down' },
    'AdminDown may be the first',
  );
  deliver({}, '10.0.0.2', 3784, 254);
  test.equal(session.state, 'Down', 'TTL 254');
  deliver({});
  test.equal(session.state, 'Init');
  deliver({ state: 'Init', yourDiscriminator: localDiscriminator }, '10.0.0.77');
  test.equal(session.state, 'Up', 'RFC 5880 §6.3: with our discriminator the source address may be another');
  test.strictSame(reasons(), []);
});

t.test('every reason to discard is tested here or in the codec', async (test) => {
  test.strictSame(discardReasons.slice(6), [
    'unknown-discriminator',
    'zero-discriminator',
    'unknown-neighbor',
    'authentication-not-supported',
  ]);
});

t.test('of two sessions with one neighbour the one on that address gets the first packet', async (test) => {
  const { session, bfd, deliver, network } = receiver();
  const exact = bfd.session({ address: '10.0.0.2', ...timing, localAddress: '10.0.0.1' });
  deliver({});
  test.equal(exact.state, 'Init');
  test.equal(session.state, 'Down');
  network.deliver(encodeControlPacket(packet), '10.0.0.2', '10.0.0.5', 3784);
  test.equal(session.state, 'Down', 'there is no such address here');
});

t.test('options that cannot be', async (test) => {
  const network = new MemoryNetwork();
  const bfd = network.machine('10.0.0.1');
  const cases: readonly (readonly [Partial<BfdSessionOptions>, RegExp])[] = [
    [{ address: '10.0.0' }, /"10\.0\.0" is not/],
    [{ localAddress: 'here' }, /"here" is not/],
    [{ localAddress: '2001:db8::1' }, /other family/],
    [{ address: 'fe80::1' }, /needs its interface/],
    [{ address: 'fe80::1%eth0', multihop: true }, /more than one hop/],
    [{ address: 'fe80::1%eth0', interface: 'eth1' }, /on eth0 and on eth1/],
    [{ minimumTtl: 255 }, /multihop/],
    [{ multihop: true, minimumTtl: 256 }, /0 to 255/],
    [{ desiredMinTxMs: 0 }, /desiredMinTxMs/],
    [{ requiredMinRxMs: -1 }, /requiredMinRxMs/],
    [{ desiredMinTxMs: 4_294_968 }, /desiredMinTxMs/],
    [{ desiredMinTxMs: Number.NaN }, /desiredMinTxMs/],
    [{ detectMultiplier: 0 }, /detectMultiplier/],
    [{ detectMultiplier: 256 }, /detectMultiplier/],
    [{ detectMultiplier: 1.5 }, /detectMultiplier/],
  ];
  for (const [options, message] of cases) {
    const open = () => bfd.session({ address: '10.0.0.2', ...timing, ...options });
    test.throws(open, { name: 'BfdError', code: 'BFD_OPTIONS', message }, JSON.stringify(options));
  }
  test.strictSame(bfd.sessions(), []);
  test.equal(network.receivers.size, 0, 'nothing stays open');
});

t.test('a socket that cannot be opened leaves nothing behind', async (test: Test) => {
  const network = new MemoryNetwork();
  const transport = network.transport('10.0.0.1');
  const { BfdInstance } = await import('../../../src/bfd/bfd.ts');
  const refuse = (): never => {
    throw new BfdError('BFD_SOCKET', 'no socket');
  };
  for (const broken of ['openReceiver', 'openSender'] as const) {
    const bfd = new BfdInstance(
      { clock: network.clock, random: network.random, transport: { ...transport, [broken]: refuse } },
      undefined,
    );
    test.throws(() => bfd.session({ address: '10.0.0.2', ...timing }), { code: 'BFD_SOCKET' });
    test.strictSame(bfd.sessions(), []);
    test.equal(network.receivers.size, 0);
    test.equal(network.openSenders, 0);
  }
});
