import fc from 'fast-check';
import t from 'tap';
import { formatPrefix } from '../../../src/address.ts';
import { familyKey } from '../../../src/family/model.ts';
import type { AddPathOptions, Announcement } from '../../../src/speaker/api.ts';
import { Bench, type Node } from './pair.ts';
import { listen, updatesOf } from './wire.ts';

const ipv4 = familyKey(1, 1);
const PREFIX = '192.0.2.0/24';

/** The next hops of all paths that a node knows of a prefix. */
function paths({ speaker }: Node, prefix = PREFIX): string[] {
  return speaker
    .paths(prefix)
    .map(({ nextHop }) => nextHop)
    .sort();
}

/** Three neighbours with a route each for the same prefix, a hub that knows all three, and one that listens to the hub. */
async function star(hub: AddPathOptions | undefined, listener: AddPathOptions | undefined) {
  const bench = new Bench();
  const middle = bench.node('10.0.0.1', 65000);
  const sources = [2, 3, 4].map((index) => bench.node(`10.0.0.${index}`, 65000 + index));
  const ear = bench.node('10.0.0.9', 65000);
  for (const [index, source] of sources.entries()) {
    bench.peer(middle, source);
    const asPath = [{ kind: 'sequence' as const, asns: new Array<number>(index + 1).fill(64_000 + index) }];
    source.speaker.announce({ prefix: PREFIX, attributes: { asPath } });
  }
  const of = (addPath: AddPathOptions | undefined) => (addPath === undefined ? {} : { addPath });
  bench.peer(middle, ear, of(hub), of(listener));
  await bench.start(middle, ...sources, ear);
  return { bench, middle, sources, ear };
}

const both: AddPathOptions = { send: true, receive: true };
const first = ['10.0.0.2'];
const two = ['10.0.0.2', '10.0.0.3'];
const three = ['10.0.0.2', '10.0.0.3', '10.0.0.4'];

/** RFC 7911 §4 (who sends identifiers to whom), §3 (paths beside each other): hub's option, listener's option, paths there. */
const modes: readonly [string, AddPathOptions | undefined, AddPathOptions | undefined, readonly string[]][] = [
  ['neither side', undefined, undefined, first],
  ['the hub sends, the listener does not receive', { send: true }, undefined, first],
  ['the hub sends, the listener only sends', { send: true }, { send: true }, first],
  ['the listener receives, the hub does not send', { receive: true }, both, first],
  ['all', { send: true }, { receive: true }, three],
  ['all, both ways', both, both, three],
  ['the best one', { send: 1 }, { receive: true }, first],
  ['the best two', { send: 2 }, { receive: true }, two],
  ['more than there are', { send: 7 }, { receive: true }, three],
];

t.test('RFC 7911 §4: modes', async (t) => {
  t.not(modes.length, 0);
  for (const [name, hub, listener, expected] of modes) {
    const { ear } = await star(hub, listener);
    t.strictSame(paths(ear), expected, name);
    const ids = ear.speaker.paths(PREFIX).map(({ pathId }) => pathId);
    if (expected.length === 1 && hub?.send === undefined) t.strictSame(ids, [undefined]);
    if (expected.length > 1) t.equal(new Set(ids).size, expected.length, `${name}: each has its own identifier`);
  }
});

t.test('RFC 7911 §2: the identifier stays while the path does, a withdrawal names it', async (t) => {
  const { bench, middle, sources, ear } = await star({ send: true }, { receive: true });
  const idOf = (nextHop: string) => ear.speaker.paths(PREFIX).find((path) => path.nextHop === nextHop)?.pathId;
  const before = three.map(idOf);
  t.equal(middle.speaker.peers().find(({ address }) => address === ear.address)?.prefixesSent, 3);

  sources[1]?.speaker.announce({ prefix: PREFIX, attributes: { multiExitDisc: 5 } });
  bench.simulation.run(1000);
  t.strictSame(three.map(idOf), before, 'other attributes, the same path');
  t.equal(ear.speaker.bestPath(PREFIX)?.nextHop, '10.0.0.3', 'and the best one now');

  const messages = listen(bench, middle, ear);
  sources[0]?.speaker.withdraw(PREFIX);
  bench.simulation.run(1000);
  t.strictSame(paths(ear), ['10.0.0.3', '10.0.0.4']);
  t.strictSame(idOf('10.0.0.4'), before[2]);
  const told = updatesOf(messages, { addPathReceive: [ipv4] }).map(({ withdrawn, nlri }) => {
    return [withdrawn.map((prefix) => [formatPrefix(prefix), prefix.pathId]), nlri];
  });
  t.strictSame(told, [[[[PREFIX, before[0]]], []]], 'one withdrawal, of that path, and nothing else');
});

t.test('RFC 7911 §5: nobody gets his own path back, the others get it', async (t) => {
  const bench = new Bench();
  const reflector = bench.node('10.0.0.1', 65000);
  const clients = [2, 3, 4].map((index) => bench.node(`10.0.0.${index}`, 65000));
  for (const client of clients) {
    bench.peer(reflector, client, { routeReflectorClient: true, addPath: both }, { addPath: both });
    client.speaker.announce({ prefix: PREFIX });
  }
  await bench.start(reflector, ...clients);
  for (const [index, client] of clients.entries()) {
    const others = three.filter((_, each) => each !== index);
    t.strictSame(paths(client), ['0.0.0.0', ...others], client.address);
  }
  const sent = reflector.speaker.peers().map(({ prefixesSent }) => prefixesSent);
  t.strictSame(sent, [2, 2, 2]);
  for (const client of clients) client.speaker.refresh(reflector.address);
  bench.simulation.run(1000);
  const received = clients.map(({ speaker }) => speaker.peers()[0]?.prefixesReceived);
  t.strictSame(received, [2, 2, 2], 'not by a refresh either');
  clients[0]?.speaker.withdraw(PREFIX);
  bench.simulation.run(1000);
  t.strictSame(
    clients.map((client) => paths(client).length),
    [2, 2, 2],
  );
  t.strictSame(paths(reflector), ['10.0.0.3', '10.0.0.4']);
});

t.test('IPv6, with and without path identifiers in one session pair', async (t) => {
  const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
  const prefix = '2001:db8::/32';
  const bench = new Bench();
  const middle = bench.node('10.0.0.1', 65000);
  const sources = [2, 3].map((index) => bench.node(`10.0.0.${index}`, 65000 + index));
  const ear = bench.node('10.0.0.8', 65000);
  const plain = bench.node('10.0.0.9', 65000);
  for (const [index, source] of sources.entries()) {
    bench.peer(middle, source, { families });
    source.speaker.announce({ prefix, nextHop: `fd00::${index + 2}` });
  }
  bench.peer(middle, ear, { families, addPath: { send: true } }, { families, addPath: { receive: true } });
  bench.peer(middle, plain, { families });
  await bench.start(middle, ...sources, ear, plain);
  t.strictSame(paths(ear, prefix), ['fd00::2', 'fd00::3']);
  t.strictSame(paths(plain, prefix), ['fd00::2']);
  sources[0]?.speaker.withdraw(prefix);
  bench.simulation.run(1000);
  t.strictSame(paths(ear, prefix), ['fd00::3']);
  t.strictSame(paths(plain, prefix), ['fd00::3']);
});

t.test('what no peer can have', async (t) => {
  const { speaker } = new Bench().node('10.0.0.1', 65000);
  for (const send of [0, -1, 1.5]) {
    t.throws(() => speaker.addPeer({ address: '10.0.0.2', asn: 65002, addPath: { send } }), /10.0.0.2: addPath.send/);
  }
  t.throws(() => speaker.addPeer({ address: '10.0.0.2', asn: 65002, nextHopAddresses: ['fd00::g'] }), /fd00::g/);
  t.strictSame(speaker.peers(), []);
});

t.test('a session that ends takes all its paths', async (t) => {
  const { bench, middle, ear } = await star({ send: true }, { receive: true });
  middle.speaker.removePeer(ear.address);
  bench.simulation.run(1000);
  t.strictSame(paths(ear), []);
  middle.speaker.addPeer({ address: ear.address, asn: 65000, addPath: { send: 2 } });
  bench.simulation.settle();
  t.strictSame(paths(ear), two, 'and it comes back with fewer');
});

t.test('another export policy moves the peer without a reset, under the same identifiers', async (t) => {
  const { bench, middle, ear } = await star({ send: true }, { receive: true });
  const ids = () =>
    ear.speaker
      .paths(PREFIX)
      .map(({ pathId }) => pathId ?? 0)
      .sort((a, b) => a - b);
  const before = ids();
  const policy = {
    name: 'marked',
    statements: [{ name: 'mark', match: {}, actions: [{ kind: 'set-med' as const, value: 9 }] }],
    defaultVerdict: 'accept' as const,
  };
  middle.speaker.setPolicy({ importPolicy: { ...policy, statements: [] }, exportPolicy: policy });
  bench.simulation.run(1000);
  t.strictSame(ids(), before);
  t.strictSame(
    ear.speaker.paths(PREFIX).map(({ attributes }) => attributes.multiExitDisc),
    [9, 9, 9],
  );
  t.equal(
    middle.speaker.peers().every(({ established }) => established === 1),
    true,
  );
});

t.test('a peer that takes nothing for a while has the same paths in the end as one that does', async (t) => {
  const step = fc.record({
    source: fc.integer({ min: 0, max: 2 }),
    prefix: fc.integer({ min: 0, max: 3 }),
    med: fc.option(fc.integer({ min: 0, max: 2 })),
    ms: fc.constantFrom(0, 1, 500),
  });
  const send = fc.constantFrom<true | number>(true, 1, 2);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), send, fc.integer(), async (steps, limit, seed) => {
      const bench = new Bench(seed, 1);
      const middle = bench.node('10.0.0.1', 65000);
      const sources = [2, 3, 4].map((index) => bench.node(`10.0.0.${index}`, 65000 + index));
      const ears = [8, 9].map((index) => bench.node(`10.0.0.${index}`, 65000));
      for (const source of sources) bench.peer(middle, source);
      for (const ear of ears) bench.peer(middle, ear, { addPath: { send: limit } }, { addPath: { receive: true } });
      await bench.start(middle, ...sources, ...ears);
      const prefixes = [...Array(4).keys()].map((index) => `192.0.${index}.0/24`);
      for (const { source, prefix, med, ms } of steps) {
        const speaker = sources[source]?.speaker;
        const route: Announcement = { prefix: prefixes[prefix] ?? '', attributes: { multiExitDisc: med ?? 0 } };
        if (med === null) speaker?.withdraw(route.prefix);
        else speaker?.announce(route);
        bench.simulation.run(ms);
      }
      bench.simulation.run(5000);
      for (const prefix of prefixes) {
        const known = paths(middle, prefix);
        const expected = limit === true ? known : middle.speaker.paths(prefix).length;
        for (const ear of ears) {
          const there = paths(ear, prefix);
          if (limit === true) t.strictSame(there, expected);
          else t.equal(there.length, Math.min(limit, known.length), `${prefix} of ${limit}`);
          const best = middle.speaker.bestPath(prefix)?.nextHop;
          if (best !== undefined) t.ok(there.includes(best), 'the best path is one of them');
        }
      }
    }),
    { numRuns: 25 },
  );
});
