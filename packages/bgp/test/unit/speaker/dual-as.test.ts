/** RFC 7705 §4.2: sessions stay, or come, while routers change from one AS number to the other one by one. */
import t from 'tap';
import type { PeerOptions } from '../../../src/speaker/api.ts';
import { Bench, type Node } from './pair.ts';
import { shownAt } from './shown.ts';

const OWN = 65_000;
const BEFORE = 64_999;
const path = (...asns: number[]) => ({ asPath: [{ kind: 'sequence' as const, asns }] });
const established = ({ speaker }: Node) => speaker.peers().map(({ state }) => state);

/** How often the speaker refused an OPEN, and with what. */
function refusals({ speaker }: Node): string[] {
  const seen: string[] = [];
  speaker.on('peer-state', ({ reason }) => {
    if (reason?.kind === 'notification-sent') seen.push(`${reason.code}/${reason.subcode}`);
  });
  return seen;
}

t.test('an eBGP peer may know us by either number', async (t) => {
  const cases: [why: string, known: number, localAs: PeerOptions['localAs'], received: string, sent: string][] = [
    ['the one of before', BEFORE, { asn: BEFORE, dual: true }, '64999 65001 7', '64999 65000 9'],
    [
      'the one of before, no prepend, replace',
      BEFORE,
      { asn: BEFORE, dual: true, prepend: false, replace: true },
      '65001 7',
      '64999 9',
    ],
    ['the real one: as without localAs', OWN, { asn: BEFORE, dual: true }, '65001 7', '65000 9'],
  ];
  t.not(cases.length, 0);
  for (const [why, known, localAs, received, sent] of cases) {
    const bench = new Bench();
    const peer = bench.node('10.0.0.1', 65_001);
    const merged = bench.node('10.0.0.2', OWN);
    const refused = refusals(peer);
    bench.peer(peer, merged, { asn: known }, { localAs: localAs ?? { asn: BEFORE } });
    peer.speaker.announce({ prefix: '192.0.2.0/24', attributes: path(7) });
    merged.speaker.announce({ prefix: '198.51.100.0/24', attributes: path(9) });
    for (const { speaker } of [peer, merged]) await speaker.start();
    bench.simulation.run(60_000);
    t.strictSame(
      [shownAt('192.0.2.0/24')(merged)?.path, shownAt('198.51.100.0/24')(peer)?.path],
      [received, sent],
      why,
    );
    t.equal(merged.speaker.peers()[0]?.localAsn, known, why);
    t.equal(refused.includes('2/2'), known === OWN, 'Bad Peer AS comes before');
  }
});

t.test('the peer changes its mind: the number alternates again', async (t) => {
  const bench = new Bench();
  const peer = bench.node('10.0.0.1', 65_001);
  const merged = bench.node('10.0.0.2', OWN);
  bench.peer(peer, merged, { asn: BEFORE }, { localAs: { asn: BEFORE, dual: true } });
  peer.speaker.announce({ prefix: '192.0.2.0/24', attributes: path(7) });
  await bench.start(peer, merged);
  for (const known of [OWN, BEFORE, OWN]) {
    peer.speaker.setPeers([{ address: merged.address, asn: known, localAddress: peer.address }]);
    bench.simulation.run(60_000);
    t.strictSame(established(peer), ['Established'], `known as ${known}`);
    t.equal(shownAt('192.0.2.0/24')(merged)?.path, known === OWN ? '65001 7' : '64999 65001 7');
  }
});

t.test('§4.2: an iBGP peer may have either number, and expect either', async (t) => {
  const cases: [why: string, theirs: number, expects: number][] = [
    ['not changed yet', BEFORE, BEFORE],
    ['changed', OWN, OWN],
  ];
  t.not(cases.length, 0);
  for (const [why, theirs, expects] of cases) {
    for (const asn of [OWN, BEFORE]) {
      const bench = new Bench();
      const router = bench.node('10.0.0.1', theirs);
      const reflector = bench.node('10.0.0.2', OWN);
      const other = bench.node('10.0.0.3', OWN);
      bench.peer(
        router,
        reflector,
        { asn: expects },
        { asn, localAs: { asn: BEFORE, dual: true }, routeReflectorClient: true },
      );
      bench.peer(reflector, other, { routeReflectorClient: true }, {});
      router.speaker.announce({ prefix: '192.0.2.0/24', attributes: { ...path(7), localPref: 300 } });
      other.speaker.announce({ prefix: '198.51.100.0/24', attributes: { ...path(9), localPref: 200 } });
      for (const { speaker } of [router, reflector, other]) await speaker.start();
      bench.simulation.run(60_000);
      const title = `${why}, set up as ${asn}`;
      const shown = { path: '7', from: 'ibgp', nextHop: '10.0.0.1', med: undefined, localPref: 300 };
      t.strictSame(shownAt('192.0.2.0/24')(reflector), shown, `${title}: no number in the path, LOCAL_PREF goes on`);
      t.strictSame(shownAt('192.0.2.0/24')(other), shown, title);
      t.match(shownAt('198.51.100.0/24')(router), { path: '9', from: 'ibgp', localPref: 200 }, title);
      t.equal(reflector.speaker.peers()[0]?.localAsn, expects, title);
    }
  }
});

t.test('both sides of an iBGP session have it', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', BEFORE);
  const b = bench.node('10.0.0.2', OWN);
  bench.peer(a, b, { localAs: { asn: OWN, dual: true } }, { localAs: { asn: BEFORE, dual: true } });
  a.speaker.announce({ prefix: '192.0.2.0/24', attributes: { ...path(7), localPref: 300 } });
  await bench.start(a, b);
  t.match(shownAt('192.0.2.0/24')(b), { path: '7', from: 'ibgp', localPref: 300 });
});

t.test('what cannot be, is refused', async (t) => {
  const bench = new Bench();
  const { speaker } = bench.node('10.0.0.2', OWN);
  const add = (options: Partial<PeerOptions>) => () =>
    speaker.addPeer({ address: '10.0.0.1', asn: 65_001, ...options });
  t.throws(add({ asn: OWN, localAs: { asn: BEFORE } }), { message: /localAs is for eBGP peers, this one is ibgp/ });
  t.throws(add({ asn: BEFORE, localAs: { asn: BEFORE } }), { message: /is the peer's own AS number/ });
  const stranger = bench.node('10.0.0.9', 65_009);
  bench.peer(
    { address: '10.0.0.2', asn: OWN, speaker },
    stranger,
    { asn: OWN, localAs: { asn: BEFORE, dual: true } },
    {},
  );
  for (const each of [speaker, stranger.speaker]) await each.start();
  bench.simulation.run(30_000);
  t.match(speaker.peers()[0]?.lastDown?.text, 'peer AS 65009, expected 65000 or 64999');
});
