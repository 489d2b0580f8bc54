import t from 'tap';
import { decodeAttributes } from '../../../src/attribute/decode.ts';
import { encodeAttributes } from '../../../src/attribute/encode.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { AttributeStore, trait } from '../../../src/table/attribute-store.ts';
import { ExportEncoder, type ExportView } from '../../../src/table/export-encoder.ts';

const context = { fourOctetAs: true, peerType: 'ibgp' } as const;
const local = Uint8Array.of(10, 0, 0, 1);
const external: ExportView = {
  localAsn: 65000,
  peerType: 'ebgp',
  nextHopAttribute: true,
  localAddress: local,
  nextHopSelf: false,
};
const internal: ExportView = { ...external, peerType: 'ibgp' };
const route: PathAttributes = {
  origin: 'igp',
  asPath: [{ kind: 'sequence', asns: [65001] }],
  nextHop: 0xc000_0201,
  multiExitDisc: 5,
  localPref: 200,
  communities: [7],
  originatorId: 1,
  clusterList: [2],
};

function storeOf(): AttributeStore {
  return new AttributeStore({ asn: 65000, routerId: 9, clusterId: 9 }, () => 0);
}

function sent(attributes: PathAttributes, view: ExportView, traits = 0): PathAttributes | undefined {
  const store = storeOf();
  const encoder = new ExportEncoder();
  if (!encoder.encode(store, store.acquire(encodeAttributes(attributes, context), traits), view)) return undefined;
  const { attributes: decoded, problems } = decodeAttributes(encoder.bytes.slice(0, encoder.size), context);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return decoded;
}

t.test('to another AS', async (t) => {
  const own = {
    asPath: [{ kind: 'sequence', asns: [65000, 65001] }],
    nextHop: 0x0a00_0001,
    communities: [7],
    origin: 'igp',
  };
  t.strictSame(sent(route, external), own, 'path prepended, next hop self, inner attributes left out');
  t.equal(sent(route, external, trait.ownMultiExitDisc)?.multiExitDisc, 5, 'a MULTI_EXIT_DISC of our own goes');
  t.equal(sent(route, external, trait.ownNextHop)?.nextHop, 0xc000_0201, 'a next hop of our own goes');
  t.equal(sent(route, { ...external, nextHopSelf: true }, trait.ownNextHop)?.nextHop, 0x0a00_0001);
  t.strictSame(sent({ ...route, asPath: [] }, external)?.asPath, [{ kind: 'sequence', asns: [65000] }]);
  const set = { kind: 'set', asns: [1, 2] } as const;
  t.strictSame(sent({ ...route, asPath: [set] }, external)?.asPath, [{ kind: 'sequence', asns: [65000] }, set]);
});

t.test('a full segment gets another one in front', async (t) => {
  const full = Array.from({ length: 255 }, (_, index) => index + 1);
  const [first, second] = sent({ ...route, asPath: [{ kind: 'sequence', asns: full }] }, external)?.asPath ?? [];
  t.strictSame(first, { kind: 'sequence', asns: [65000] });
  t.strictSame(second?.asns, full);
  const nearly = sent({ ...route, asPath: [{ kind: 'sequence', asns: full.slice(0, 63) }] }, external)?.asPath;
  t.strictSame(
    nearly,
    [{ kind: 'sequence', asns: [65000, ...full.slice(0, 63)] }],
    'the length field grows to two octets',
  );
});

t.test('inside the AS', async (t) => {
  t.strictSame(sent(route, internal), route, 'as it is');
  const { localPref: _none, ...without } = route;
  t.equal(sent(without, internal)?.localPref, 100, 'LOCAL_PREF is added');
  t.equal(sent(route, { ...internal, nextHopSelf: true })?.nextHop, 0x0a00_0001);
  const { nextHop: _unset, ...bare } = route;
  t.equal(sent(bare, internal)?.nextHop, 0x0a00_0001, 'a route without a next hop gets our address');
});

t.test('attributes stand in order of type', async (t) => {
  const { localPref: _one, nextHop: _two, ...bare } = route;
  const store = storeOf();
  const encoder = new ExportEncoder();
  encoder.encode(store, store.acquire(encodeAttributes(bare, context)), internal);
  t.strictSame(
    encoder.bytes.slice(0, encoder.size),
    encodeAttributes({ ...bare, localPref: 100, nextHop: 0x0a00_0001 }, context),
  );
});

t.test('attributes nobody here knows', async (t) => {
  const value = Uint8Array.of(1, 2);
  const unknown = [
    { type: 200, flags: 0xc0, value },
    { type: 201, flags: 0x80, value },
    { type: 202, flags: 0xe0, value },
  ];
  const expected = [
    { type: 200, flags: 0xe0, value },
    { type: 202, flags: 0xe0, value },
  ];
  t.strictSame(sent({ ...route, unknown }, external)?.unknown, expected, 'transitive ones with Partial, others not');
});

t.test('no next hop to give', async (t) => {
  const { nextHop: _unset, ...bare } = route;
  t.equal(sent(bare, { ...internal, localAddress: undefined }), undefined);
  t.equal(sent(route, { ...external, localAddress: new Uint8Array(16) }), undefined, 'an IPv6 address is no NEXT_HOP');
});
