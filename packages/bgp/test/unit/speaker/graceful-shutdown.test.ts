import t from 'tap';
import { wellKnownCommunity } from '../../../src/iana.ts';
import { Bench, type Node } from './pair.ts';

const { gracefulShutdown } = wellKnownCommunity;
const PREFIX = '192.0.2.0/24';

const view = ({ speaker }: Node) => {
  const path = speaker.bestPath(PREFIX);
  return { localPref: path?.attributes.localPref, communities: path?.attributes.communities };
};

t.test('RFC 8326 §4.3: the initiator marks its routes and prefers those of others, without a reset', async (t) => {
  const bench = new Bench();
  const edge = bench.node('10.0.0.1', 65000);
  const inside = bench.node('10.0.0.2', 65000);
  const leaving = bench.node('10.0.0.3', 65003);
  const staying = bench.node('10.0.0.4', 65004);
  bench.peer(edge, inside);
  bench.peer(edge, leaving);
  bench.peer(edge, staying);
  leaving.speaker.announce({ prefix: PREFIX });
  staying.speaker.announce({ prefix: PREFIX, attributes: { asPath: [{ kind: 'sequence', asns: [1, 2] }] } });
  edge.speaker.announce({ prefix: '198.51.100.0/24' });
  await bench.start(edge, inside, leaving, staying);
  t.equal(edge.speaker.bestPath(PREFIX)?.from, leaving.address);
  const shut = (gracefulShutdown: boolean) => {
    const peer = { address: leaving.address, asn: 65003, localAddress: edge.address, gracefulShutdown };
    const others = [inside, staying].map(({ address, asn }) => ({ address, asn, localAddress: edge.address }));
    const changes = edge.speaker.setPeers([peer, ...others]);
    bench.simulation.run(1000);
    return changes;
  };
  t.strictSame(shut(true), [{ address: leaving.address, action: 'updated' }]);
  t.equal(edge.speaker.bestPath(PREFIX)?.from, staying.address, 'its own traffic leaves');
  const lost = edge.speaker.paths(PREFIX).find(({ from }) => from === leaving.address);
  t.equal(lost?.attributes.localPref, 0);
  t.strictSame(leaving.speaker.bestPath('198.51.100.0/24')?.attributes.communities, [gracefulShutdown]);
  t.equal(staying.speaker.bestPath('198.51.100.0/24')?.attributes.communities, undefined, 'the other peer is not told');
  shut(false);
  t.equal(edge.speaker.bestPath(PREFIX)?.from, leaving.address);
  t.equal(leaving.speaker.bestPath('198.51.100.0/24')?.attributes.communities, undefined);
  t.ok(edge.speaker.peers().every(({ established }) => established === 1));
});

/** AS number of the receiver, and what LOCAL_PREF a route with the community has there. */
const receivers: readonly [string, number, number | undefined][] = [
  ['RFC 8326 §4.1: from another AS, 0', 65002, 0],
  ['from inside it is what the border made of it', 65001, 200],
];

t.test('RFC 8326 §4.1: the receiver', async (t) => {
  t.not(receivers.length, 0);
  for (const [name, asn, expected] of receivers) {
    const bench = new Bench();
    const sender = bench.node('10.0.0.1', 65001);
    const importPolicy = {
      name: 'preferred',
      statements: [{ name: 'high', match: {}, actions: [{ kind: 'set-local-preference' as const, value: 200 }] }],
      defaultVerdict: 'accept' as const,
    };
    const receiver = bench.node('10.0.0.2', asn, { importPolicy });
    bench.peer(sender, receiver);
    sender.speaker.announce({ prefix: PREFIX, attributes: { communities: [gracefulShutdown] } });
    await bench.start(sender, receiver);
    t.strictSame(view(receiver), { localPref: expected, communities: [gracefulShutdown] }, name);
  }
});

t.test('the speaker as a whole goes away: every eBGP peer is told, iBGP peers are not', async (t) => {
  const bench = new Bench();
  const leaving = bench.node('10.0.0.1', 65001, { gracefulShutdown: true });
  const outside = bench.node('10.0.0.2', 65002);
  const inside = bench.node('10.0.0.3', 65001);
  bench.peer(leaving, outside);
  bench.peer(leaving, inside);
  leaving.speaker.announce({ prefix: PREFIX });
  await bench.start(leaving, outside, inside);
  t.strictSame(view(outside), { localPref: 0, communities: [gracefulShutdown] });
  t.strictSame(view(inside), { localPref: 100, communities: undefined });
});
