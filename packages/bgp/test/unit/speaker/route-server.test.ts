import t from 'tap';
import type { PolicyChain } from '../../../src/policy/model.ts';
import { all, Bench, type Node } from './pair.ts';
import { shownAt } from './shown.ts';

const NO_EXPORT = 0xffff_ff01;
/** Clients 65002 and 65003 announce; 65004 does not want routes of 65002. */
const not65002: PolicyChain = {
  name: 'not 65002',
  statements: [{ name: 'of 65002', match: { asPath: ['^65002'] }, verdict: 'reject' }],
  defaultVerdict: 'accept',
};

async function exchange(routeServerClient: true | 'own-view') {
  const bench = new Bench();
  const server = bench.node('10.0.0.1', 65001);
  const clients = [2, 3, 4].map((last) => bench.node(`10.0.0.${last}`, 65000 + last));
  for (const client of clients) {
    const exportPolicy = client.asn === 65004 ? not65002 : all;
    bench.peer(server, client, { routeServerClient, exportPolicy }, {});
  }
  const announce = (client: Node | undefined, attributes: object) =>
    client?.speaker.announce({ prefix: '192.0.2.0/24', attributes });
  announce(clients[0], { multiExitDisc: 7, communities: [NO_EXPORT] });
  announce(clients[1], { asPath: [{ kind: 'sequence', asns: [9] }] });
  await bench.start(server, ...clients);
  const seen = () => clients.map((client) => shownAt('192.0.2.0/24')(client));
  return { bench, clients, seen, announce };
}

t.test('RFC 7947 §2.2: path, next hop, MED and communities are the client’s own', async (t) => {
  const { clients, seen } = await exchange(true);
  t.strictSame(clients[1]?.speaker.paths('192.0.2.0/24').map(({ attributes, nextHop }) => [attributes, nextHop])[1], [
    {
      origin: 'igp',
      asPath: [{ kind: 'sequence', asns: [65002] }],
      nextHop: 0x0a00_0002,
      multiExitDisc: 7,
      communities: [NO_EXPORT],
    },
    '10.0.0.2',
  ]);
  t.equal(seen()[2], undefined, 'without a view of its own the best path hides the other one');
});

t.test('RFC 7947 §2.3.2.1: a view a client', async (t) => {
  const { bench, clients, seen, announce } = await exchange('own-view');
  const paths = () =>
    clients.map(({ speaker }) =>
      speaker.paths('192.0.2.0/24').map(({ attributes }) => attributes.asPath?.[0]?.asns.join(' ')),
    );
  t.strictSame(
    paths(),
    [['', '65003 9'], ['9', '65002'], ['65003 9']].map((each) => each.map((text) => (text === '' ? undefined : text))),
    'who sent the best path gets the second one; who may not have it, too',
  );
  announce(clients[1], { asPath: [{ kind: 'sequence', asns: [9, 9] }] });
  bench.simulation.run(1_000);
  t.equal(seen()[2]?.path, '65003 9 9', 'a path that is not the best one has changed');
  clients[1]?.speaker.withdraw('192.0.2.0/24');
  bench.simulation.run(1_000);
  t.equal(seen()[2], undefined);
  t.strictSame(paths()[0], [undefined]);
});
