import t from 'tap';
import { decodeMessage } from '../../../src/message/message.ts';
import type { Connection, Transport } from '../../../src/ports.ts';
import { all, Bench } from './pair.ts';

/** Connections of this transport can be told to read nothing. */
function stoppable(transport: Transport): { transport: Transport; connections: Connection[] } {
  const connections: Connection[] = [];
  const keep = (connection: Connection): Connection => {
    connections.push(connection);
    return connection;
  };
  return {
    connections,
    transport: {
      connect: (options, connected, failed) => transport.connect(options, (one) => connected(keep(one)), failed),
      listen: (options, accept) => transport.listen(options, (one) => accept(keep(one))),
    },
  };
}

t.test('a peer that does not read costs a bounded amount, and is told the latest when it reads again', async (t) => {
  const bench = new Bench();
  const sender = bench.node('10.0.0.1', 65001);
  const fast = bench.node('10.0.0.2', 65002);
  const { transport, connections } = stoppable(bench.simulation.network.transport('10.0.0.3'));
  const options = { address: '10.0.0.3', asn: 65003, routerId: '10.0.0.3', importPolicy: all, exportPolicy: all };
  const slow = { address: '10.0.0.3', asn: 65003, speaker: bench.simulation.addSpeaker(options, { transport }) };
  bench.peer(sender, fast, { holdTimeMs: 0 });
  bench.peer(sender, slow, { holdTimeMs: 0 });
  await bench.start(sender, fast, slow);
  for (const connection of connections) connection.pause();
  let bytes = 0;
  let toFast = 0;
  bench.simulation.trace.onEvent = (event) => {
    if (event.kind !== 'data' || event.from !== '10.0.0.1') return;
    if (event.to === '10.0.0.3') bytes += event.bytes?.length ?? 0;
    else toFast += event.bytes?.length ?? 0;
  };
  const rounds = 40;
  for (let round = 0; round < rounds; round++) {
    sender.speaker.setAnnouncements(
      Array.from({ length: 2000 }, (_, index) => ({
        prefix: `10.${index >> 8}.${index & 255}.0/24`,
        attributes: { multiExitDisc: round },
      })),
    );
    bench.simulation.run(100);
  }
  sender.speaker.setAnnouncements([{ prefix: '192.0.2.0/24' }]);
  bench.simulation.run(1000);
  t.strictSame(bench.table(fast), ['192.0.2.0/24 10.0.0.1'], 'the other one is not held up');
  t.ok(toFast > rounds * 8000, `${toFast} bytes to the one that reads`);
  t.ok(bytes < 65_536 + 40_000, `${bytes} bytes queued for the one that does not`);
  for (const connection of connections) connection.resume();
  bench.simulation.settle();
  t.strictSame(bench.table(slow), ['192.0.2.0/24 10.0.0.1']);
  t.equal(slow.speaker.peers()[0]?.prefixesReceived, 1);
  t.equal(slow.speaker.peers()[0]?.established, 1);
});

t.test('peers with the same view are written the same bytes, packed by attribute set', async (t) => {
  const bench = new Bench();
  const sender = bench.node('10.0.0.1', 65001);
  const peers = ['10.0.0.2', '10.0.0.3', '10.0.0.4'].map((address) => bench.node(address, 65002));
  for (const peer of peers) bench.peer(sender, peer);
  await bench.start(sender, ...peers);
  const written = new Map<string, Uint8Array[]>();
  bench.simulation.trace.onEvent = ({ kind, from, to, bytes }) => {
    if (kind === 'data' && from === '10.0.0.1' && bytes !== undefined)
      written.set(to, [...(written.get(to) ?? []), bytes]);
  };
  sender.speaker.setAnnouncements(
    Array.from({ length: 300 }, (_, index) => ({
      prefix: `10.0.${index & 255}.${index >> 8 === 0 ? 0 : 128}/25`,
      attributes: { multiExitDisc: index % 3 },
    })),
  );
  bench.simulation.run(100);
  const [first, ...others] = peers.map(({ address }) => written.get(address)?.[0]);
  if (first === undefined) throw new Error('nothing was written');
  t.ok(
    others.every((bytes) => bytes === first),
    'one buffer for all',
  );
  const messages: unknown[] = [];
  for (let at = 0; at < first.length; ) {
    const length = ((first[at + 16] ?? 0) << 8) | (first[at + 17] ?? 0);
    const message = decodeMessage(first.subarray(at, at + length));
    messages.push(message.kind === 'update' ? [message.attributes.multiExitDisc, message.nlri.length] : message.kind);
    at += length;
  }
  t.strictSame(messages, [
    [0, 100],
    [1, 100],
    [2, 100],
  ]);
});
