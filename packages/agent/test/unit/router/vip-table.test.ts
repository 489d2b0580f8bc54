import fc from 'fast-check';
import t from 'tap';
import type { ClusterChange } from '../../../src/cluster/model.ts';
import { ClusterStore } from '../../../src/cluster/store.ts';
import { VipTable } from '../../../src/router/vip-table.ts';
import { service, slice, vipOptions } from './service-fixture.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function setUp(options: Partial<typeof vipOptions> = {}) {
  const store = new ClusterStore();
  const table = new VipTable(store, 'n1', { ...vipOptions, ...options });
  const changes: ReturnType<VipTable['apply']>[] = [];
  store.subscribe((turn: readonly ClusterChange[]) => changes.push(table.apply(turn)));
  /** What is announced and what the changes since the last call were about. */
  const now = async () => {
    await turn();
    return { announced: content(table), changes: changes.splice(0).map(wordsOf) };
  };
  return { store, table, now };
}

const content = (table: VipTable) =>
  [...table.announced].map(([text, { communities }]) => [text, ...communities].join(' ')).sort();
const wordsOf = (change: ReturnType<VipTable['apply']>) =>
  Object.entries(change)
    .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
    .map(([key]) => key)
    .join(' ');

t.test('an address comes and goes with its endpoint', async (t) => {
  const { store, table, now } = setUp();
  store.set(service('web'));
  t.same(await now(), { announced: [], changes: ['wanted'] });
  t.same(table.wanted, ['10.96.0.10'], 'no peer may announce it meanwhile');
  store.set(slice('a', 'web', 4, 'n2'));
  t.same(await now(), { announced: ['10.96.0.10'], changes: ['announced'] });
  store.set(slice('a', 'web', 4, 'n2 unready'));
  t.same(await now(), { announced: [], changes: ['announced'] });
  store.set(slice('a', 'web', 4, 'n2', 'n3'));
  store.set(slice('b', 'web', 4, 'n1'));
  t.same(await now(), { announced: ['10.96.0.10'], changes: ['announced'] });
  store.delete('EndpointSlice', 'a', 'shop');
  t.same(await now(), { announced: ['10.96.0.10'], changes: [''] }, 'the other slice is enough');
  store.delete('EndpointSlice', 'b', 'shop');
  store.delete('Service', 'web', 'shop');
  t.same(await now(), { announced: [], changes: ['announced wanted'] });
  t.same(table.wanted, []);
});

t.test('an address is announced while it is served', async (t) => {
  const store = new ClusterStore();
  const served = new Set<string>();
  const table = new VipTable(store, 'n1', vipOptions, (address) => served.has(address));
  store.set(service('web'));
  store.set(slice('a', 'web', 4, 'n1'));
  await turn();
  table.planAll([]);
  t.same(content(table), []);
  t.same(table.wanted, ['10.96.0.10'], 'no peer may announce it meanwhile');
  served.add('10.96.0.10');
  t.same(table.servedChanged([]), ['10.96.0.10']);
  t.same(content(table), ['10.96.0.10']);
  served.delete('10.96.0.10');
  t.same(table.servedChanged(['10.96.0.10', '10.96.0.99']), ['10.96.0.10']);
  t.same(content(table), []);
});

t.test('a slice that moves to another Service is looked at for both', async (t) => {
  const { store, now } = setUp();
  store.set(service('web'));
  store.set(service('api', { spec: { clusterIPs: ['10.96.0.11'] } }));
  store.set(slice('a', 'web', 4, 'n1'));
  t.same((await now()).announced, ['10.96.0.10']);
  store.set(slice('a', 'api', 4, 'n1'));
  t.same((await now()).announced, ['10.96.0.11']);
});

t.test('B-53: a shared address stays while any of its Services wants it, with the communities of those', async (t) => {
  const { store, now } = setUp();
  const shared = { externalIPs: ['198.51.100.7'], clusterIPs: ['10.96.0.10'] };
  const off = { 'advertise.clusterip': 'false' };
  store.set(service('a', { spec: shared, annotations: { ...off, 'bgp.communities': '65000:1' } }));
  store.set(
    service('b', {
      spec: { ...shared, clusterIPs: ['10.96.0.11'] },
      annotations: { ...off, 'bgp.communities': '65000:2' },
    }),
  );
  store.set(slice('a', 'a', 4, 'n1'));
  store.set(slice('b', 'b', 4, 'n1'));
  const [one, two] = [65000 * 65536 + 1, 65000 * 65536 + 2];
  t.same((await now()).announced, [`198.51.100.7 ${one} ${two}`]);
  store.set(slice('a', 'a', 4));
  t.same((await now()).announced, [`198.51.100.7 ${two}`]);
  store.delete('Service', 'b', 'shop');
  t.same((await now()).announced, []);
  store.set(slice('a', 'a', 4, 'n2'));
  t.same((await now()).announced, [`198.51.100.7 ${one}`]);
});

t.test('T-26: one Service without EndpointSlice, or with bad values, changes nothing for the others', async (t) => {
  const { store, table, now } = setUp();
  store.set(service('good'));
  store.set(slice('g', 'good', 4, 'n1'));
  t.same((await now()).announced, ['10.96.0.10']);
  store.set(service('lonely', { spec: { clusterIPs: ['10.96.0.11'] } }));
  store.set(
    service('bad', {
      spec: { clusterIPs: ['10.96.0.12'], externalIPs: ['8.8.8.8'] },
      annotations: { 'advertise.loadbalancerip': 'maybe', 'bgp.communities': 'x,65000:1' },
    }),
  );
  t.same((await now()).announced, ['10.96.0.10']);
  t.match(table.problems, [
    { code: 'annotation', text: /^service shop\/bad: annotation .*loadbalancerip: got "maybe"/ },
    { code: 'annotation', text: /^service shop\/bad: annotation .*communities at \[0\]: got "x"/ },
    { code: 'vip-refused', text: /^external IP 8\.8\.8\.8 of service shop\/bad is not announced: expected / },
  ]);
  store.set(service('bad', { spec: { clusterIPs: ['10.96.0.12'] } }));
  t.same((await now()).changes, ['problems']);
  t.same(table.problems, []);
});

t.test('B-55: the same again is no change, and what is announced stays the same object', async (t) => {
  const { store, table, now } = setUp();
  store.set(service('web', { annotations: { 'bgp.communities': '65000:1' } }));
  store.set(slice('a', 'web', 4, 'n1'));
  await now();
  const before = table.announced.get('10.96.0.10');
  const { wanted } = table;
  t.same(wordsOf(table.planAll(['10.0.0.1'])), '');
  store.set(slice('a', 'web', 4, 'n1', 'n2'));
  t.same((await now()).changes, [''], 'one more endpoint');
  t.equal(table.announced.get('10.96.0.10'), before);
  t.equal(table.wanted, wanted);
});

t.test('why: the decisions of one Service and of all', async (t) => {
  const { store, table, now } = setUp();
  store.set(service('web'));
  store.set(service('api', { spec: { clusterIPs: ['10.96.0.11'] } }));
  store.set(slice('a', 'api', 4, 'n1'));
  await now();
  t.match(table.decisions('shop/web'), [{ verdict: 'no-endpoint' }]);
  t.equal(table.decisions().length, 2);
  t.same(table.decisions('shop/none'), []);
});

t.test('property: kept up to date is what planning from scratch finds', async (t) => {
  const names = ['a', 'b', 'c'];
  const name = fc.constantFrom(...names);
  const oneService = fc.record({
    name,
    clusterIPs: fc.constantFrom(['10.96.0.10'], ['10.96.0.11', 'fd00:96::a'], []),
    externalIPs: fc.subarray(['198.51.100.7', '198.51.100.8', '8.8.8.8']),
    ingress: fc.subarray([{ ip: '203.0.113.9' }, { ip: '198.51.100.7' }]),
    policy: fc.constantFrom('Local', 'Cluster'),
    annotations: fc.constantFrom(
      {},
      { 'advertise.externalip': 'false' },
      { local: 'true' },
      { 'bgp.communities': '1,2' },
      { 'bgp.communities': 'x' },
    ),
  });
  const oneSlice = fc.record({
    name: fc.constantFrom('x', 'y'),
    of: name,
    family: fc.constantFrom<4 | 6>(4, 6),
    endpoints: fc.subarray(['n1', 'n2', 'n1 unready', 'n2 unready serving terminating', '-']),
  });
  const step = fc.oneof(
    oneService.map((value) => ({ kind: 'service' as const, value })),
    oneSlice.map((value) => ({ kind: 'slice' as const, value })),
    fc.record({
      kind: fc.constant('gone' as const),
      value: fc.record({ name, slice: fc.constantFrom('x', 'y', undefined) }),
    }),
    fc.constant({ kind: 'turn' as const, value: undefined }),
  );
  let announced = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), fc.boolean(), async (steps, asOriginal) => {
      const { store, table, now } = setUp({ advertiseVipsWithoutEndpoints: asOriginal });
      for (const { kind, value } of steps) {
        if (kind === 'service') {
          const { clusterIPs, externalIPs, policy } = value;
          const spec = { clusterIPs, externalIPs, externalTrafficPolicy: policy, internalTrafficPolicy: policy };
          store.set(service(value.name, { spec, annotations: value.annotations, ingress: value.ingress }));
        } else if (kind === 'slice') store.set(slice(value.name, value.of, value.family, ...value.endpoints));
        else if (kind === 'gone') {
          if (value.slice === undefined) store.delete('Service', value.name, 'shop');
          else store.delete('EndpointSlice', value.slice, 'shop');
        } else await turn();
      }
      await now();
      const fresh = new VipTable(store, 'n1', { ...vipOptions, advertiseVipsWithoutEndpoints: asOriginal });
      fresh.planAll([]);
      announced += fresh.announced.size;
      const all = (from: VipTable) => ({
        announced: content(from),
        wanted: from.wanted,
        decisions: from
          .decisions()
          .map(({ service, kind, address, verdict }) => `${service} ${kind} ${address.text} ${verdict}`)
          .sort(),
        problems: from.problems.map(({ text }) => text).sort(),
      });
      t.strictSame(all(table), all(fresh));
      const { announced: again, wanted } = table.planAll([]);
      return again.length === 0 && !wanted && t.passing();
    }),
    { numRuns: 300 },
  );
  t.ok(announced > 100, `${announced} addresses were announced`);
});
