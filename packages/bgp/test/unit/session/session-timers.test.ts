/** What a session does when time passes: hold times, keepalives, a peer that is slow or says nothing. */
import t from 'tap';
import { createSession } from '../../../src/session/session.ts';
import { keepalive, observed, scripted, them, up, update, us } from './scripted.ts';
import { evenRandom, MemoryNetwork, VirtualClock } from './virtual.ts';

t.test('half a header and then nothing: the large hold time ends it', async (test) => {
  const script = scripted();
  const { far, sent } = script.connect();
  far.write(keepalive.subarray(0, 10));
  script.clock.advance(239_000);
  test.equal(script.session.state, 'OpenSent');
  script.clock.advance(2_000);
  test.equal(sent().at(-1), '030400');
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
