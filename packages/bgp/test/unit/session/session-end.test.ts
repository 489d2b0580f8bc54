/** How a session ends, what it says then to the peer and to the speaker, and how it starts again. */
import t from 'tap';
import { BgpError } from '../../../src/errors.ts';
import { ipv4Unicast } from '../../../src/family/registry.ts';
import { encodeNotification } from '../../../src/message/notification.ts';
import type { Session } from '../../../src/session/model.ts';
import { createSession } from '../../../src/session/session.ts';
import { observed, scripted, theirOpen, up, update, us } from './scripted.ts';
import { evenRandom, MemoryNetwork, VirtualClock } from './virtual.ts';

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
