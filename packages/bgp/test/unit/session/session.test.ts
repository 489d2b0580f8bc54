/** The session shell over connections in memory and a clock turned by hand. The peer is a script, or a second session. */
import t from 'tap';
import { BgpError } from '../../../src/errors.ts';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import type { DownReason } from '../../../src/fsm/state.ts';
import { decodeHeader } from '../../../src/message/header.ts';
import { encodeKeepalive } from '../../../src/message/keepalive.ts';
import type { Negotiated } from '../../../src/message/model.ts';
import { encodeNotification } from '../../../src/message/notification.ts';
import { decodeOpen, encodeOpen } from '../../../src/message/open.ts';
import { encodeRouteRefresh } from '../../../src/message/route-refresh.ts';
import { createAcceptor } from '../../../src/session/listener.ts';
import type { Session, SessionConfig, SessionEvents } from '../../../src/session/model.ts';
import { localOpen } from '../../../src/session/open.ts';
import { createSession } from '../../../src/session/session.ts';
import { evenRandom, type MemoryConnection, MemoryNetwork, memoryPair, VirtualClock } from './virtual.ts';

const us: SessionConfig = {
  localAsn: 65001,
  localIdentifier: 0x0a000001,
  peerAsn: 65002,
  peerAddress: '10.0.0.2',
  families: [ipv4Unicast.key],
  holdTimeMs: 90_000,
  passive: true,
};
const them: SessionConfig = {
  ...us,
  localAsn: 65002,
  localIdentifier: 0x0a000002,
  peerAsn: 65001,
  peerAddress: '10.0.0.1',
  passive: false,
};

interface Seen {
  readonly states: string[];
  readonly downs: DownReason[];
  readonly warnings: string[];
  readonly established: Negotiated[];
  readonly updates: string[];
  readonly refreshes: { family: number; subtype: number }[];
  writable: number;
}

function observed(): { seen: Seen; events: SessionEvents } {
  const seen: Seen = { states: [], downs: [], warnings: [], established: [], updates: [], refreshes: [], writable: 0 };
  return {
    seen,
    events: {
      stateChanged: (_from, to) => void seen.states.push(to),
      established: (negotiated) => void seen.established.push(negotiated),
      update: (body) => void seen.updates.push(Buffer.from(body).toString('hex')),
      routeRefresh: (message) => void seen.refreshes.push(message),
      down: (reason) => void seen.downs.push(reason),
      writable: () => {
        seen.writable += 1;
      },
      warning: (text) => void seen.warnings.push(text),
    },
  };
}

/** A passive session of ours, and the raw connection of its peer: `sent()` are whole messages that we sent, in hex. */
function scripted(config: Partial<SessionConfig> = {}, overrides: Partial<SessionEvents> = {}, window?: number) {
  const clock = new VirtualClock();
  const { seen, events } = observed();
  const ports = { clock, random: evenRandom, transport: new MemoryNetwork(clock).at('10.0.0.1') };
  const session = createSession({ ...us, ...config }, { ...events, ...overrides }, ports);
  const connect = () => {
    const [near, far] = memoryPair(clock, ['10.0.0.1', 179], ['10.0.0.2', 40_000], window);
    const received: Uint8Array[] = [];
    far.onData = (chunk) => void received.push(chunk.slice());
    far.resume();
    session.accept(near);
    clock.advance(10);
    return { near, far, sent: () => split(Buffer.concat(received)) };
  };
  session.start();
  return { clock, session, seen, connect };
}

function split(stream: Uint8Array): string[] {
  const messages: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const { length } = decodeHeader(stream, at, true);
    messages.push(Buffer.from(stream.subarray(at + 18, at + length)).toString('hex'));
    at += length;
  }
  return messages;
}

const theirOpen = (config: Partial<SessionConfig> = {}) => encodeOpen(localOpen({ ...them, ...config }));
const keepalive = encodeKeepalive();

function update(bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(19 + bodyBytes).fill(0xff, 0, 16);
  new DataView(bytes.buffer).setUint16(16, bytes.length);
  bytes[18] = 2;
  return bytes;
}

/** Brings the scripted session to Established. */
function up(script: ReturnType<typeof scripted>, config: Partial<SessionConfig> = {}) {
  const peer = script.connect();
  peer.far.write(theirOpen(config));
  peer.far.write(keepalive);
  script.clock.advance(10);
  return peer;
}

t.test('a session opens, carries messages and ends, and says so', async (test) => {
  const script = scripted();
  const { session, seen, clock } = script;
  const { far, sent } = up(script);
  test.same(seen.states, ['Active', 'OpenSent', 'OpenConfirm', 'Established']);
  test.match(seen.established, [
    { peerAsn: 65002, peerIdentifier: 0x0a000002, holdTimeMs: 90_000, keepaliveMs: 30_000 },
  ]);
  test.equal(decodeOpen(Buffer.from(sent()[0]?.slice(2) ?? '', 'hex')).myAs, 65001);
  far.write(update(4));
  far.write(encodeRouteRefresh({ family: ipv6Unicast.key, subtype: 1 }));
  clock.advance(10);
  test.same(seen.updates, ['00000000']);
  test.same(seen.refreshes, [{ family: ipv6Unicast.key, subtype: 1 }]);
  test.ok(session.send(Buffer.concat([update(4), update(8), keepalive])));
  test.match(session.counters, { messagesReceived: 4, messagesSent: 5, updatesReceived: 1, updatesSent: 2 });
  session.stop({ notify: true, text: 'maintenance' });
  clock.advance(10);
  test.equal(sent().at(-1), `030602${Buffer.from('\x0bmaintenance').toString('hex')}`);
  test.same(seen.downs, [{ kind: 'admin', text: 'maintenance', code: 6, subcode: 2 }]);
  test.equal(session.state, 'Idle');
  test.notOk(session.send(keepalive));
  clock.advance(3_600_000);
  test.equal(session.state, 'Idle', 'it stays down');
});

for (const [name, bytes, notification] of [
  ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), '030101'],
  ['a message that is too short', Uint8Array.from([...keepalive.subarray(0, 16), 0, 18, 4]), '0301020012'],
  ['an unknown type', Uint8Array.from([...keepalive.subarray(0, 16), 0, 19, 9]), '03010309'],
  ['an UPDATE', update(4), '03050102'],
  ['a KEEPALIVE', keepalive, '03050104'],
  ['a ROUTE-REFRESH', encodeRouteRefresh({ family: 257, subtype: 0 }), '03050105'],
  ['an OPEN of version 3', Uint8Array.from(theirOpen()).fill(3, 19, 20), '0302010004'],
  ['an OPEN of another AS', theirOpen({ localAsn: 65003 }), '030202'],
  ['an OPEN with identifier 0', theirOpen({ localIdentifier: 0 }), '030203'],
  ['an OPEN with a hold time of 2 s', theirOpen({ holdTimeMs: 2_000 }), '030206'],
  ['an OPEN without a common family', theirOpen({ families: [ipv6Unicast.key] }), '030207010400010001'],
] as const) {
  t.test(`${name} in OpenSent is answered with ${notification}`, async (test) => {
    const script = scripted();
    const { far, sent } = script.connect();
    far.write(bytes);
    script.clock.advance(10);
    test.equal(sent().at(-1), notification);
    test.equal(script.session.state, 'Idle');
    test.equal(script.seen.warnings.length, 1);
    test.match(script.seen.warnings[0], /^peer 10\.0\.0\.2 \(AS 65002\): no session: .*sent NOTIFICATION/);
    test.same(script.seen.downs, []);
  });
}

t.test('half a header and then nothing: the large hold time ends it', async (test) => {
  const script = scripted();
  const { far, sent } = script.connect();
  far.write(keepalive.subarray(0, 10));
  script.clock.advance(239_000);
  test.equal(script.session.state, 'OpenSent');
  script.clock.advance(2_000);
  test.equal(sent().at(-1), '030400');
});

t.test('a message of 4096 bytes, a byte at a time', async (test) => {
  const script = scripted();
  const { far } = up(script);
  for (const byte of update(4_077)) far.write(Uint8Array.of(byte));
  script.clock.advance(10_000);
  test.equal(script.seen.updates[0]?.length, 2 * 4_077);
  test.equal(script.session.state, 'Established');
});

t.test('extended messages: taken when both sides offer them, else an error of the header', async (test) => {
  const script = scripted();
  const { far } = up(script);
  far.write(update(60_000));
  script.clock.advance(10);
  test.equal(script.seen.updates[0]?.length, 120_000);
  const plain = scripted();
  const peer = plain.connect();
  const open = localOpen(them);
  const capabilities = open.capabilities.filter(({ kind }) => kind !== 'extended-message');
  peer.far.write(encodeOpen({ ...open, capabilities }));
  peer.far.write(keepalive);
  peer.far.write(update(60_000));
  plain.clock.advance(10);
  test.equal(peer.sent().at(-1), '030102ea73');
});

t.test('two sessions stay up for a year of keepalives', async (test) => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const sides = [us, them].map((config) => {
    const { seen, events } = observed();
    const address = config === us ? '10.0.0.1' : '10.0.0.2';
    const ports = { clock, random: evenRandom, transport: network.at(address) };
    const session = createSession({ ...config, holdTimeMs: 600_000 }, events, ports);
    network.listen(address, (connection) => session.accept(connection));
    return { session, seen };
  });
  for (const { session } of sides) session.start();
  clock.advance(365 * 24 * 3_600_000);
  for (const { session, seen } of sides) {
    test.equal(session.state, 'Established');
    test.same(seen.downs, []);
    test.equal(seen.established.length, 1);
    // A keepalive each 175 s: a third of the hold time with the jitter's middle.
    test.ok(
      Math.abs(session.counters.messagesReceived - (365 * 86_400) / 175) < 10,
      `${session.counters.messagesReceived}`,
    );
  }
});

t.test('a silent peer is given up when the hold time has passed', async (test) => {
  const script = scripted({ holdTimeMs: 9_000 });
  const { sent } = up(script);
  script.clock.advance(8_900);
  test.equal(script.session.state, 'Established');
  script.clock.advance(200);
  test.match(script.seen.downs, [{ kind: 'hold-timer', code: 4, subcode: 0 }]);
  test.equal(sent().at(-1), '030400');
});

t.test('an UPDATE stands for a KEEPALIVE: it restarts the KeepaliveTimer (RFC 4271 §8.2.2)', async (test) => {
  const script = scripted();
  const { sent } = up(script);
  for (let i = 0; i < 4; i++) {
    script.clock.advance(10_000);
    script.session.send(update(4));
  }
  test.equal(sent().filter((message) => message === '04').length, 1, 'only the one that answers the OPEN');
  script.clock.advance(30_000 - 1);
  test.equal(sent().filter((message) => message === '04').length, 2);
});

t.test('what was asked for, or decided by collision detection, is no warning', async (test) => {
  const script = scripted();
  script.connect();
  script.session.stop({ notify: true });
  script.session.start();
  const { far } = script.connect();
  far.write(encodeNotification({ code: 6, subcode: 7, data: new Uint8Array(0) }));
  script.clock.advance(10);
  test.equal(script.session.state, 'Idle');
  test.same(script.seen.warnings, []);
});

t.test('a hold time of zero: no keepalives, no end', async (test) => {
  const script = scripted({ holdTimeMs: 0 });
  const { sent } = up(script);
  script.clock.advance(30 * 24 * 3_600_000);
  test.equal(script.session.state, 'Established');
  test.equal(sent().filter((message) => message === '04').length, 1);
});

t.test('a peer that never reads: send says stop, and the send hold time ends it (RFC 9687)', async (test) => {
  const script = scripted({ holdTimeMs: 90_000 }, {}, 1_000);
  const { far } = up(script);
  far.pause();
  let alive = true;
  const feed = () => {
    far.write(keepalive);
    if (alive) script.clock.after(20_000, feed);
  };
  feed();
  while (script.session.send(update(100)));
  script.clock.advance(470_000);
  test.equal(script.session.state, 'Established');
  test.equal(script.seen.writable, 0);
  script.clock.advance(60_000);
  alive = false;
  test.match(script.seen.downs, [{ kind: 'hold-timer', code: 8, subcode: 0 }]);
});

t.test('writable is called when the queue has room again', async (test) => {
  const script = scripted({}, {}, 1_000);
  const { far } = up(script);
  far.pause();
  while (script.session.send(update(100)));
  test.equal(script.seen.writable, 0);
  far.resume();
  script.clock.advance(1_000);
  test.ok(script.seen.writable > 0);
});

t.test('while the speaker pauses nothing is delivered and the hold timer waits', async (test) => {
  const script = scripted({ holdTimeMs: 9_000 });
  const { far } = up(script);
  script.session.pause();
  far.write(update(4));
  script.clock.advance(60_000);
  test.same(script.seen.updates, []);
  test.equal(script.session.state, 'Established');
  script.session.resume();
  script.clock.advance(10);
  test.equal(script.seen.updates.length, 1);
});

t.test('a flood is read in bounded turns, with others between', async (test) => {
  const script = scripted();
  const { far } = up(script);
  const chunk = Buffer.concat(Array.from({ length: 2_000 }, () => update(4)));
  far.write(chunk);
  const turns: number[] = [];
  const watch = () => {
    turns.push(script.seen.updates.length);
    if (script.seen.updates.length < 2_000) script.clock.after(0, watch);
  };
  script.clock.after(1, watch);
  script.clock.advance(10);
  test.equal(script.seen.updates.length, 2_000);
  const largest = Math.max(...turns.map((count, index) => count - (turns[index - 1] ?? 0)));
  test.ok(turns.length > 5 && largest <= 256, `${turns.length} turns, at most ${largest} messages in one`);
});

t.test('a BgpError of the speaker becomes the NOTIFICATION', async (test) => {
  const update_ = () => {
    const notification = { code: 3, subcode: 1, data: Uint8Array.of(1, 2) };
    throw new BgpError('BGP_UPDATE_MALFORMED', 'attributes overrun', { notification });
  };
  const script = scripted({}, { update: update_ });
  const { far, sent } = up(script);
  far.write(Buffer.concat([update(4), update(4)]));
  script.clock.advance(10);
  test.equal(sent().at(-1), '0303010102');
  test.match(script.seen.downs, [{ kind: 'notification-sent', code: 3, subcode: 1 }]);
  test.equal(script.session.counters.updatesReceived, 1, 'the second is not read any more');
});

t.test('what the peer says last is known: NOTIFICATION, or just the end', async (test) => {
  for (const [bytes, expected] of [
    [
      encodeNotification({ code: 6, subcode: 4, data: Uint8Array.of(3, 0x66, 0x6f, 0x0a) }),
      { kind: 'notification-received', code: 6, subcode: 4, text: /administrative reset \(4\): "fo\\n"$/ },
    ],
    [
      encodeNotification({ code: 6, subcode: 9, data: Uint8Array.of(6, 3) }),
      {
        kind: 'notification-received',
        code: 6,
        subcode: 9,
        text: /hard reset \(9\) because of cease \(6\) \/ peer deconfigured/,
      },
    ],
    [undefined, { kind: 'connection-lost', text: 'the peer closed the connection' }],
  ] as const) {
    const script = scripted();
    const { far } = up(script);
    if (bytes !== undefined) far.write(bytes);
    far.end();
    script.clock.advance(10);
    test.match(script.seen.downs, [expected]);
    test.same(script.seen.downs.length, 1);
  }
});

t.test('a stop without notify closes silently; with RFC 8538 agreed a shutdown is a Hard Reset', async (test) => {
  const gracefulRestart = () => ({
    restarting: false,
    notification: true,
    restartTimeMs: 90_000,
    families: [{ family: ipv4Unicast.key, forwardingPreserved: true }],
  });
  for (const [options, last] of [
    [{ notify: false }, '04'],
    [{ notify: true }, '0306090602'],
    [{ notify: true, subcode: 4, text: 'x' }, '0306040178'],
  ] as const) {
    const script = scripted({ gracefulRestart });
    const { sent } = up(script, { gracefulRestart });
    test.match(script.seen.established[0]?.gracefulRestart, { notification: true, restartTimeMs: 90_000 });
    script.session.stop(options);
    script.clock.advance(10);
    test.equal(sent().at(-1), last);
    test.equal(script.seen.downs[0]?.kind, 'admin');
  }
});

t.test('reset starts again by itself', async (test) => {
  const script = scripted();
  const { sent } = up(script);
  script.session.reset({ subcode: 4 });
  script.clock.advance(100);
  test.match(sent().at(-1), /^030604/);
  test.equal(script.session.state, 'Idle');
  script.clock.advance(1_000);
  test.equal(script.session.state, 'Active');
});

t.test('with graceful restart a new connection replaces the established one (RFC 4724 §5)', async (test) => {
  const gracefulRestart = () => ({
    restarting: true,
    notification: false,
    restartTimeMs: 90_000,
    families: [{ family: ipv4Unicast.key, forwardingPreserved: true }],
  });
  const script = scripted({ gracefulRestart });
  up(script, { gracefulRestart });
  up(script, { gracefulRestart });
  test.match(script.seen.downs, [{ kind: 'connection-lost', text: /RFC 4724/ }]);
  test.equal(script.seen.established.length, 2);
  test.equal(script.session.state, 'Established');
});

t.test(
  'a refused peer is tried again after ConnectRetryTime; a failing OPEN backs off and a good session forgives',
  async (test) => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock);
    const { seen, events } = observed();
    const ports = { clock, random: evenRandom, transport: network.at('10.0.0.1') };
    const session = createSession({ ...us, passive: false, connectRetryMs: 1_000 }, events, ports);
    session.start();
    clock.advance(10_000);
    test.ok(network.attempts.length >= 10, `${network.attempts.length} attempts`);
    test.same(seen.warnings, ['peer 10.0.0.2 (AS 65002): connecting failed: connect ECONNREFUSED 10.0.0.2:179']);
    const opens: number[] = [];
    network.listen('10.0.0.2', (connection) => {
      opens.push(clock.now());
      connection.resume();
      connection.write(theirOpen({ localAsn: 65_009 }));
    });
    clock.advance(600_000);
    const waits = opens.slice(1).map((at, index) => Math.round((at - (opens[index] ?? 0)) / 100) * 100);
    test.same(waits.slice(0, 10), [200, 400, 900, 1_800, 3_500, 7_000, 14_000, 28_000, 52_500, 52_500]);
    test.equal(seen.warnings.filter((text) => text.includes('bad peer as')).length, 2, 'once in five minutes');
  },
);

t.test('callbacks may call the session', async (test) => {
  const states: string[] = [];
  let session: Session | undefined;
  const script = scripted(
    {},
    {
      stateChanged: (_from, to) => void states.push(to),
      update: () => {
        session?.stop({ notify: true });
        session?.start();
      },
    },
  );
  session = script.session;
  const { far, sent } = up(script);
  far.write(update(4));
  script.clock.advance(10);
  test.same(states, ['Active', 'OpenSent', 'OpenConfirm', 'Established', 'Idle', 'Active']);
  test.match(sent().at(-1), /^030602/);
});

t.test('what a callback asks for comes after all callbacks of the event', async (test) => {
  const order: string[] = [];
  let session: Session | undefined;
  const script = scripted(
    {},
    {
      stateChanged: (_from, to) => {
        order.push(to);
        if (to === 'Established') session?.stop({ notify: false });
      },
      established: () => void order.push('established'),
      down: () => void order.push('down'),
    },
  );
  session = script.session;
  up(script);
  test.same(order.slice(-4), ['Established', 'established', 'down', 'Idle']);
});

t.test('a peer that neither reads nor closes is dropped after the linger time', async (test) => {
  const script = scripted();
  const { near, far } = up(script);
  far.pause();
  script.session.stop({ notify: true });
  script.clock.advance(1_900);
  test.notOk(near.isGone);
  script.clock.advance(200);
  test.ok(near.isGone);
});

t.test('random bytes at any state: only typed outcomes', async (test) => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    return seed % below;
  };
  const valid = [
    theirOpen(),
    keepalive,
    update(4),
    encodeNotification({ code: 6, subcode: 2, data: Uint8Array.of(9) }),
    encodeRouteRefresh({ family: 257, subtype: 1 }),
  ];
  let ends = 0;
  for (let round = 0; round < 500; round++) {
    const script = scripted();
    const { far, near } = random(2) === 0 ? script.connect() : up(script);
    for (let i = 0; i < 5; i++) {
      const message = Uint8Array.from(valid[random(valid.length)] ?? keepalive);
      for (let flips = random(3); flips > 0; flips--) message[random(message.length)] = random(256);
      far.write(message.subarray(0, random(8) === 0 ? random(message.length) : message.length));
      script.clock.advance(20);
    }
    if (script.session.state === 'Idle') ends += 1;
    script.session.stop({ notify: true });
    script.clock.advance(5_000);
    test.equal(script.session.state, 'Idle');
    if (!near.isGone) test.fail(`round ${round}: the connection is still there`);
  }
  test.ok(ends > 100, `${ends} sessions ended by themselves`);
});

t.test('the acceptor: by address in any spelling; strangers are refused, counted and bounded', async (test) => {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const acceptor = createAcceptor({ clock, warning: (text) => void warnings.push(text) });
  const taken: string[] = [];
  for (const address of ['10.0.0.2', 'FD00:0::2']) {
    acceptor.add(address, { accept: (connection) => void taken.push(connection.remoteAddress) });
  }
  const strangers: { near: MemoryConnection; received: Uint8Array[] }[] = [];
  const come = (address: string) => {
    const [near, far] = memoryPair(clock, ['10.0.0.1', 179], [address, 40_000]);
    const received: Uint8Array[] = [];
    far.onData = (chunk) => void received.push(chunk);
    far.resume();
    acceptor.accept(near);
    strangers.push({ near, received });
  };
  for (const address of ['10.0.0.2', '::ffff:10.0.0.2', 'fd00::2']) come(address);
  test.same(taken, ['10.0.0.2', '::ffff:10.0.0.2', 'fd00::2']);
  strangers.length = 0;
  for (let i = 0; i < 100; i++) come('192.0.2.1');
  test.equal(acceptor.refused, 100);
  test.same(warnings, ['refused a connection from 192.0.2.1: no such peer is configured']);
  test.equal(strangers.filter(({ near }) => near.isGone).length, 36, 'more than 64 at a time are dropped at once');
  clock.advance(10_000);
  test.ok(strangers.every(({ near }) => near.isGone));
  test.same(split(strangers[0]?.received[0] ?? new Uint8Array(0)), ['030605']);
  acceptor.remove('fd00::2');
  come('fd00::2');
  test.equal(acceptor.refused, 101);
});
