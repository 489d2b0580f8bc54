import t from 'tap';
import { Bench } from './pair.ts';
import { shownAt } from './shown.ts';

const path = (...asns: number[]) => ({ asPath: [{ kind: 'sequence' as const, asns }] });
const set = (...asns: number[]) => ({ asPath: [{ kind: 'set' as const, asns }] });

t.test('RFC 7705: another AS number towards a peer', async (t) => {
  const cases: [why: string, localAs: { prepend?: boolean; replace?: boolean }, received: string, sent: string][] = [
    ['§3.2, both directions', {}, '64999 65001 7', '64999 65000 9'],
    ['no prepend', { prepend: false }, '65001 7', '64999 65000 9'],
    ['§3.3, replace', { replace: true }, '64999 65001 7', '64999 9'],
    ['both', { prepend: false, replace: true }, '65001 7', '64999 9'],
  ];
  t.ok(cases.length > 0);
  for (const [why, options, received, sent] of cases) {
    const bench = new Bench();
    const old = bench.node('10.0.0.1', 65001);
    const merged = bench.node('10.0.0.2', 65000);
    bench.peer(old, merged, { asn: 64999 }, { localAs: { asn: 64999, ...options } });
    old.speaker.announce({ prefix: '192.0.2.0/24', attributes: path(7) });
    merged.speaker.announce({ prefix: '198.51.100.0/24', attributes: path(9) });
    await bench.start(old, merged);
    t.equal(shownAt('192.0.2.0/24')(merged)?.path, received, why);
    t.equal(shownAt('198.51.100.0/24')(old)?.path, sent, why);
  }
});

t.test('RFC 7705 §3.3: a route that comes back is a loop under both numbers', async (t) => {
  const bench = new Bench();
  const old = bench.node('10.0.0.1', 65001);
  const merged = bench.node('10.0.0.2', 65000);
  bench.peer(old, merged, { asn: 64999 }, { localAs: { asn: 64999, replace: true } });
  old.speaker.announce({ prefix: '192.0.2.0/24', attributes: path(64999, 7) });
  old.speaker.announce({ prefix: '198.51.100.0/24', attributes: path(65000, 7) });
  await bench.start(old, merged);
  t.strictSame(bench.table(merged), []);
  t.equal(merged.speaker.peers()[0]?.prefixesReceived, 2);
});

t.test('own AS numbers in received paths (RFC 4271 §9.1.2), with an allowance', async (t) => {
  const cases: [allowOwnAs: number | undefined, accepted: string[]][] = [
    [undefined, ['10.0.0.0/16']],
    [1, ['10.0.0.0/16', '10.1.0.0/16']],
    [2, ['10.0.0.0/16', '10.1.0.0/16', '10.2.0.0/16']],
  ];
  t.ok(cases.length > 0);
  for (const [allowOwnAs, accepted] of cases) {
    const bench = new Bench();
    const a = bench.node('10.0.0.1', 65001);
    const b = bench.node('10.0.0.2', 65000);
    bench.peer(a, b, {}, allowOwnAs === undefined ? {} : { allowOwnAs });
    a.speaker.announce({ prefix: '10.0.0.0/16', attributes: path(7) });
    a.speaker.announce({ prefix: '10.1.0.0/16', attributes: path(65000, 7) });
    a.speaker.announce({ prefix: '10.2.0.0/16', attributes: path(65000, 65000) });
    await bench.start(a, b);
    t.strictSame(
      bench.table(b),
      accepted.map((prefix) => `${prefix} 10.0.0.1`),
    );
    const back = { address: a.address, asn: a.asn, localAddress: b.address, allowOwnAs: 2 };
    b.speaker.setPeers([back]);
    bench.simulation.run(1000);
    t.equal(bench.table(b).length, 3, 'the allowance changes without a reset');
    t.equal(b.speaker.peers()[0]?.established, 1);
  }
});

t.test('RFC 9774 §3: AS_SETs are neither taken nor sent', async (t) => {
  for (const allowAsSets of [undefined, true]) {
    const bench = new Bench();
    const a = bench.node('10.0.0.1', 65001);
    const b = bench.node('10.0.0.2', 65000);
    const c = bench.node('10.0.0.3', 65002);
    const warnings: string[] = [];
    b.speaker.on('warning', ({ text }) => warnings.push(text));
    bench.peer(a, b, { allowAsSets: true }, allowAsSets === undefined ? {} : { allowAsSets });
    bench.peer(b, c, allowAsSets === undefined ? {} : { allowAsSets }, { allowAsSets: true });
    a.speaker.announce({ prefix: '192.0.2.0/24' });
    b.speaker.announce({ prefix: '198.51.100.0/24', attributes: set(7, 8) });
    await bench.start(a, b, c);
    t.ok(b.speaker.bestPath('192.0.2.0/24'));
    a.speaker.announce({ prefix: '192.0.2.0/24', attributes: set(7, 8) });
    bench.simulation.run(1000);
    t.equal(b.speaker.bestPath('192.0.2.0/24') !== undefined, allowAsSets === true, 'treat-as-withdraw');
    t.equal(c.speaker.bestPath('198.51.100.0/24') !== undefined, allowAsSets === true, 'not sent');
    t.equal(
      warnings.some((text) => /AS_SET \(RFC 9774 §3\): treat-as-withdraw/.test(text)),
      allowAsSets !== true,
    );
    t.equal(b.speaker.peers()[0]?.state, 'Established');
  }
});

t.test('RFC 4271 §6.3: the first AS number of a path', async (t) => {
  for (const enforceFirstAs of [false, true]) {
    const bench = new Bench();
    // A route server does not put itself in front.
    const server = bench.node('10.0.0.1', 65001);
    const b = bench.node('10.0.0.2', 65000);
    bench.peer(server, b, { routeServerClient: true }, { enforceFirstAs });
    server.speaker.announce({ prefix: '10.1.0.0/16', attributes: path(7, 65001) });
    server.speaker.announce({ prefix: '10.2.0.0/16', attributes: path(65001, 7) });
    server.speaker.announce({ prefix: '10.3.0.0/16' });
    await bench.start(server, b);
    t.strictSame(
      bench.table(b).map((line) => line.split(' ')[0]),
      enforceFirstAs ? ['10.2.0.0/16'] : ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16'],
    );
  }
});

t.test('RFC 7607: AS 0 is nobody', async (t) => {
  const { speaker } = new Bench().node('10.0.0.1', 65001);
  t.throws(() => speaker.addPeer({ address: '10.0.0.2', asn: 0 }), { name: 'RangeError', message: /AS number 0/ });
  t.throws(() => speaker.addPeer({ address: '10.0.0.2', asn: 1, localAs: { asn: 0 } }), /AS number 0/);
});

t.test('options that exclude each other', async (t) => {
  const { speaker } = new Bench().node('10.0.0.1', 65001);
  const peer = { address: '10.0.0.2', asn: 65002 };
  const tcpAo = { sendId: 1, receiveId: 1, algorithm: 'hmac-sha-1-96', key: 'x' } as const;
  const cases: [object, RegExp][] = [
    [{ ttlSecurity: 1, multihopTtl: 2 }, /ttlSecurity and multihopTtl exclude each other/],
    [{ password: 'x', tcpAo }, /password and tcpAo exclude each other/],
    [{ ttlSecurity: 0 }, /ttlSecurity 0: expected 1 to 254/],
    [{ localAs: { asn: 65002 } }, /localAs 65002 is the peer's own/],
    [{ asn: 65001, localAs: { asn: 7 } }, /localAs is for eBGP peers, this one is ibgp/],
    [{ asn: 65001, routeServerClient: true }, /routeServerClient is for eBGP peers/],
    [{ asn: 65001, removePrivateAs: 'all' }, /removePrivateAs is for eBGP peers/],
    [{ group: 'none' }, /there is no peer group none/],
  ];
  t.ok(cases.length > 0);
  for (const [options, message] of cases) t.throws(() => speaker.addPeer({ ...peer, ...options }), { message });
  t.strictSame(speaker.peers(), []);
});

t.test('remove-private-as on a session', async (t) => {
  for (const [removePrivateAs, expected] of [
    [undefined, '65001 64600 7'],
    ['all', '65001 7'],
    ['replace', '65001 65001 7'],
  ] as const) {
    const bench = new Bench();
    const a = bench.node('10.0.0.1', 65001);
    const b = bench.node('10.0.0.2', 65000);
    bench.peer(a, b, removePrivateAs === undefined ? {} : { removePrivateAs }, {});
    a.speaker.announce({ prefix: '192.0.2.0/24', attributes: path(64600, 7) });
    await bench.start(a, b);
    t.equal(shownAt('192.0.2.0/24')(b)?.path, expected);
  }
});
