import t from 'tap';
import type { AsPath } from '../../../src/attribute/as-path.ts';
import { decodeAttributes } from '../../../src/attribute/decode.ts';
import { encodeAttributes } from '../../../src/attribute/encode.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { AttributeStore, trait } from '../../../src/table/attribute-store.ts';
import { ExportEncoder, type ExportView } from '../../../src/table/export-encoder.ts';
import { isPrivateAs, withoutPrivateAs } from '../../../src/table/private-as.ts';

const context = { fourOctetAs: true, peerType: 'ibgp' } as const;
const local = Uint8Array.of(10, 0, 0, 1);
const external: ExportView = {
  peerType: 'ebgp',
  prepended: [65000],
  nextHopAttribute: true,
  localAddress: local,
  nextHopSelf: false,
};
const internal: ExportView = { ...external, peerType: 'ibgp', prepended: [] };
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

const sequence = (...asns: number[]) => ({ kind: 'sequence' as const, asns });
const members = (...asns: number[]) => ({ kind: 'confederation-sequence' as const, asns });
const memberSet = (...asns: number[]) => ({ kind: 'confederation-set' as const, asns });
const set = (...asns: number[]) => ({ kind: 'set' as const, asns });

t.test('AS_PATH by kind of peer', async (t) => {
  const confederation: ExportView = { ...internal, peerType: 'confederation', prepended: [64512] };
  const full = new Array<number>(255).fill(64513);
  const cases: [why: string, view: ExportView, before: AsPath, after: AsPath][] = [
    ['RFC 4271 §5.1.2 b 1', external, [sequence(1, 2)], [sequence(65000, 1, 2)]],
    ['RFC 4271 §5.1.2 b 2', external, [set(1, 2)], [sequence(65000), set(1, 2)]],
    ['RFC 4271 §5.1.2 b 3', external, [], [sequence(65000)]],
    ['RFC 4271 §5.1.2 a', internal, [sequence(1, 2)], [sequence(1, 2)]],
    ['RFC 5065 §4 c, to a member: sequence in front', confederation, [sequence(1)], [members(64512), sequence(1)]],
    [
      'RFC 5065 §4 c, into what is there',
      confederation,
      [members(64513), sequence(1)],
      [members(64512, 64513), sequence(1)],
    ],
    ['RFC 5065 §4 c, of our own', confederation, [], [members(64512)]],
    ['RFC 5065 §4 c, behind a full one', confederation, [members(...full)], [members(64512), members(...full)]],
    ['RFC 5065 §4 c, before a set', confederation, [memberSet(64513)], [members(64512), memberSet(64513)]],
    ['RFC 5065 §4 a, inside of the member', internal, [members(64513), sequence(1)], [members(64513), sequence(1)]],
    ['RFC 5065 §4 d, to the outside', external, [members(64513), sequence(1)], [sequence(65000, 1)]],
    [
      'RFC 5065 §4 d, several segments',
      external,
      [members(64513), memberSet(64514), sequence(1)],
      [sequence(65000, 1)],
    ],
    ['RFC 5065 §4 d, of our own', external, [members(64513)], [sequence(65000)]],
    ['RFC 7705 §3.2, local AS', { ...external, prepended: [64999, 65000] }, [sequence(1)], [sequence(64999, 65000, 1)]],
    ['RFC 7705 §3.3, replace', { ...external, prepended: [64999] }, [sequence(1)], [sequence(64999, 1)]],
    ['RFC 7947 §2.2.2.1, route server', { ...external, prepended: [] }, [sequence(1, 2)], [sequence(1, 2)]],
    ['RFC 7947 §2.2.2.1, set', { ...external, prepended: [] }, [set(1, 2)], [set(1, 2)]],
  ];
  t.ok(cases.length > 0);
  for (const [why, view, before, after] of cases)
    t.strictSame(sent({ ...route, asPath: before }, view)?.asPath, after, why);
});

t.test('other attributes by kind of peer', async (t) => {
  const inside = { ...internal, peerType: 'confederation' as const, prepended: [64512] };
  const { originatorId: _one, clusterList: _two, ...noReflection } = route;
  t.strictSame(
    sent(route, inside),
    { ...noReflection, asPath: [members(64512), sequence(65001)] },
    'RFC 5065 §5.2: LOCAL_PREF, MULTI_EXIT_DISC and NEXT_HOP go on between members; RFC 4456 §8: reflection ends',
  );
  t.strictSame(
    sent(route, { ...external, prepended: [], transparent: true }),
    { origin: 'igp', asPath: [sequence(65001)], nextHop: route.nextHop, multiExitDisc: 5, communities: [7] },
    'RFC 7947 §2.2.1, §2.2.3: next hop and MULTI_EXIT_DISC of the client',
  );
  t.equal(sent(route, { ...external, onlyToCustomer: 65000 })?.onlyToCustomer, 65000, 'RFC 9234 §5: OTC is added');
  const marked = { ...route, onlyToCustomer: 7 };
  t.equal(sent(marked, { ...external, onlyToCustomer: 65000 })?.onlyToCustomer, 7, 'RFC 9234 §5: OTC stays as it is');
  t.equal(sent(marked, external)?.onlyToCustomer, 7, 'transitive without a role');
  const unknown = [{ type: 200, flags: 0xe0, value: Uint8Array.of(1) }];
  const store = storeOf();
  const encoder = new ExportEncoder();
  encoder.encode(store, store.acquire(encodeAttributes({ ...route, unknown }, context)), {
    ...internal,
    onlyToCustomer: 65000,
  });
  t.strictSame(
    encoder.bytes.slice(0, encoder.size),
    encodeAttributes({ ...route, unknown, onlyToCustomer: 65000 }, context),
    'in order of type',
  );
});

t.test('RFC 4360 §6: extended communities that are not transitive stay in the AS', async (t) => {
  const inner = 0x4004_fde9_4b3e_bc20n;
  const many = Array.from({ length: 40 }, (_, index) => 0x0002_0000_0000_0000n + BigInt(index));
  const cases: [view: ExportView, before: bigint[], after: bigint[] | undefined][] = [
    [external, [1n, inner, 2n], [1n, 2n]],
    [external, [inner], undefined],
    [external, [...many, inner], many],
    [external, [...many.slice(0, 31), inner], many.slice(0, 31)],
    [internal, [1n, inner, 2n], [1n, inner, 2n]],
    [{ ...internal, peerType: 'confederation', prepended: [64512] }, [inner], [inner]],
    [{ ...external, transparent: true }, [inner], [inner]],
  ];
  t.ok(cases.length > 0);
  for (const [view, extendedCommunities, after] of cases) {
    const out = sent({ ...route, extendedCommunities, largeCommunities: [[1, 2, 3]] }, view);
    t.strictSame(out?.extendedCommunities, after, `${view.peerType} ${extendedCommunities.length}`);
    t.strictSame(out?.largeCommunities, [[1, 2, 3]], 'what stands behind is whole');
  }
});

t.test('AS numbers for private use (RFC 6996) on the way out', async (t) => {
  const view = (mode: 'all' | 'replace'): ExportView => ({
    ...external,
    rewriteAsPath: (path) => withoutPrivateAs(path, mode, 65000, 64600),
  });
  const before = [sequence(64512, 1, 65534, 64600), set(4_200_000_000, 2), sequence(4_294_967_294)];
  t.strictSame(sent({ ...route, asPath: before }, view('all'))?.asPath, [sequence(65000, 1, 64600), set(2)]);
  t.strictSame(sent({ ...route, asPath: before }, view('replace'))?.asPath, [
    sequence(65000, 65000, 1, 65000, 64600),
    set(65000, 2),
    sequence(65000),
  ]);
  const edges = [64_511, 64_512, 65_534, 65_535, 4_199_999_999, 4_200_000_000, 4_294_967_294, 4_294_967_295];
  t.strictSame(edges.filter(isPrivateAs), [64_512, 65_534, 4_200_000_000, 4_294_967_294], 'RFC 6996 §5');
});
