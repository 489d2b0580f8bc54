import fc from 'fast-check';
import t from 'tap';
import { encodeAttributes } from '../../../src/attribute/encode.ts';
import { AttributeStore, NO_ATTRIBUTES } from '../../../src/table/attribute-store.ts';
import { PeerColumn } from '../../../src/table/peer-column.ts';
import { PrefixTable } from '../../../src/table/prefix-table.ts';
import { NO_PATH, RouteTable } from '../../../src/table/route-table.ts';

const identity = { asn: 1, routerId: 1, clusterId: 1 };
const PEERS = 4;
const PREFIXES = 3;

function fixture() {
  const store = new AttributeStore(identity, () => 0);
  const peers = new PeerColumn();
  const numbers = [...Array(PEERS).keys()].map((index) => peers.add(`${index}`, 'ebgp', false));
  const table = new RouteTable(new PrefixTable(1), store, peers);
  const prefixes = [...Array(PREFIXES).keys()].map((index) => table.prefixes.add(index * 256, 0, 0, 0, 24));
  const set = (localPref: number): number =>
    store.acquire(
      encodeAttributes({ origin: 'igp', asPath: [], nextHop: 9, localPref }, { fourOctetAs: true, peerType: 'ibgp' }),
    );
  return { store, table, numbers, prefixes, set };
}

t.test('best path and report of change are those of a model', async (t) => {
  const peer = fc.integer({ min: 0, max: PEERS - 1 });
  const prefix = fc.integer({ min: 0, max: PREFIXES - 1 });
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('set' as const),
      peer,
      prefix,
      localPref: fc.integer({ min: 1, max: 3 }),
      usable: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('remove' as const), peer, prefix }),
    fc.record({ kind: fc.constant('sweep' as const), peer, prefix }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { store, table, numbers, prefixes, set } = fixture();
      const model = new Map<string, { peer: number; localPref: number; usable: boolean }>();
      const bestOf = (of: number): string => {
        const left = [...model]
          .filter(([key, path]) => key.startsWith(`${of} `) && path.usable)
          .map(([, path]) => path)
          .sort((a, b) => b.localPref - a.localPref || a.peer - b.peer)[0];
        return left === undefined ? 'none' : `${left.peer} ${left.localPref}`;
      };
      const actual = (of: number): string => {
        const path = table.best(prefixes[of] ?? -1);
        if (path === NO_PATH) return 'none';
        return `${numbers.indexOf(table.peerOf(path))} ${store.localPreference(table.usableOf(path))}`;
      };
      for (const each of steps) {
        const id = prefixes[each.prefix] ?? -1;
        const from = numbers[each.peer] ?? -1;
        const before = bestOf(each.prefix);
        const key = `${each.prefix} ${each.peer}`;
        let changed = false;
        if (each.kind === 'set') {
          const attributes = set(each.localPref);
          changed = table.setPath(id, from, 0, attributes, each.usable ? attributes : NO_ATTRIBUTES);
          store.release(attributes);
          model.set(key, each);
        } else if (each.kind === 'remove') {
          changed = table.removePath(id, from);
          model.delete(key);
        } else {
          const seen: number[] = [];
          table.sweep(
            { peer: from, generation: 1, age: 1 },
            id,
            id + 1,
            (one) => seen.push(one),
            () => {},
          );
          changed = seen.includes(id);
          model.delete(key);
        }
        if (actual(each.prefix) !== bestOf(each.prefix)) return false;
        if (changed !== (before !== bestOf(each.prefix))) return false;
        const counts = numbers.map((number) => [table.receivedCount(number), table.acceptedCount(number)].join());
        const expected = numbers.map((_, index) => {
          const paths = [...model.values()].filter((path) => path.peer === index);
          return [paths.length, paths.filter(({ usable }) => usable).length].join();
        });
        if (counts.join(' ') !== expected.join(' ')) return false;
      }
      const held = new Set([...model.values()].map(({ localPref }) => localPref));
      return store.size === held.size;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

t.test('a sweep leaves paths of the session at hand, also when the count has gone round', async (t) => {
  for (const [generation, age, path, stays] of [
    [5, 1, 5, true],
    [5, 1, 4, false],
    [5, 2, 4, true],
    [5, 2, 3, false],
    [0, 1, 255, false],
    [255, 1, 0, true],
    [0, -128, 0, false],
  ] as const) {
    const { table, numbers, prefixes, set } = fixture();
    const [peer = 0] = numbers;
    const [prefix = 0] = prefixes;
    const attributes = set(1);
    table.setPath(prefix, peer, path, attributes, attributes);
    table.sweep(
      { peer, generation, age },
      0,
      10,
      () => {},
      () => {},
    );
    t.equal(table.best(prefix) !== NO_PATH, stays, `path of ${path}, sweep of ${age} before ${generation}`);
  }
});

t.test('while selection is deferred nothing is best', async (t) => {
  const { table, numbers, prefixes, set } = fixture();
  const [first = 0, second = 0] = numbers;
  const [prefix = 0] = prefixes;
  table.deferred = true;
  const [low, high] = [set(1), set(2)];
  t.equal(table.setPath(prefix, first, 0, low, low), false);
  t.equal(table.setPath(prefix, second, 0, high, high), false);
  t.equal(table.best(prefix), NO_PATH);
  table.deferred = false;
  table.decide(prefix);
  t.equal(table.peerOf(table.best(prefix)), second);
});
