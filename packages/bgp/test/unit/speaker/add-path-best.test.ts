/** RFC 7911 with a number of the best paths: a peer whose own are among them gets as many others as everybody else. */
import fc from 'fast-check';
import t from 'tap';
import { familyKey } from '../../../src/family/model.ts';
import { all, Bench, type Node } from './pair.ts';
import { listen, updatesOf } from './wire.ts';

const PREFIX = '192.0.2.0/24';

/** What each client was told, the best first: by LOCAL_PREF, which differs. */
function told({ speaker }: Node, prefix = PREFIX): (number | undefined)[] {
  return speaker
    .paths(prefix)
    .filter(({ fromType }) => fromType !== 'local')
    .map(({ attributes }) => attributes.localPref)
    .sort((a, b) => (b ?? 0) - (a ?? 0));
}

const ofClient = (send: number) => ({ routeReflectorClient: true, addPath: { send, receive: true } });

/** A reflector and clients, all of one group of peers, with `send` best paths. */
async function reflection(count: number, send: number, seed = 1, windowBytes?: number) {
  const bench = new Bench(seed, windowBytes);
  const reflector = bench.node('10.0.0.1', 65000);
  const clients = Array.from({ length: count }, (_, index) => bench.node(`10.0.0.${index + 2}`, 65000));
  for (const client of clients) {
    bench.peer(reflector, client, ofClient(send), { addPath: { send: true, receive: true } });
  }
  await bench.start(reflector, ...clients);
  return { bench, reflector, clients };
}

const announce = ({ speaker }: Node, localPref: number, prefix = PREFIX): void =>
  speaker.announce({ prefix, attributes: { localPref } });

t.test('the best two of four clients', async (t) => {
  const { bench, reflector, clients } = await reflection(4, 2);
  const view = () => clients.map((client) => told(client));
  for (const [index, client] of clients.entries()) announce(client, 400 - 100 * index);
  bench.simulation.run(1000);
  t.strictSame(view(), [
    [300, 200],
    [400, 200],
    [400, 300],
    [400, 300],
  ]);
  const sent = () => reflector.speaker.peers().map(({ prefixesSent }) => prefixesSent);
  t.strictSame(sent(), [2, 2, 2, 2]);

  clients[0]?.speaker.withdraw(PREFIX);
  bench.simulation.run(1000);
  t.strictSame(
    view(),
    [
      [300, 200],
      [200, 100],
      [300, 100],
      [300, 200],
    ],
    'the next rank moves up',
  );
  t.strictSame(sent(), [2, 2, 2, 2]);

  if (clients[3] !== undefined) announce(clients[3], 500);
  bench.simulation.run(1000);
  t.strictSame(
    view(),
    [
      [500, 300],
      [500, 200],
      [500, 300],
      [300, 200],
    ],
    'and down',
  );

  const [asks] = clients;
  if (asks === undefined) return;
  const messages = listen(bench, reflector, asks);
  asks.speaker.refresh(reflector.address);
  bench.simulation.run(1000);
  const updates = updatesOf(messages, { addPathReceive: [familyKey(1, 1)] });
  t.strictSame([updates.length, updates.flatMap(({ withdrawn }) => withdrawn)], [2, []], 'and nothing of the others');
  t.strictSame(view()[0], [500, 300], 'a refresh says the same');
  reflector.speaker.removePeer('10.0.0.5');
  bench.simulation.run(1000);
  t.strictSame(view().slice(0, 3), [[300, 200], [200], [300]]);
  t.strictSame(sent(), [2, 1, 1]);
});

t.test('clients that change their group one by one', async (t) => {
  const { bench, reflector, clients } = await reflection(4, 2);
  for (const [index, client] of clients.entries()) announce(client, 400 - 100 * index);
  bench.simulation.run(1000);
  const before = clients.map((client) => told(client));
  for (let moved = 1; moved <= clients.length; moved++) {
    const peers = clients.map(({ address }, index) => ({
      address,
      asn: 65000,
      localAddress: reflector.address,
      ...ofClient(2),
      ...(index >= clients.length - moved && { exportPolicy: { ...all, name: 'others' } }),
    }));
    reflector.speaker.setPeers(peers);
    bench.simulation.run(1000);
    t.strictSame(
      clients.map((client) => told(client)),
      before,
      `the last ${moved}`,
    );
  }
  t.ok(reflector.speaker.peers().every(({ established }) => established === 1));
});

t.test('one client with routes is alone in the group', async (t) => {
  const { bench, reflector, clients } = await reflection(1, 1);
  const other = bench.node('10.0.1.1', 65000);
  bench.peer(reflector, other);
  await bench.start(other);
  if (clients[0] !== undefined) announce(clients[0], 300);
  announce(other, 200);
  bench.simulation.run(5000);
  t.strictSame(
    clients.map((client) => told(client)),
    [[200]],
  );
});

t.test('a client that has several of the best', async (t) => {
  const bench = new Bench();
  const reflector = bench.node('10.0.0.1', 65000);
  const client = bench.node('10.0.0.2', 65000);
  const quiet = bench.node('10.0.0.3', 65000);
  const sources = [4, 5, 6, 7].map((index) => bench.node(`10.0.0.${index}`, 65000 + index));
  const addPath = { send: 2, receive: true };
  for (const each of [client, quiet])
    bench.peer(reflector, each, { routeReflectorClient: true, addPath }, { addPath: { ...addPath, send: true } });
  const [a, b, c, d] = sources;
  if (a === undefined || b === undefined || c === undefined || d === undefined) return;
  for (const source of [a, b]) bench.peer(client, source);
  for (const source of [c, d]) bench.peer(reflector, source);
  await bench.start(reflector, client, quiet, ...sources);
  for (const [index, source] of sources.entries()) {
    const asPath = [{ kind: 'sequence' as const, asns: new Array<number>(index + 1).fill(64_000) }];
    source.speaker.announce({ prefix: PREFIX, attributes: { asPath } });
  }
  bench.simulation.run(5000);
  const hops = ({ speaker }: Node) =>
    speaker
      .paths(PREFIX)
      .filter(({ from }) => from === reflector.address)
      .map(({ nextHop }) => nextHop)
      .sort();
  t.strictSame(hops(quiet), ['10.0.0.4', '10.0.0.5'], 'both of the client');
  t.strictSame(hops(client), ['10.0.0.6', '10.0.0.7'], 'two that are not its own');
});

t.test('whatever comes and goes, each has the best of the others', async (t) => {
  const step = fc.record({
    client: fc.integer({ min: 0, max: 4 }),
    prefix: fc.integer({ min: 0, max: 2 }),
    rank: fc.option(fc.integer({ min: 0, max: 9 })),
    ms: fc.constantFrom(0, 1, 500),
    leaves: fc.constantFrom(true, false, false, false),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(1, 65_536),
      fc.integer(),
      async (steps, send, windowBytes, seed) => {
        const { bench, reflector, clients } = await reflection(5, send, seed, windowBytes);
        const model = new Map<string, number>();
        for (const { client, prefix, rank, ms, leaves } of steps) {
          const node = clients[client];
          const name = `192.0.${prefix}.0/24`;
          if (node === undefined) continue;
          if (leaves) {
            reflector.speaker.removePeer(node.address);
            reflector.speaker.addPeer({
              address: node.address,
              asn: 65000,
              localAddress: '10.0.0.1',
              ...ofClient(send),
            });
          }
          if (rank === null) {
            node.speaker.withdraw(name);
            model.delete(`${client} ${name}`);
          } else {
            // No two are equal.
            const localPref = 100 + rank * 10 + client;
            announce(node, localPref, name);
            model.set(`${client} ${name}`, localPref);
          }
          bench.simulation.run(ms);
        }
        bench.simulation.run(60_000);
        for (const name of ['192.0.0.0/24', '192.0.1.0/24', '192.0.2.0/24']) {
          for (const [index, node] of clients.entries()) {
            const others = [...model].filter(([key]) => key.endsWith(` ${name}`) && !key.startsWith(`${index} `));
            const expected = others.map(([, localPref]) => localPref).sort((a, b) => b - a);
            t.strictSame(told(node, name), expected.slice(0, send), `${name} at ${node.address}, best ${send}`);
          }
        }
        for (const node of clients) {
          const sent = reflector.speaker.peers().find(({ address }) => address === node.address)?.prefixesSent;
          t.equal(sent, node.speaker.peers()[0]?.prefixesReceived);
        }
      },
    ),
    { numRuns: 60 },
  );
});
