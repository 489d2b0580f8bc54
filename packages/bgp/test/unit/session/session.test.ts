/** The session shell: it opens, carries messages, and answers what is none. The peer is a script. */
import t from 'tap';
import { ipv6Unicast } from '../../../src/family/registry.ts';
import { encodeNotification } from '../../../src/message/notification.ts';
import { decodeOpen, encodeOpen } from '../../../src/message/open.ts';
import { encodeRouteRefresh } from '../../../src/message/route-refresh.ts';
import { localOpen } from '../../../src/session/open.ts';
import { keepalive, scripted, theirOpen, them, up, update } from './scripted.ts';

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
