import fc from 'fast-check';
import t from 'tap';
import type { ClusterChange } from '../../../src/cluster/model.ts';
import { ClusterStore } from '../../../src/cluster/store.ts';
import { ProxyTable, type TableChange } from '../../../src/proxy/proxy-table.ts';
import { node, service, settings, slice, words } from './fixture.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const store = new ClusterStore();
  const table = new ProxyTable(store, node, settings);
  let changes: TableChange[] = [];
  store.subscribe((turn: readonly ClusterChange[]) => changes.push(table.apply(turn)));
  const now = async () => {
    await turn();
    const entries = changes.flatMap((change) => [...change.entries]);
    const flags = [
      ...new Set(
        changes.flatMap((change) => Object.entries(change).flatMap(([key, value]) => (value === true ? key : []))),
      ),
    ];
    changes = [];
    return { entries: entries.sort(), flags: flags.sort() };
  };
  return { store, table, now };
}

const content = (table: ProxyTable) => ({
  entries: [...table.entries()].map(([key, virtual]) => `${key} ${virtual.service} ${words(virtual)}`).sort(),
  addresses: [...table.held()].map(({ address }) => address.text).sort(),
  healthChecks: table.healthChecks.map((check) => JSON.stringify(check)).sort(),
  problems: table.problems.map(({ text }) => text).sort(),
});

const single = { spec: { clusterIPs: ['10.96.0.10'] } };

t.test('an endpoint changes its own places and nothing else', async (t) => {
  const { store, table, now } = setUp();
  store.set(service('web', single));
  store.set(service('api', { spec: { clusterIPs: ['10.96.0.11'] } }));
  t.same(await now(), { entries: ['tcp 10.96.0.10:80', 'tcp 10.96.0.11:80'], flags: ['places'] });
  store.set(slice('a', 'web', 4, ['5 n1']));
  t.same(await now(), { entries: ['tcp 10.96.0.10:80'], flags: [] });
  store.set(slice('a', 'web', 4, ['5 n1', '6 n2 unready']));
  t.same(await now(), { entries: [], flags: [] }, 'what gets no traffic changes nothing');
  store.delete('Service', 'web', 'shop');
  t.same(await now(), { entries: ['tcp 10.96.0.10:80'], flags: ['places'] });
  t.same(
    [...table.held()].map(({ address }) => address.text),
    ['10.96.0.11'],
  );
});

t.test('one place of two Services: the oldest has it, the other is named, and follows', async (t) => {
  const { store, table, now } = setUp();
  const claim = (name: string, ip: string, created: string) =>
    store.set(service(name, { spec: { clusterIPs: [ip], externalIPs: ['198.51.100.7'] }, created }));
  claim('young', '10.96.0.11', '2026-02-01T00:00:00Z');
  await now();
  t.equal(table.entry('tcp 198.51.100.7:80')?.service, 'shop/young');
  claim('old', '10.96.0.12', '2026-01-01T00:00:00Z');
  t.same(await now(), {
    entries: ['tcp 10.96.0.12:80', 'tcp 198.51.100.7:80'],
    flags: ['places', 'problems'],
  });
  t.equal(table.entry('tcp 198.51.100.7:80')?.service, 'shop/old');
  t.match(table.problems, [
    {
      code: 'vip-conflict',
      text: /^service shop\/young: external IP 198\.51\.100\.7:80 TCP is not served: service shop\/old has it/,
    },
  ]);
  store.delete('Service', 'old', 'shop');
  await now();
  t.equal(table.entry('tcp 198.51.100.7:80')?.service, 'shop/young');
  t.same(table.problems, []);
});

t.test('an external IP cannot take the place of a cluster IP, however old', (t) => {
  const store = new ClusterStore();
  const table = new ProxyTable(store, node, { ...settings, check: () => undefined });
  store.set(
    service('taker', {
      spec: { clusterIPs: ['10.96.0.99'], externalIPs: ['10.96.0.10'] },
      created: '2020-01-01T00:00:00Z',
    }),
  );
  store.set(service('web', { ...single, created: '2026-01-01T00:00:00Z' }));
  table.plan(table.services());
  t.equal(table.entry('tcp 10.96.0.10:80')?.service, 'shop/web');
  t.end();
});

t.test('property: after any events the table is that of a fresh start', async (t) => {
  const names = ['a', 'b', 'c'] as const;
  const word = fc.tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom('n1', 'n2'),
    fc.constantFrom('', ' ending', ' unready', ' zone=a', ' zone=b'),
  );
  const event = fc.oneof(
    fc.record({
      do: fc.constant('service' as const),
      name: fc.constantFrom(...names),
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      external: fc.constantFrom([], ['198.51.100.7'], ['198.51.100.7', '8.8.8.8']),
      policy: fc.constantFrom('Cluster', 'Local'),
      created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
    }),
    fc.record({ do: fc.constant('gone' as const), name: fc.constantFrom(...names) }),
    fc.record({
      do: fc.constant('slice' as const),
      name: fc.constantFrom('s1', 's2', 's3'),
      of: fc.constantFrom(...names),
      family: fc.constantFrom(4 as const, 6 as const),
      endpoints: fc.array(word, { maxLength: 3 }),
    }),
    fc.record({ do: fc.constant('slice-gone' as const), name: fc.constantFrom('s1', 's2', 's3') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(event, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), async (turns) => {
      const { store, table, now } = setUp();
      const told = new Map<string, string>();
      for (const events of turns) {
        for (const one of events) {
          if (one.do === 'service') {
            const number = names.indexOf(one.name) + 1;
            store.set(
              service(one.name, {
                spec: {
                  type: one.type,
                  clusterIPs: [`10.96.0.${number}`, `fd00:96::${number}`],
                  externalIPs: one.external,
                  internalTrafficPolicy: one.policy,
                  externalTrafficPolicy: one.policy,
                  ports: [{ port: 80, ...(one.type !== 'ClusterIP' && { nodePort: 30080 }) }],
                  healthCheckNodePort: 32000 + number,
                },
                created: one.created,
              }),
            );
          } else if (one.do === 'gone') store.delete('Service', one.name, 'shop');
          else if (one.do === 'slice')
            store.set(
              slice(
                one.name,
                one.of,
                one.family,
                one.endpoints.map(([number, on, rest]) => `${number} ${on}${rest}`),
              ),
            );
          else store.delete('EndpointSlice', one.name, 'shop');
        }
        for (const key of (await now()).entries) {
          const virtual = table.entry(key);
          if (virtual) told.set(key, `${virtual.service} ${words(virtual)}`);
          else told.delete(key);
        }
      }
      const fresh = new ProxyTable(store, node, settings);
      fresh.plan(fresh.services());
      t.strictSame(content(table), content(fresh));
      t.strictSame(
        [...told].sort(),
        [...fresh.entries()].map(([key, virtual]) => [key, `${virtual.service} ${words(virtual)}`]).sort(),
        'every change was told',
      );
    }),
    { numRuns: 150 },
  );
});
