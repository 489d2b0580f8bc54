import t from 'tap';
import { exportOtc, importOtc, type OtcVerdict } from '../../../src/attribute/only-to-customer.ts';
import { counterpartOf, type Role, roles } from '../../../src/capability/role.ts';
import { factFlag } from '../../../src/table/attribute-facts.ts';
import { withheldAlways, withheldReceived } from '../../../src/table/export-rules.ts';
import { Bench, type Node } from './pair.ts';

/** RFC 9234 §5, for a peer of AS 65001 and our AS 65000: what becomes of a route without OTC, with ours, with another. */
const ingress: Record<Role, [none: string, peers: string, other: string]> = {
  // We are its provider: it is a customer.
  provider: ['none', 'leak', 'leak'],
  rs: ['none', 'leak', 'leak'],
  // We are its customer: it is a provider.
  customer: ['65001', '65001', '9'],
  'rs-client': ['65001', '65001', '9'],
  peer: ['65001', '65001', 'leak'],
};
const egress: Record<Role, [none: string, other: string]> = {
  provider: ['65000', '9'],
  rs: ['65000', '9'],
  peer: ['65000', 'leak'],
  customer: ['none', 'leak'],
  'rs-client': ['none', 'leak'],
};

const shown = (verdict: OtcVerdict): string => (verdict.leak ? 'leak' : String(verdict.otc ?? 'none'));

t.test('RFC 9234 §5: the table of both directions', async (t) => {
  t.ok(roles.length === 5);
  for (const role of roles) {
    t.strictSame(
      [undefined, 65001, 9].map((otc) => shown(importOtc(otc, role, 65001))),
      ingress[role],
      `in, ${role}`,
    );
    t.strictSame(
      [undefined, 9].map((otc) => shown(exportOtc(otc, role, 65000))),
      egress[role],
      `out, ${role}`,
    );
  }
});

const otcOf = ({ speaker }: Node, prefix: string) => {
  const path = speaker.bestPath(prefix);
  return path === undefined ? 'no route' : (path.attributes.onlyToCustomer ?? 'none');
};

t.test('RFC 9234 on sessions: a route goes down, not up or sideways again', async (t) => {
  const bench = new Bench();
  // provider 65001 above us 65000; peer 65002 beside; customers 65003, 65004 below.
  const provider = bench.node('10.0.0.1', 65001);
  const us = bench.node('10.0.0.2', 65000);
  const peer = bench.node('10.0.0.3', 65002);
  const customer = bench.node('10.0.0.4', 65003);
  const second = bench.node('10.0.0.5', 65001);
  bench.peer(us, provider, { role: 'customer' }, { role: 'provider' });
  bench.peer(us, peer, { role: 'peer' }, { role: 'peer' });
  bench.peer(us, customer, { role: 'provider' }, { role: 'customer' });
  // Does not know roles.
  bench.peer(us, second, { role: 'customer' }, {});
  provider.speaker.announce({ prefix: '10.1.0.0/16' });
  peer.speaker.announce({ prefix: '10.2.0.0/16' });
  customer.speaker.announce({ prefix: '10.3.0.0/16' });
  second.speaker.announce({ prefix: '10.4.0.0/16' });
  us.speaker.announce({ prefix: '10.5.0.0/16' });
  await bench.start(provider, us, peer, customer, second);
  const prefixes = ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16', '10.4.0.0/16', '10.5.0.0/16'];
  const at = (node: Node) => prefixes.map((prefix) => otcOf(node, prefix));
  t.strictSame(at(us), [65001, 65002, 'none', 65001, 'none'], 'marked by who sent it down, or by us');
  t.strictSame(at(provider), ['none', 'no route', 'none', 'no route', 'none'], 'up: only what came from below');
  t.strictSame(at(peer), ['no route', 'none', 65000, 'no route', 65000], 'sideways: marked as ours');
  t.strictSame(at(customer), [65001, 65002, 'none', 65001, 65000], 'down: everything');
});

t.test('RFC 9234 §5: a leak is no candidate', async (t) => {
  const bench = new Bench();
  const customer = bench.node('10.0.0.1', 65001);
  const us = bench.node('10.0.0.2', 65000);
  bench.peer(customer, us, {}, { role: 'provider' });
  customer.speaker.announce({ prefix: '10.1.0.0/16', attributes: { onlyToCustomer: 9 } });
  customer.speaker.announce({ prefix: '10.2.0.0/16' });
  await bench.start(customer, us);
  t.strictSame(bench.table(us), ['10.2.0.0/16 10.0.0.1']);
  t.match(us.speaker.peers()[0], { prefixesReceived: 2, prefixesAccepted: 1 });
});

t.test('RFC 9234 §4.2: which roles make a session', async (t) => {
  const cases: [ours: Role, theirs: Role | undefined, strict: boolean, established: boolean][] = [
    ...roles.flatMap((ours) =>
      roles.map((theirs): [Role, Role, boolean, boolean] => [ours, theirs, false, counterpartOf[ours] === theirs]),
    ),
    ['customer', undefined, false, true],
    ['customer', undefined, true, false],
    ['customer', 'provider', true, true],
  ];
  for (const [ours, theirs, strict, established] of cases) {
    const bench = new Bench();
    const a = bench.node('10.0.0.1', 65001);
    const b = bench.node('10.0.0.2', 65000);
    bench.peer(a, b, theirs === undefined ? {} : { role: theirs }, { role: ours, ...(strict && { roleStrict: true }) });
    for (const { speaker } of [a, b]) await speaker.start();
    bench.simulation.run(20_000);
    const [status] = b.speaker.peers();
    const title = `${ours} - ${theirs}${strict ? ', strict' : ''}`;
    t.equal(status?.state === 'Established', established, title);
    if (!established) t.match(status?.lastDown, { code: 2, subcode: 11 }, `${title}: Role Mismatch`);
    await a.speaker.stop();
    await b.speaker.stop();
  }
});

t.test('what a kind of peer is never told', async (t) => {
  const { noExport, noAdvertise, noExportSubconfed, noPeer, asSet, hasOnlyToCustomer, llgrStale } = factFlag;
  const base = { role: undefined, allowAsSets: false, routeServer: false, longLived: 'capable' } as const;
  const received: [why: string, rules: Parameters<typeof withheldReceived>[0], flags: number][] = [
    ['RFC 1997, eBGP', { ...base, peerType: 'ebgp' }, noAdvertise | noExport | noExportSubconfed],
    ['RFC 1997, iBGP', { ...base, peerType: 'ibgp' }, noAdvertise],
    ['RFC 1997, another member AS', { ...base, peerType: 'confederation' }, noAdvertise | noExportSubconfed],
    [
      'RFC 3765, bilateral peer',
      { ...base, peerType: 'ebgp', role: 'peer' },
      noAdvertise | noExport | noExportSubconfed | noPeer,
    ],
    ['RFC 3765, customer', { ...base, peerType: 'ebgp', role: 'provider' }, noAdvertise | noExport | noExportSubconfed],
    ['RFC 7947 §2.2.4', { ...base, peerType: 'ebgp', routeServer: true }, 0],
  ];
  for (const [why, rules, flags] of received) t.equal(withheldReceived(rules), flags, why);
  const always: [why: string, rules: Parameters<typeof withheldAlways>[0], flags: number][] = [
    ['RFC 9774 §3', { ...base, peerType: 'ibgp' }, asSet],
    ['RFC 9774 §3, allowed', { ...base, peerType: 'ebgp', allowAsSets: true }, 0],
    ['RFC 9234 §5, up', { ...base, peerType: 'ebgp', role: 'customer' }, asSet | hasOnlyToCustomer],
    ['RFC 9234 §5, sideways', { ...base, peerType: 'ebgp', role: 'peer' }, asSet | hasOnlyToCustomer],
    ['RFC 9234 §5, to a route server', { ...base, peerType: 'ebgp', role: 'rs-client' }, asSet | hasOnlyToCustomer],
    ['RFC 9234 §5, down', { ...base, peerType: 'ebgp', role: 'provider' }, asSet],
    ['RFC 9494 §4.3', { ...base, peerType: 'ibgp', longLived: 'none' }, asSet | llgrStale],
    ['RFC 9494 §4.6', { ...base, peerType: 'ibgp', longLived: 'partial' }, asSet],
  ];
  for (const [why, rules, flags] of always) t.equal(withheldAlways(rules), flags, why);
});
