import t from 'tap';
import { messageType } from '../../../src/iana.ts';
import { encodeRouteRefresh } from '../../../src/message/route-refresh.ts';
import { Bench, type Node } from './pair.ts';
import { listen, type WireMessage } from './wire.ts';

const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
const ipv4 = 0x0101;
const prefixes = ['192.0.2.0/24', '198.51.100.0/24', '2001:db8::/32'];

/** Messages in short: `refresh 0` is a request (RFC 2918), 1 BoRR, 2 EoRR (RFC 7313); `end` an IPv4 End-of-RIB. */
function names(messages: readonly WireMessage[]): string[] {
  return messages.flatMap(({ type, body }) => {
    if (type === messageType.routeRefresh) return [`refresh ${body[2]} ${((body[0] ?? 0) << 8) | (body[1] ?? 0)}`];
    if (type !== messageType.update) return [];
    return [body.every((byte) => byte === 0) ? 'end' : 'update'];
  });
}

async function pair(): Promise<{ bench: Bench; asking: Node; asked: Node }> {
  const bench = new Bench();
  const asking = bench.node('10.0.0.1', 65001);
  const asked = bench.node('10.0.0.2', 65001);
  bench.peer(asking, asked, { families });
  asked.speaker.setAnnouncements(
    prefixes.map((prefix) => ({ prefix, ...(prefix.includes(':') && { nextHop: 'fd00::2' }) })),
  );
  await bench.start(asking, asked);
  return { bench, asking, asked };
}

t.test('RFC 7313 §4: a request is answered between BoRR and EoRR, for the family alone', async (t) => {
  const { bench, asking, asked } = await pair();
  const there = listen(bench, asking, asked);
  const back = listen(bench, asked, asking);
  t.equal(asking.speaker.refresh(asked.address, 'ipv4-unicast'), true);
  bench.simulation.run(1000);
  t.strictSame(names(there), ['refresh 0 1']);
  t.strictSame(names(back), ['refresh 1 1', 'update', 'refresh 2 1']);
  t.equal(bench.table(asking).length, 3);
  t.strictSame(
    Array.from(asking.speaker.routes(), ({ stale }) => stale),
    [false, false, false],
  );
  t.equal(asking.speaker.refresh(asked.address), true, 'all families');
  bench.simulation.run(1000);
  t.strictSame(names(there).slice(1), ['refresh 0 1', 'refresh 0 2']);
});

t.test('when there is nobody to ask', async (t) => {
  const { bench, asking, asked } = await pair();
  t.throws(() => asking.speaker.refresh('10.9.9.9'), RangeError);
  bench.simulation.network.cut(asking.address, asked.address);
  bench.simulation.run(100);
  t.equal(asking.speaker.refresh(asked.address), false);
});

/** What the asked side sends in place of a refresh, and what the asking side keeps. */
const sweeps: readonly [string, readonly number[], number][] = [
  ['BoRR and EoRR with nothing between: RFC 7313 §4 "any stale routes ... MUST be removed"', [1, 2], 1],
  ['BoRR alone', [1], 3],
  ['EoRR without BoRR: RFC 7313 §4 "MUST be ignored"', [2], 3],
  ['a subtype nobody knows: RFC 7313 §5 "MUST be ignored"', [1, 7], 3],
];

t.test('RFC 7313 §4: what is not sent again before EoRR goes', async (t) => {
  t.not(sweeps.length, 0);
  for (const [name, subtypes, left] of sweeps) {
    const { bench, asking, asked } = await pair();
    bench.inject(asked, asking, ...subtypes.map((subtype) => encodeRouteRefresh({ family: ipv4, subtype })));
    bench.simulation.run(1000);
    t.equal(bench.table(asking).length, left, name);
  }
});

t.test('RFC 7313 §4: EoRR that does not come is bounded', async (t) => {
  const { bench, asking, asked } = await pair();
  bench.inject(asked, asking, encodeRouteRefresh({ family: ipv4, subtype: 1 }));
  bench.simulation.run(359_000);
  t.equal(bench.table(asking).length, 3);
  bench.simulation.run(2000);
  t.equal(bench.table(asking).length, 1);
});

t.test('a request before End-of-RIB: End-of-RIB first, then the refresh', async (t) => {
  const bench = new Bench();
  const restart = { restartTimeMs: 60_000 };
  const asked = bench.node('10.0.0.2', 65001, {
    gracefulRestart: { ...restart, restarting: true, deferralTimeMs: 5000 },
  });
  const asking = bench.node('10.0.0.1', 65001, { gracefulRestart: restart });
  const absent = bench.node('10.0.0.3', 65001);
  bench.peer(asking, asked);
  bench.peer(asked, absent);
  asked.speaker.announce({ prefix: '192.0.2.0/24' });
  const back = listen(bench, asked, asking);
  await asked.speaker.start();
  await asking.speaker.start();
  while (asking.speaker.peers()[0]?.state !== 'Established') bench.simulation.run(1);
  asking.speaker.refresh(asked.address);
  bench.simulation.run(20_000);
  t.strictSame(names(back), ['update', 'end', 'refresh 1 1', 'update', 'refresh 2 1']);
});

t.test('RFC 7313 §4: EoRR without BoRR does not end a graceful restart', async (t) => {
  const bench = new Bench();
  const gracefulRestart = { restartTimeMs: 60_000 };
  const helper = bench.node('10.0.0.1', 65001, { gracefulRestart });
  const peer = bench.node('10.0.0.2', 65001, { gracefulRestart });
  bench.peer(helper, peer);
  peer.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(helper, peer);
  await peer.speaker.stop({ graceful: true });
  bench.simulation.run(1000);
  const again = bench.node(peer.address, 65001, { gracefulRestart: { ...gracefulRestart, restarting: true } });
  // Its End-of-RIB waits for a peer that is not there.
  again.speaker.addPeer({ address: '10.0.0.99', asn: 65001 });
  again.speaker.addPeer({ address: helper.address, asn: 65001, localAddress: peer.address });
  await again.speaker.start();
  bench.simulation.run(20_000);
  for (const subtype of [1, 2]) {
    bench.inject(again, helper, encodeRouteRefresh({ family: ipv4, subtype }));
    bench.simulation.run(1000);
    t.strictSame(
      Array.from(helper.speaker.routes(), ({ stale }) => stale),
      [true],
      `subtype ${subtype}`,
    );
  }
});
