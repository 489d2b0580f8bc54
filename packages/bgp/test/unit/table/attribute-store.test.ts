import t from 'tap';
import { encodeAttributes } from '../../../src/attribute/encode.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { factFlag } from '../../../src/table/attribute-facts.ts';
import { AttributeStore, NO_ATTRIBUTES, trait } from '../../../src/table/attribute-store.ts';
import { appendNextHop, decodeStored, encodeStored } from '../../../src/table/stored-attributes.ts';

const context = { fourOctetAs: true, peerType: 'ibgp' } as const;
const identity = { asn: 65000, routerId: 0x0a00_0001, clusterId: 0x0a00_0009 };
const base: PathAttributes = {
  origin: 'igp',
  asPath: [{ kind: 'sequence', asns: [65001, 65002] }],
  nextHop: 0xc000_0201,
};

function storeOf(cost: (address: string) => number = () => 0): AttributeStore {
  return new AttributeStore(identity, (bytes, at, size) => cost([...bytes.subarray(at, at + size)].join('.')));
}

t.test('equal bytes are one set, held as often as it was taken', async (t) => {
  const store = storeOf();
  const first = store.acquire(encodeAttributes(base, context));
  t.equal(store.acquire(encodeAttributes(base, context)), first);
  t.not(store.acquire(encodeAttributes(base, context), trait.external), first, 'other traits are another set');
  t.equal(store.acquireKnown(encodeAttributes({ ...base, origin: 'egp' }, context), 0), NO_ATTRIBUTES);
  t.equal(store.size, 2);
  store.release(first);
  t.equal(store.acquireKnown(encodeAttributes(base, context), 0), first);
  store.release(first);
  store.release(first);
  t.equal(store.size, 1);
  t.equal(store.acquireKnown(encodeAttributes(base, context), 0), NO_ATTRIBUTES, 'forgotten when nobody holds it');
});

t.test('many sets come and go, the bytes stay right', async (t) => {
  const store = storeOf();
  const block = (med: number) =>
    encodeAttributes(
      { ...base, multiExitDisc: med, communities: Array.from({ length: med % 70 }, (_, each) => each) },
      context,
    );
  const ids = new Map<number, number>();
  for (let med = 0; med < 4000; med++) {
    ids.set(med, store.acquire(block(med)));
    const gone = Math.floor(med / 2);
    const id = ids.get(gone);
    if (med % 3 !== 0 || id === undefined) continue;
    store.release(id);
    ids.delete(gone);
  }
  t.equal(store.size, ids.size);
  t.ok([...ids].every(([med, id]) => Buffer.compare(store.bytesOf(id), block(med)) === 0));
  t.ok([...ids].every(([med, id]) => store.multiExitDiscriminator(id) === med));
});

t.test('facts', async (t) => {
  const cases: [string, PathAttributes, (store: AttributeStore, id: number) => unknown, unknown][] = [
    ['AS path length', base, (store, id) => store.asPathLength(id), 2],
    [
      'an AS_SET counts one',
      {
        ...base,
        asPath: [
          { kind: 'sequence', asns: [1, 2] },
          { kind: 'set', asns: [3, 4, 5] },
        ],
      },
      (store, id) => store.asPathLength(id),
      3,
    ],
    ['neighbour AS', base, (store, id) => store.neighborAs(id), 65001],
    ['no neighbour AS', { ...base, asPath: [] }, (store, id) => store.neighborAs(id), 0],
    ['default LOCAL_PREF', base, (store, id) => store.localPreference(id), 100],
    ['LOCAL_PREF', { ...base, localPref: 4_000_000_000 }, (store, id) => store.localPreference(id), 4_000_000_000],
    [
      'own AS in the path',
      { ...base, asPath: [{ kind: 'sequence', asns: [1, 65000] }] },
      (s, id) => s.isEligible(id),
      false,
    ],
    ['own ORIGINATOR_ID', { ...base, originatorId: identity.routerId }, (s, id) => s.isEligible(id), false],
    ['another ORIGINATOR_ID', { ...base, originatorId: 7 }, (s, id) => [s.isEligible(id), s.originator(id)], [true, 7]],
    ['no ORIGINATOR_ID', base, (s, id) => s.originator(id), undefined],
    ['own cluster', { ...base, clusterList: [1, identity.clusterId] }, (s, id) => s.isEligible(id), false],
    [
      'other clusters',
      { ...base, clusterList: [1, 2] },
      (s, id) => [s.isEligible(id), s.clusterListLength(id)],
      [true, 2],
    ],
    [
      'NO_EXPORT',
      { ...base, communities: [1, 0xffff_ff01] },
      (s, id) => s.flagsOf(id) & ~factFlag.hasNextHop,
      factFlag.noExport,
    ],
    [
      'NO_ADVERTISE',
      { ...base, communities: [0xffff_ff02] },
      (s, id) => s.flagsOf(id) & ~factFlag.hasNextHop,
      factFlag.noAdvertise,
    ],
  ];
  for (const [name, attributes, read, expected] of cases) {
    const store = storeOf();
    t.strictSame(read(store, store.acquire(encodeAttributes(attributes, context))), expected, name);
  }
  const unreachable = storeOf((address) => (address === '192.0.2.1' ? -1 : 7));
  t.equal(unreachable.isEligible(unreachable.acquire(encodeAttributes(base, context))), false, 'unreachable next hop');
  const far = unreachable.acquire(encodeAttributes({ ...base, nextHop: 1 }, context));
  t.equal(unreachable.interiorCost(far), 7);
});

t.test('the stored form of an MP family has the next hop behind the attributes', async (t) => {
  const { nextHop: _none, ...attributes } = base;
  const nextHop = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const stored = encodeStored(base, nextHop);
  t.strictSame(stored, appendNextHop(encodeAttributes(attributes, context), nextHop), 'NEXT_HOP itself is left out');
  t.strictSame(decodeStored(stored), { attributes, nextHop });
  t.strictSame(decodeStored(encodeStored(base)), { attributes: base, nextHop: Uint8Array.of(192, 0, 2, 1) });
});
