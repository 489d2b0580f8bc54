import t from 'tap';
import { formatAddress, parseAddress } from '../../../src/address.ts';
import type { LocalInterface } from '../../../src/ports.ts';
import type { PeerOptions } from '../../../src/speaker/api.ts';
import { ownIpv4NextHop, ownIpv6NextHop } from '../../../src/speaker/own-next-hop.ts';
import { Bench, type Node } from './pair.ts';

const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
const routes = [{ prefix: '192.0.2.0/24' }, { prefix: '2001:db8:1::/48' }];

const hops = ({ speaker }: Node): string[] =>
  Array.from(speaker.routes(), ({ prefix, nextHop }) => `${prefix} ${nextHop}`);

/** Options of the announcing side, then of the receiving one, and what arrives. */
const overIpv6: readonly [string, Partial<PeerOptions>, Partial<PeerOptions>, readonly string[]][] = [
  ['not agreed: no address to give', {}, {}, ['2001:db8:1::/48 fd00::1']],
  ['offered by one side only', { extendedNextHop: true }, {}, ['2001:db8:1::/48 fd00::1']],
  [
    'RFC 8950 §4: agreed',
    { extendedNextHop: true },
    { extendedNextHop: true },
    ['192.0.2.0/24 fd00::1', '2001:db8:1::/48 fd00::1'],
  ],
  [
    'a configured IPv4 address',
    { nextHopAddresses: ['198.51.100.1'] },
    {},
    ['192.0.2.0/24 198.51.100.1', '2001:db8:1::/48 fd00::1'],
  ],
];

t.test('IPv4 routes over an IPv6 session', async (t) => {
  t.not(overIpv6.length, 0);
  for (const [name, of, back, expected] of overIpv6) {
    const bench = new Bench();
    const a = bench.node('fd00::1', 65001, { routerId: '10.0.0.1' });
    const b = bench.node('fd00::2', 65002, { routerId: '10.0.0.2' });
    bench.peer(a, b, { families, ...of }, { families, ...back });
    a.speaker.setAnnouncements(routes);
    await bench.start(a, b);
    t.strictSame(hops(b), expected, name);
    a.speaker.setAnnouncements([]);
    bench.simulation.run(1000);
    t.strictSame(hops(b), [], `${name}: withdrawn`);
  }
});

t.test('a route with an IPv6 next hop goes on to who takes it, with our address to who does not', async (t) => {
  const bench = new Bench();
  const outside = bench.node('fd00::1', 65001, { routerId: '10.0.0.1' });
  const edge = bench.node('fd00::2', 65000, { routerId: '10.0.0.2' });
  const inside = bench.node('fd00::3', 65000, { routerId: '10.0.0.3' });
  const without = bench.node('fd00::4', 65000, { routerId: '10.0.0.4' });
  const self = bench.node('fd00::5', 65000, { routerId: '10.0.0.5' });
  const extendedNextHop = true;
  bench.peer(outside, edge, { extendedNextHop });
  bench.peer(edge, inside, { extendedNextHop });
  bench.peer(edge, without);
  bench.peer(edge, self, { nextHopSelf: true, nextHopAddresses: ['198.51.100.2'] }, {});
  const warnings: string[] = [];
  edge.speaker.on('warning', ({ text }) => warnings.push(text));
  outside.speaker.announce({ prefix: '192.0.2.0/24' });
  await bench.start(outside, edge, inside, without, self);
  t.strictSame(hops(inside), ['192.0.2.0/24 fd00::1'], 'unchanged inside');
  t.strictSame(hops(without), [], 'not agreed: the route cannot be told');
  t.match(warnings.join(), '192.0.2.0/24');
  t.strictSame(hops(self), ['192.0.2.0/24 198.51.100.2']);
});

t.test('an announced next hop of the other family', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const agreed = bench.node('10.0.0.2', 65002);
  const other = bench.node('10.0.0.3', 65003);
  bench.peer(a, agreed, { extendedNextHop: true });
  bench.peer(a, other);
  a.speaker.announce({ prefix: '192.0.2.0/24', nextHop: 'fd00::1' });
  t.throws(() => a.speaker.announce({ prefix: '2001:db8::/32', nextHop: '192.0.2.1' }), /192.0.2.1/);
  await bench.start(a, agreed, other);
  t.strictSame(hops(agreed), ['192.0.2.0/24 fd00::1']);
  t.strictSame(hops(other), []);
});

t.test('IPv6 routes over an IPv4 session get the configured addresses', async (t) => {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const b = bench.node('10.0.0.2', 65001);
  const c = bench.node('10.0.0.3', 65001);
  bench.peer(a, b, { families, nextHopAddresses: ['fd00::1', 'fe80::1'] }, { families, routeReflectorClient: true });
  bench.peer(b, c, { families });
  a.speaker.announce({ prefix: '2001:db8:1::/48' });
  await bench.start(a, b, c);
  t.match(b.speaker.bestPath('2001:db8:1::/48'), { nextHop: 'fd00::1', linkLocalNextHop: 'fe80::1' });
  const further = c.speaker.bestPath('2001:db8:1::/48');
  t.equal(further?.nextHop, 'fd00::1');
  t.equal(further?.linkLocalNextHop, undefined, 'RFC 2545 §3: a link-local address does not leave its link');
  const peer = { address: b.address, asn: 65001, localAddress: a.address, families } as const;
  t.strictSame(a.speaker.setPeers([{ ...peer, nextHopAddresses: ['fd00::7'] }]), [
    { address: b.address, action: 'updated' },
  ]);
  bench.simulation.run(1000);
  t.equal(b.speaker.bestPath('2001:db8:1::/48')?.nextHop, 'fd00::7', 'changed on the session at hand');
});

const eth0: LocalInterface = {
  name: 'eth0',
  addresses: [
    { address: '192.0.2.1', length: 24 },
    { address: 'fe80::a', length: 64 },
    { address: '2001:db8::1', length: 64 },
  ],
};

/** RFC 2545 §3, RFC 4271 §5.1.3: session's address, peer, configured, interface; IPv4 next hop, then IPv6. */
const choices: readonly [string, string, readonly string[], LocalInterface | undefined, string, string][] = [
  ['192.0.2.1', '192.0.2.9', [], undefined, '192.0.2.1', 'none'],
  ['192.0.2.1', '192.0.2.9', [], eth0, '192.0.2.1', '2001:db8::1 fe80::a'],
  ['192.0.2.1', '198.51.100.9', [], eth0, '192.0.2.1', '2001:db8::1'],
  ['192.0.2.1', '198.51.100.9', ['2001:db8::7', 'fe80::7'], eth0, '192.0.2.1', '2001:db8::7 fe80::7'],
  ['2001:db8::1', '2001:db8::9', [], eth0, '192.0.2.1', '2001:db8::1 fe80::a'],
  ['2001:db8::1', '2001:db8:0:1::9', [], eth0, '192.0.2.1', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::9', [], undefined, 'none', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::9', ['198.51.100.1'], eth0, '198.51.100.1', '2001:db8::1 fe80::a'],
  ['fe80::a', 'fe80::9', [], undefined, 'none', 'fe80::a fe80::a'],
  ['fe80::a', 'fe80::9', [], eth0, '192.0.2.1', '2001:db8::1 fe80::a'],
];

t.test('our own next hop', async (t) => {
  t.not(choices.length, 0);
  const text = (bytes: Uint8Array | undefined): string => {
    if (bytes === undefined) return 'none';
    if (bytes.length !== 32) return formatAddress(bytes);
    return `${formatAddress(bytes.subarray(0, 16))} ${formatAddress(bytes.subarray(16))}`;
  };
  for (const [localAddress, peerAddress, configured, link, four, six] of choices) {
    const sources = { localAddress, peerAddress, configured, localInterface: () => link };
    const name = `${localAddress} to ${peerAddress}, ${configured.join()}, ${link?.name}`;
    t.equal(text(ownIpv4NextHop(sources)), four, name);
    t.equal(text(ownIpv6NextHop(sources)), six, name);
  }
  t.same(parseAddress('fe80::a').length, 16);
});
