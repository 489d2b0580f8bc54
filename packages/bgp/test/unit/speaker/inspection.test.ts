import t from 'tap';
import type { PolicyChain } from '../../../src/policy/model.ts';
import type { Announcement, PeerOptions } from '../../../src/speaker/api.ts';
import { all, Bench, type Node } from './pair.ts';

const NO_10: PolicyChain = {
  name: 'no-10',
  statements: [{ name: 'ten', match: { prefixes: [{ prefix: '10.0.0.0/8', ge: 8, le: 32 }] }, verdict: 'reject' }],
  defaultVerdict: 'accept',
};
const tagged = (community: number): PolicyChain => ({
  name: 'tagged',
  statements: [
    { name: 'own', match: { source: 'local' }, actions: [{ kind: 'add-communities', communities: [community] }] },
    { name: 'hidden', match: { prefixes: [{ prefix: '192.0.2.128/25' }] }, verdict: 'reject' },
  ],
  defaultVerdict: 'accept',
});

/** A speaker in AS 65001 with one peer of its own AS and two of other ones. */
async function scene() {
  const bench = new Bench();
  const own = bench.node('10.0.0.1', 65001);
  const inside = bench.node('10.0.0.2', 65001);
  const outside = [bench.node('10.0.0.3', 65003), bench.node('10.0.0.4', 65004)];
  const peers: PeerOptions[] = [inside, ...outside].map(({ address, asn }) => ({
    address,
    asn,
    localAddress: own.address,
    families: ['ipv4-unicast', 'ipv6-unicast'],
    importPolicy: NO_10,
    exportPolicy: asn === 65003 ? tagged(7) : all,
    nextHopAddresses: ['fd00::1'],
  }));
  own.speaker.setPeers(peers);
  for (const { speaker } of [inside, ...outside]) {
    speaker.addPeer({ address: own.address, asn: own.asn, families: ['ipv4-unicast', 'ipv6-unicast'] });
  }
  const announcements: Announcement[] = [
    { prefix: '192.0.2.0/25', nextHop: '10.0.0.1' },
    { prefix: '192.0.2.128/25', nextHop: '10.0.0.1' },
    { prefix: 'fd01::/64', nextHop: 'fd00::1' },
  ];
  own.speaker.setAnnouncements(announcements);
  await bench.start(own, inside, ...outside);
  bench.simulation.run(5_000);
  const receivers: readonly Node[] = [inside, ...outside];
  return { bench, own, inside, outside, peers, announcements, receivers };
}

const updatesSent = ({ speaker }: Node) => speaker.peers().map(({ address, updates }) => [address, updates.sent]);
/** What a node has received from the speaker under test, as it came. */
const tableOf = ({ speaker }: Node) =>
  new Map(
    [...speaker.inspect().received('10.0.0.1')].map(({ prefix, received, nextHop }) => [prefix, { received, nextHop }]),
  );

t.test('a preview is what is sent then, and sends nothing itself', async (t) => {
  const { bench, own, peers, announcements, receivers } = await scene();
  const before = receivers.map(tableOf);
  t.strictSame(
    before.map((table) => [...table.keys()].sort()),
    [
      ['192.0.2.0/25', '192.0.2.128/25', 'fd01::/64'],
      ['192.0.2.0/25', 'fd01::/64'],
      ['192.0.2.0/25', '192.0.2.128/25', 'fd01::/64'],
    ],
  );
  const change = {
    peers: peers.map((peer) => (peer.asn === 65003 ? { ...peer, exportPolicy: tagged(8) } : peer)),
    announcements: [
      ...announcements.filter(({ prefix }) => prefix !== '192.0.2.0/25'),
      { prefix: '198.51.100.0/24', nextHop: '10.0.0.1' },
      { prefix: 'fd02::/64', nextHop: 'fd00::1' },
    ],
  };
  const sent = updatesSent(own);
  const previews = [...own.speaker.inspect().preview(change)];
  bench.simulation.run(5_000);
  t.strictSame(updatesSent(own), sent, 'asking sends nothing');
  t.strictSame(
    previews.map(({ address, change: kind, options }) => [address, kind, options]),
    [
      ['10.0.0.2', 'kept', []],
      ['10.0.0.3', 'updated', ['exportPolicy']],
      ['10.0.0.4', 'kept', []],
    ],
  );

  own.speaker.setPeers(change.peers);
  own.speaker.setAnnouncements(change.announcements);
  bench.simulation.run(5_000);
  for (const [index, receiver] of receivers.entries()) {
    const preview = previews[index];
    const after = tableOf(receiver);
    const was = before[index] ?? new Map();
    const changed = [...after].filter(([prefix, path]) => JSON.stringify(was.get(prefix)) !== JSON.stringify(path));
    t.strictSame(
      preview?.announce.map(({ prefix, attributes, nextHop }) => [prefix, { received: attributes, nextHop }]).sort(),
      changed.sort(),
      `${receiver.address} is told what the preview says`,
    );
    const gone = [...was.keys()].filter((prefix) => !after.has(prefix));
    t.strictSame(preview?.withdraw.map(({ prefix }) => prefix).sort(), gone.sort(), `${receiver.address} loses it`);
    t.ok(gone.length === 1 && changed.length >= 2, 'the change is one that shows');
  }
});

t.test('a session that starts, resets or ends', async (t) => {
  const { bench, own, peers, announcements, inside } = await scene();
  const added = bench.node('10.0.0.5', 65005);
  const [kept, external] = peers;
  if (kept === undefined || external === undefined) throw new Error('the peers are there');
  const extra: PeerOptions = { ...kept, address: added.address, asn: added.asn };
  const change = { peers: [kept, { ...external, holdTimeMs: 30_000 }, extra], announcements };
  const previews = [...own.speaker.inspect().preview(change)];
  t.strictSame(
    previews.map(({ address, change: kind, announce }) => [address, kind, announce.length]),
    [
      ['10.0.0.4', 'removed', 0],
      ['10.0.0.2', 'kept', 0],
      ['10.0.0.3', 'reset', 2],
      ['10.0.0.5', 'added', 3],
    ],
  );
  added.speaker.addPeer({ address: own.address, asn: own.asn, families: ['ipv4-unicast', 'ipv6-unicast'] });
  await bench.start(added);
  t.strictSame(
    own.speaker.setPeers(change.peers).map(({ address, action }) => [address, action]),
    [
      ['10.0.0.4', 'removed'],
      ['10.0.0.3', 'reset'],
      ['10.0.0.5', 'added'],
    ],
  );
  bench.simulation.run(60_000);
  t.strictSame(
    previews[3]?.announce.map(({ prefix, attributes }) => [prefix, attributes]).sort(),
    [...tableOf(added)].map(([prefix, { received }]) => [prefix, received]).sort(),
    'the new peer gets what the preview says',
  );
  t.equal(inside.speaker.peers()[0]?.established, 1, 'the session that is kept has not reset');
});

t.test('why a path is not taken, not best, or not passed on', async (t) => {
  const { bench, own, outside } = await scene();
  const [three, four] = outside;
  three?.speaker.announce({ prefix: '10.1.0.0/16', attributes: {} });
  three?.speaker.announce({ prefix: '203.0.113.0/24', attributes: { asPath: [{ kind: 'sequence', asns: [9] }] } });
  four?.speaker.announce({ prefix: '203.0.113.0/24', attributes: {} });
  three?.speaker.announce({ prefix: '198.18.0.0/15', attributes: { asPath: [{ kind: 'sequence', asns: [65001] }] } });
  bench.simulation.run(5_000);
  const inspection = own.speaker.inspect();

  const [rejected] = inspection.explain('10.1.0.0/16');
  t.match(rejected, {
    from: '10.0.0.3',
    import: { kind: 'rejected', policy: 'no-10', steps: [{ statement: 'ten', verdict: 'reject' }] },
    decision: { kind: 'no-candidate' },
  });
  t.match(inspection.explain('198.18.0.0/15'), [{ import: { kind: 'ineligible', reason: /our own AS number/ } }]);
  t.match(inspection.explain('203.0.113.0/24'), [
    { from: '10.0.0.4', decision: { kind: 'best' }, import: { kind: 'accepted' } },
    { from: '10.0.0.3', decision: { kind: 'lost', step: 'AS path length', source: 'RFC 4271 §9.1.2.2 a' } },
  ]);
  t.strictSame(inspection.explain('192.0.2.0/26'), []);
  t.equal([...inspection.received('10.0.0.3')].length, 3);

  const exported = new Map([...inspection.exported('10.0.0.3')].map((path) => [path.prefix, path]));
  t.match(exported.get('192.0.2.128/25'), {
    policy: { name: 'tagged', steps: [{}, { statement: 'hidden', verdict: 'reject' }] },
  });
  t.equal(exported.get('192.0.2.128/25')?.advertised, undefined);
  t.match(exported.get('192.0.2.0/25')?.advertised, { nextHop: '10.0.0.1', attributes: { communities: [7] } });
  const back = [...inspection.exported('10.0.0.4')].find(({ prefix }) => prefix === '203.0.113.0/24');
  t.match(back, { withheld: 'it came from this peer' });
  t.match(inspection.peer('10.0.0.3'), {
    importPolicy: 'no-10',
    exportPolicy: 'tagged',
    status: { state: 'Established', prefixesReceived: 3, prefixesAccepted: 1 },
    session: { localAddress: '10.0.0.1', negotiated: { peerAsn: 65003 } },
  });
  t.equal(inspection.peer('10.0.0.9'), undefined);
});

t.test('keys are not shown', async (t) => {
  const { own, peers } = await scene();
  own.speaker.setPeers(peers.map((peer) => ({ ...peer, password: 'secret' })));
  const shown = own.speaker.inspect().peer('10.0.0.3');
  t.equal(shown?.authentication, 'md5');
  t.notMatch(JSON.stringify(shown), /secret/);
});
