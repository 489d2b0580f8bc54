import t from 'tap';
import { errorCode } from '../../../src/iana.ts';
import { encodeKeepalive } from '../../../src/message/keepalive.ts';
import type { Transport } from '../../../src/ports.ts';
import type { PeerRange } from '../../../src/speaker/api.ts';
import { BgpSpeaker } from '../../../src/speaker/speaker.ts';
import { all, Bench, none } from './pair.ts';

const range: PeerRange = { prefix: '10.1.0.0/16', asns: [65001, 65000], limit: 2 };

function hub() {
  const bench = new Bench();
  const node = bench.node('10.0.0.1', 65000);
  const warnings: string[] = [];
  node.speaker.on('warning', ({ text }) => warnings.push(text));
  const spoke = async (address: string, asn: number, options = {}) => {
    const own = bench.node(address, asn);
    own.speaker.addPeer({ address: node.address, asn: node.asn, localAddress: address, ...options });
    own.speaker.announce({ prefix: `192.0.2.${address.split('.')[3]}/32` });
    await own.speaker.start();
    bench.simulation.run(20_000);
    return own;
  };
  const peers = () => node.speaker.peers().map(({ address, asn, type, state }) => `${address} ${asn} ${type} ${state}`);
  return { bench, node, warnings, spoke, peers };
}

t.test('who connects from a range with an allowed AS number is a peer, until it goes', async (t) => {
  const { bench, node, warnings, spoke, peers } = hub();
  node.speaker.addPeerRange(range);
  await node.speaker.start();
  const one = await spoke('10.1.0.1', 65001);
  const two = await spoke('10.1.0.2', 65000);
  t.strictSame(
    peers(),
    ['10.1.0.1 65001 ebgp Established', '10.1.0.2 65000 ibgp Established'],
    'external and internal',
  );
  t.strictSame(bench.table(node), ['192.0.2.1/32 10.1.0.1', '192.0.2.2/32 10.1.0.2']);
  const three = await spoke('10.1.0.3', 65001);
  t.equal(peers().length, 2, 'one too many');
  t.ok(warnings.some((text) => /refused 10\.1\.0\.3: the range 10\.1\.0\.0\/16 has 2 peers already/.test(text)));
  t.match(three.speaker.peers()[0]?.lastDown, { code: 6, subcode: 5 }, 'RFC 4486 §4: connection rejected');
  await three.speaker.stop();
  await one.speaker.stop();
  bench.simulation.run(20_000);
  t.strictSame(peers(), ['10.1.0.2 65000 ibgp Established'], 'forgotten with its routes');
  t.strictSame(bench.table(node), ['192.0.2.2/32 10.1.0.2']);
  const again = await spoke('10.1.0.9', 65001);
  t.equal(peers().length, 2, 'there is room again');
  t.strictSame(node.speaker.setPeers([]), [], 'they are not the user’s peers');
  node.speaker.removePeerRange('10.1.0.0/16');
  bench.simulation.run(20_000);
  t.strictSame(peers(), []);
  t.strictSame(bench.table(node), []);
  for (const { speaker } of [node, two, again]) await speaker.stop();
});

t.test('others are refused', async (t) => {
  const { bench, node, warnings, spoke, peers } = hub();
  node.speaker.addPeerRange({ ...range, asns: [65001] });
  await node.speaker.start();
  const wrong = await spoke('10.1.0.1', 65009);
  t.match(wrong.speaker.peers()[0]?.lastDown, { kind: 'notification-received', code: 2, subcode: 2 }, 'Bad Peer AS');
  t.ok(warnings.some((text) => /refused 10\.1\.0\.1: AS 65009 is not one of the range/.test(text)));
  const stranger = await spoke('10.2.0.1', 65001);
  t.match(stranger.speaker.peers()[0]?.lastDown, { code: 6, subcode: 5 });
  t.strictSame(peers(), []);
  for (const { speaker } of [node, wrong, stranger]) await speaker.stop();
  t.ok(bench);
});

t.test('the longest range decides, and a peer known by address is no part of it', async (t) => {
  const { bench, node, spoke, peers } = hub();
  node.speaker.addPeerRange(range);
  node.speaker.addPeerRange({
    prefix: '10.1.0.0/24',
    asns: [65001],
    limit: 9,
    holdTimeMs: 30_000,
    description: 'near',
  });
  node.speaker.addPeer({ address: '10.1.0.7', asn: 65007, passive: true });
  await node.speaker.start();
  const near = await spoke('10.1.0.1', 65001);
  const known = await spoke('10.1.0.7', 65007);
  t.strictSame(peers(), ['10.1.0.7 65007 ebgp Established', '10.1.0.1 65001 ebgp Established']);
  node.speaker.removePeerRange('10.1.0.0/16');
  t.equal(peers().length, 2, 'was of the other range');
  node.speaker.addPeer({ address: '10.1.0.1', asn: 65001, passive: true });
  bench.simulation.run(20_000);
  node.speaker.removePeerRange('10.1.0.0/24');
  t.equal(peers().length, 2, 'is the user’s own now');
  for (const { speaker } of [node, near, known]) await speaker.stop();
});

t.test('graceful restart: the peer stays while its routes are kept', async (t) => {
  const { bench, node, spoke, peers } = hub();
  node.speaker.addPeerRange({ ...range, gracefulRestart: true });
  await node.speaker.start();
  const own = bench.node('10.1.0.1', 65001, { gracefulRestart: { restartTimeMs: 40_000 } });
  own.speaker.addPeer({ address: node.address, asn: node.asn, localAddress: '10.1.0.1', gracefulRestart: true });
  own.speaker.announce({ prefix: '192.0.2.1/32' });
  await own.speaker.start();
  bench.simulation.run(20_000);
  t.equal(bench.table(node).length, 1);
  bench.simulation.network.cut('10.0.0.1', '10.1.0.1');
  bench.simulation.run(30_000);
  t.equal(peers().length, 1);
  t.equal(node.speaker.bestPath('192.0.2.1/32')?.stale, true);
  bench.simulation.run(60_000);
  t.strictSame([peers(), bench.table(node)], [[], []]);
  for (const { speaker } of [node, own]) await speaker.stop();
  t.ok(spoke);
});

t.test('a connection that says nothing, or something else', async (t) => {
  const { bench, node, peers } = hub();
  node.speaker.addPeerRange({ ...range, limit: 1 });
  await node.speaker.start();
  const { transport } = bench.simulation.ports('10.1.0.5');
  const connect = (send: (write: (bytes: Uint8Array) => void) => void) => {
    const seen = { bytes: [] as number[], closed: false };
    transport.connect(
      { remoteAddress: '10.0.0.1', remotePort: 179 },
      (connection) => {
        connection.onData = (chunk) => void seen.bytes.push(...chunk);
        connection.onClose = () => {
          seen.closed = true;
        };
        connection.resume();
        send((bytes) => connection.write(bytes));
      },
      (error) => t.fail(error.message),
    );
    return seen;
  };
  const silent = connect(() => {});
  bench.simulation.run(5_000);
  const late = connect(() => {});
  bench.simulation.run(1_000);
  t.strictSame(late.bytes.slice(19), [6, 5], 'the silent one counts as a peer');
  bench.simulation.run(10_000);
  t.equal(silent.closed, true, 'after ten seconds it does not any more');
  const wrong = connect((write) => write(encodeKeepalive()));
  const garbage = connect((write) => write(new Uint8Array(19)));
  bench.simulation.run(1_000);
  t.strictSame(wrong.bytes.slice(19), [errorCode.finiteStateMachine, 1], 'RFC 6608 §4');
  t.strictSame([wrong.closed, garbage.closed], [true, true]);
  t.strictSame(peers(), []);
  await node.speaker.stop();
});

t.test('a range that cannot be', async (t) => {
  const { node } = hub();
  const cases: [Partial<PeerRange>, RegExp][] = [
    [{ prefix: '10.1.0.1/16' }, /10\.1\.0\.1\/16/],
    [{ asns: [] }, /AS number/],
    [{ limit: 0 }, /limit 0, expected a whole number from 1/],
    [{ group: 'none' }, /there is no peer group none/],
    [{ asns: [65000], role: 'peer' }, /role is for eBGP peers/],
  ];
  t.ok(cases.length > 0);
  for (const [over, message] of cases) t.throws(() => node.speaker.addPeerRange({ ...range, ...over }), { message });
  node.speaker.addPeerRange(range);
  t.throws(() => node.speaker.addPeerRange(range), /10\.1\.0\.0\/16 is there already/);
  t.throws(() => node.speaker.removePeerRange('10.2.0.0/16'), /no peer range/);
});

t.test('options of a group, and of the range: hold time, families, policy, limits, shutdown', async (t) => {
  const { bench, node, spoke } = hub();
  const limited = { 'ipv4-unicast': { maximum: 5 } };
  node.speaker.setPeerGroups({ nodes: { holdTimeMs: 30_000, prefixLimits: limited, importPolicy: none } });
  node.speaker.addPeerRange({ ...range, group: 'nodes', families: ['ipv4-unicast', 'ipv6-unicast'] });
  await node.speaker.start();
  const one = await spoke('10.1.0.1', 65001, { families: ['ipv4-unicast', 'ipv6-unicast'] });
  t.match(node.speaker.peers(), [{ families: ['ipv4-unicast', 'ipv6-unicast'], prefixesAccepted: 0 }]);
  t.strictSame(bench.table(node), [], 'the policy of the group');

  const policy = { ...all, name: 'others' };
  const nodes = { holdTimeMs: 30_000, prefixLimits: limited };
  t.strictSame(node.speaker.setPeerGroups({ nodes: { ...nodes, importPolicy: policy } }), [
    { address: '10.1.0.1', action: 'updated' },
  ]);
  bench.simulation.run(1000);
  t.strictSame(bench.table(node), ['192.0.2.1/32 10.1.0.1']);
  t.equal(node.speaker.peers()[0]?.established, 1, 'without a reset');

  for (let index = 0; index < 8; index++) one.speaker.announce({ prefix: `10.9.${index}.0/24` });
  bench.simulation.run(1000);
  t.match(one.speaker.peers()[0]?.lastDown, { code: 6, subcode: 1 }, 'the limit of the group');
  for (let index = 0; index < 8; index++) one.speaker.withdraw(`10.9.${index}.0/24`);
  bench.simulation.run(60_000);
  t.match(node.speaker.peers(), [{ state: 'Established' }]);

  t.strictSame(node.speaker.setPeerGroups({ nodes: { ...nodes, importPolicy: policy, holdTimeMs: 9000 } }), [
    { address: '10.1.0.1', action: 'reset' },
  ]);
  bench.simulation.run(1000);
  t.match(one.speaker.peers()[0]?.lastDown, { code: 6, subcode: 6 }, 'other configuration change');
  bench.simulation.run(60_000);
  t.match(node.speaker.peers(), [{ state: 'Established' }], 'it comes back by itself');
  t.throws(() => node.speaker.setPeerGroups({}), /there is no peer group nodes/);
  for (const { speaker } of [node, one]) await speaker.stop();
});

t.test('what listening sockets are told of a range', async (t) => {
  const told: [string, unknown][] = [];
  const bench = new Bench();
  const { transport } = bench.simulation.ports('10.0.0.1');
  const watched: Transport = {
    connect: transport.connect.bind(transport),
    async listen(where, accept) {
      const listener = await transport.listen(where, accept);
      return {
        ...listener,
        setPeerOptions: (peer, options) => void told.push([peer, options]),
        close: () => listener.close(),
      };
    },
  };
  const ports = { ...bench.simulation.ports('10.0.0.1'), transport: watched };
  const speaker = new BgpSpeaker(
    { asn: 65000, routerId: '10.0.0.1', listen: [{ address: '10.0.0.1' }], peerGroups: { far: { ttlSecurity: 2 } } },
    ports,
  );
  speaker.addPeerRange({ ...range, group: 'far' });
  await speaker.start();
  const tcpAo = { sendId: 1, receiveId: 2, key: 'sesame', algorithm: 'hmac-sha-1-96' } as const;
  speaker.addPeerRange({ ...range, prefix: '10.2.0.0/16', tcpAo, multihopTtl: 3 });
  speaker.setPeerGroups({ far: { ttlSecurity: 1, password: 'sesame' } });
  speaker.removePeerRange('10.1.0.0/16');
  t.strictSame(told, [
    ['10.1.0.0/16', { ttl: 255, minimumTtl: 254 }],
    ['10.2.0.0/16', { tcpAo, ttl: 3 }],
    ['10.1.0.0/16', { password: 'sesame', ttl: 255, minimumTtl: 255 }],
    ['10.2.0.0/16', { tcpAo, ttl: 3 }],
    ['10.1.0.0/16', undefined],
  ]);
  const both = { ...range, prefix: '10.3.0.0/16', ttlSecurity: 1, multihopTtl: 2 };
  t.throws(() => speaker.addPeerRange(both), /ttlSecurity and multihopTtl exclude each other/);
  await speaker.stop();
});
