import t from 'tap';
import { Bench } from './pair.ts';
import { shownAt } from './shown.ts';

const confederation = { identifier: 65000, members: [64512, 64513, 64514] };
const NO_EXPORT = 0xffff_ff01;
const NO_EXPORT_SUBCONFED = 0xffff_ff03;

/** outside (65100) - a, a2 (member 64512) - b (member 64513) - beyond (65200). */
async function network() {
  const bench = new Bench();
  const outside = bench.node('10.0.0.1', 65100);
  const a = bench.node('10.0.0.2', 64512, { confederation });
  const a2 = bench.node('10.0.0.3', 64512, { confederation });
  const b = bench.node('10.0.0.4', 64513, { confederation });
  const beyond = bench.node('10.0.0.5', 65200);
  // Who is outside knows the confederation by its identifier.
  bench.peer(outside, a, { asn: 65000 }, {});
  bench.peer(a, a2);
  bench.peer(a, b);
  bench.peer(b, beyond, {}, { asn: 65000 });
  outside.speaker.announce({ prefix: '192.0.2.0/24', attributes: { multiExitDisc: 7 } });
  await bench.start(outside, a, a2, b, beyond);
  return { bench, outside, a, a2, b, beyond };
}

t.test('RFC 5065: one AS for the outside, several inside', async (t) => {
  const { bench, outside, a, a2, b, beyond } = await network();
  t.strictSame(
    [outside, a, a2, b, beyond].map(({ speaker }) => speaker.peers().map(({ type, state }) => `${type} ${state}`)),
    [
      ['ebgp Established'],
      ['ebgp Established', 'ibgp Established', 'confederation Established'],
      ['ibgp Established'],
      ['confederation Established', 'ebgp Established'],
      ['ebgp Established'],
    ],
  );
  const seen = shownAt('192.0.2.0/24');
  t.strictSame(seen(a), { path: '65100', from: 'ebgp', nextHop: '10.0.0.1', med: 7, localPref: undefined });
  t.strictSame(seen(a2), { path: '65100', from: 'ibgp', nextHop: '10.0.0.1', med: 7, localPref: 100 });
  t.strictSame(
    seen(b),
    { path: '(64512) 65100', from: 'confederation', nextHop: '10.0.0.1', med: 7, localPref: 100 },
    '§4 c, §5.2',
  );
  t.strictSame(
    seen(beyond),
    { path: '65000 65100', from: 'ebgp', nextHop: '10.0.0.4', med: undefined, localPref: undefined },
    '§4 d',
  );
  b.speaker.announce({ prefix: '198.51.100.0/24' });
  bench.simulation.run(1000);
  const own = shownAt('198.51.100.0/24');
  t.equal(own(a)?.path, '(64513)');
  t.equal(own(a2)?.path, '(64513)', 'told inside as it came');
  t.equal(own(outside)?.path, '65000');
});

t.test('RFC 1997 in a confederation', async (t) => {
  const { bench, outside, a, a2, b, beyond } = await network();
  const cases: [community: number, reached: boolean[]][] = [
    [0, [true, true, true, true]],
    [NO_EXPORT, [true, true, true, false]],
    [NO_EXPORT_SUBCONFED, [true, true, false, false]],
  ];
  t.ok(cases.length > 0);
  for (const [community, reached] of cases) {
    outside.speaker.announce({ prefix: '203.0.113.0/24', attributes: { communities: [community] } });
    bench.simulation.run(1000);
    const has = [a, a2, b, beyond].map(({ speaker }) => speaker.bestPath('203.0.113.0/24') !== undefined);
    t.strictSame(has, reached, community.toString(16));
  }
});

t.test('RFC 5065 §4: loops inside by member AS, outside by identifier', async (t) => {
  const { bench, outside, a, b } = await network();
  const announce = (prefix: string, asns: number[]) =>
    outside.speaker.announce({ prefix, attributes: { asPath: [{ kind: 'sequence', asns }] } });
  announce('10.1.0.0/16', [65000]);
  announce('10.2.0.0/16', [64513]);
  announce('10.3.0.0/16', [64999]);
  bench.simulation.run(1000);
  const at = (prefix: string) => [a, b].map(({ speaker }) => speaker.bestPath(prefix) !== undefined);
  t.strictSame(at('10.1.0.0/16'), [false, false], 'the identifier, from the outside');
  t.strictSame(at('10.2.0.0/16'), [true, false], 'a member AS, at that member');
  t.strictSame(at('10.3.0.0/16'), [true, true]);
});

t.test('RFC 5065 §5.3: routes of other members compare as inner ones', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.2', 64512, { confederation });
  const b = bench.node('10.0.0.4', 64513, { confederation });
  const outside = bench.node('10.0.0.9', 65100);
  bench.peer(a, b);
  bench.peer(a, outside, {}, { asn: 65000 });
  outside.speaker.announce({ prefix: '198.51.100.0/24' });
  b.speaker.announce({ prefix: '198.51.100.0/24', attributes: { asPath: [{ kind: 'sequence', asns: [7] }] } });
  await bench.start(a, b, outside);
  t.strictSame(
    a.speaker.paths('198.51.100.0/24').map(({ from }) => from),
    ['10.0.0.9', '10.0.0.4'],
    'one AS each: external over confederation, though its identifier is the higher one',
  );
});

t.test('the own confederation is no peer', async (t) => {
  const bench = new Bench();
  const { speaker } = bench.node('10.0.0.2', 64512, { confederation });
  t.throws(() => speaker.addPeer({ address: '10.0.0.9', asn: 65000 }), /AS 65000 is our own confederation/);
  t.throws(() => speaker.addPeer({ address: '10.0.0.9', asn: 64513, role: 'peer' }), /role is for eBGP peers/);
  t.strictSame(speaker.peers(), []);
});
