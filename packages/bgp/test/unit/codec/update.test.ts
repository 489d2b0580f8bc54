/** UPDATE both ways: properties over generated messages, the scan against the whole decoder, RFC 6793, add-path. */

import fc from 'fast-check';
import t from 'tap';
import { maskAddress, parsePrefix } from '../../../src/address.ts';
import { aigpMetric } from '../../../src/attribute/aigp.ts';
import { type AsPath, asPathLength } from '../../../src/attribute/as-path.ts';
import { decodeAttributes, passOn } from '../../../src/attribute/decode.ts';
import { encodeAttributes } from '../../../src/attribute/encode.ts';
import { origins } from '../../../src/attribute/origin.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { familyKey, type Prefix } from '../../../src/family/model.ts';
import { PrefixCursor } from '../../../src/family/prefix.ts';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../../src/message/message.ts';
import type { UpdateContext, UpdateMessage } from '../../../src/message/model.ts';
import { decodeUpdate, encodeEndOfRib, encodeUpdate } from '../../../src/message/update.ts';
import { endOfRibFamily, judgeUpdate, scanUpdate } from '../../../src/message/update-scan.ts';
import { attributeHex, bytesOf, hexOf, refusal, updateBody } from './hex.ts';

/** fast-check's records have no prototype half of the time; the codec's values always have one. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

const u32 = fc.nat(0xffff_ffff);
const asn = fc.oneof(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffff_ffff }));
const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });

function prefixOf(family: typeof ipv4Unicast | typeof ipv6Unicast): fc.Arbitrary<Prefix> {
  return (
    fc
      .tuple(bytes(family.bits / 8), fc.nat(family.bits))
      .map(([address, length]) => ({
        family: family.key,
        address: maskAddress(address, length),
        length,
      }))
      // fast-check's records have no prototype; the codec's have.
      .map((message) => structuredClone(message))
  );
}

const segment = record({
  kind: fc.constantFrom('sequence', 'set', 'confederation-sequence', 'confederation-set'),
  asns: fc.array(asn, { minLength: 1, maxLength: 20 }),
}) satisfies fc.Arbitrary<AsPath[number]>;

const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 70 });

/** Attributes as a session of four octets inside an AS can carry them. */
const attributes = fc.record(
  {
    multiExitDisc: u32,
    localPref: u32,
    atomicAggregate: fc.constant(true as const),
    aggregator: record({ asn, address: u32 }),
    communities: list(u32),
    originatorId: u32,
    clusterList: list(u32),
    extendedCommunities: list(fc.bigInt(0n, 2n ** 64n - 1n)),
    ipv6ExtendedCommunities: list(bytes(20)),
    aigp: fc.constant([
      { type: 1, value: bytesOf('0000000000000064') },
      { type: 9, value: bytesOf('ab') },
    ]),
    largeCommunities: list(fc.tuple(u32, u32, u32)),
    onlyToCustomer: u32,
    unknown: fc
      .uniqueArray(
        record({
          type: fc.integer({ min: 100, max: 254 }),
          flags: fc.constantFrom(0x80, 0xc0, 0xe0),
          value: bytes(0, 300),
        }),
        { selector: ({ type }) => type, minLength: 1, maxLength: 3 },
      )
      .map((unknown) => unknown.sort((a, b) => a.type - b.type)),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const update = record({
  attributes,
  mandatory: record({
    origin: fc.constantFrom(...origins),
    asPath: fc.array(segment, { maxLength: 4 }),
    nextHop: fc.integer({ min: 0x0100_0000, max: 0xdfff_ffff }),
  }),
  withdrawn: fc.array(prefixOf(ipv4Unicast), { maxLength: 20 }),
  nlri: fc.array(prefixOf(ipv4Unicast), { maxLength: 20 }),
  reach: fc.option(
    record({ nextHop: fc.oneof(bytes(16), bytes(32)), nlri: fc.array(prefixOf(ipv6Unicast), { maxLength: 20 }) }),
  ),
  unreach: fc.option(fc.array(prefixOf(ipv6Unicast), { maxLength: 20 })),
}).map(
  ({ attributes, mandatory, withdrawn, nlri, reach, unreach }): UpdateMessage => ({
    kind: 'update',
    withdrawn,
    attributes: { ...mandatory, ...attributes },
    nlri,
    ...(reach === null ? {} : { mpReach: { family: ipv6Unicast.key, ...reach } }),
    ...(unreach === null ? {} : { mpUnreach: { family: ipv6Unicast.key, nlri: unreach } }),
  }),
);

/** As another member AS of our confederation sends it (RFC 5065 §4.1 c). */
function fromMember(message: UpdateMessage): UpdateMessage {
  const asPath: AsPath = [{ kind: 'confederation-sequence', asns: [65002] }, ...(message.attributes.asPath ?? [])];
  return { ...message, attributes: { ...message.attributes, asPath } };
}

t.test('encode → decode is the same message, in every kind of session', async (t) => {
  const contexts: UpdateContext[] = [
    { ...defaultContext, peerType: 'ibgp' },
    { ...defaultContext, peerType: 'confederation' },
  ];
  fc.assert(
    fc.property(update, fc.constantFrom(...contexts), (any, context) => {
      const message = context.peerType === 'confederation' ? fromMember(any) : any;
      const encoded = encodeUpdate(message, context);
      const { message: decoded, problems } = decodeUpdate(encoded.subarray(19), context);
      t.strictSame(problems, []);
      t.strictSame(decoded, message);
      t.equal(
        hexOf(encodeMessage(decodeMessage(encoded, context), context)),
        hexOf(encoded),
        'canonical: the same bytes',
      );
    }),
    { numRuns: 300 },
  );
});

t.test('through a session of two octets (RFC 6793)', async (t) => {
  const context: UpdateContext = { ...defaultContext, fourOctetAs: false, peerType: 'confederation' };
  fc.assert(
    fc.property(update.map(fromMember), (message) => {
      const path = message.attributes.asPath ?? [];
      const confederation = path.filter(({ kind }) => kind.startsWith('confederation'));
      // AS_TRANS itself, and wide numbers in confederation segments, do not survive: the RFC has no place for them.
      fc.pre(!confederation.some(({ asns }) => asns.some((number) => number > 0xffff)));
      const wide = path.some(({ asns }) => asns.some((number) => number > 0xffff));
      const { message: decoded, problems } = decodeUpdate(encodeUpdate(message, context).subarray(19), context);
      t.strictSame(problems, []);
      t.strictSame(decoded.attributes.aggregator, message.attributes.aggregator);
      const flat = (value: AsPath | undefined) => value?.filter(({ kind }) => !kind.startsWith('confederation'));
      t.strictSame(flat(decoded.attributes.asPath), flat(path));
      if (!wide) t.strictSame(decoded.attributes.asPath, path);
    }),
    { numRuns: 300 },
  );
});

t.test('RFC 6793 §4.2.3: how AS4_PATH is merged', async (t) => {
  const context = { fourOctetAs: false, peerType: 'ebgp' } as const;
  const sequence = (...asns: number[]): AsPath[number] => ({ kind: 'sequence', asns });
  const wide = 4200000001;
  const cases: [title: string, attributes: string, expected: PathAttributes][] = [
    [
      'the leading part of AS_PATH goes before AS4_PATH',
      attributeHex(0x40, 2, '0203fde85ba05ba0') + attributeHex(0xc0, 17, '0202fa56ea010000fde9'),
      { asPath: [sequence(65000), sequence(wide, 65001)] },
    ],
    [
      'a longer AS4_PATH is ignored',
      attributeHex(0x40, 2, '02015ba0') + attributeHex(0xc0, 17, '0202fa56ea010000fde9'),
      { asPath: [sequence(23456)] },
    ],
    [
      'a set counts one',
      attributeHex(0x40, 2, '0201fde8' + '01025ba0fde9') + attributeHex(0xc0, 17, '0102fa56ea010000fde9'),
      { asPath: [sequence(65000), { kind: 'set', asns: [wide, 65001] }] },
    ],
    [
      'AGGREGATOR other than AS_TRANS: both are ignored',
      attributeHex(0x40, 2, '02015ba0') +
        attributeHex(0xc0, 7, 'fde8c0000201') +
        attributeHex(0xc0, 17, '0201fa56ea01') +
        attributeHex(0xc0, 18, 'fa56ea01c0000202'),
      { asPath: [sequence(23456)], aggregator: { asn: 65000, address: 0xc0000201 } },
    ],
    [
      'AGGREGATOR of AS_TRANS',
      attributeHex(0x40, 2, '02015ba0') +
        attributeHex(0xc0, 7, '5ba0c0000201') +
        attributeHex(0xc0, 17, '0201fa56ea01') +
        attributeHex(0xc0, 18, 'fa56ea01c0000201'),
      { asPath: [sequence(wide)], aggregator: { asn: wide, address: 0xc0000201 } },
    ],
    [
      'confederation segments of AS4_PATH are dropped (§6)',
      attributeHex(0x40, 2, '02025ba0fde9') + attributeHex(0xc0, 17, '03010000fdea0202fa56ea010000fde9'),
      { asPath: [sequence(wide, 65001)] },
    ],
  ];
  for (const [title, hex, expected] of cases) {
    const decoded = decodeAttributes(bytesOf(hex), context);
    t.strictSame(decoded.attributes, expected, title);
    t.strictSame(decoded.problems, [], title);
  }
  const confederation = decodeAttributes(
    bytesOf(attributeHex(0x40, 2, '0301fdea02025ba0fde9') + attributeHex(0xc0, 17, '0201fa56ea01')),
    { fourOctetAs: false, peerType: 'confederation' },
  );
  t.strictSame(
    confederation.attributes.asPath,
    [{ kind: 'confederation-sequence', asns: [65002] }, sequence(23456), sequence(wide)],
    'a leading confederation segment stays',
  );
});

t.test('AS4_PATH is made only where it is needed', async (t) => {
  const encode = (asns: number[]) =>
    hexOf(encodeAttributes({ asPath: [{ kind: 'sequence', asns }] }, { fourOctetAs: false, peerType: 'ebgp' }));
  t.equal(encode([65000]), '4002040201fde8');
  t.equal(encode([4200000001]), '40020402015ba0' + 'c011060201fa56ea01');
  const long = encodeAttributes(
    { asPath: [{ kind: 'sequence', asns: new Array<number>(300).fill(1) }] },
    defaultContext,
  );
  t.equal(hexOf(long.subarray(0, 6)), '500204b402ff', 'extended length, and segments of at most 255');
  t.equal(asPathLength(decodeAttributes(long, defaultContext).attributes.asPath ?? []), 300);
});

t.test('the scan finds what the decoder finds', async (t) => {
  const cursor = new PrefixCursor();
  const count = (body: Uint8Array, start: number, end: number, bits: number): number => {
    let prefixes = 0;
    cursor.reset(body, start, end, bits);
    while (cursor.next()) prefixes += 1;
    return prefixes;
  };
  fc.assert(
    fc.property(update, (message) => {
      const body = encodeUpdate(message, defaultContext).subarray(19);
      const spans = scanUpdate(body);
      t.equal(count(body, spans.withdrawnStart, spans.withdrawnEnd, 32), message.withdrawn.length);
      t.equal(count(body, spans.nlriStart, spans.nlriEnd, 32), message.nlri.length);
      t.equal(
        hexOf(spans.attributes),
        hexOf(encodeAttributes(message.attributes, defaultContext)),
        'the key is the attributes alone',
      );
      t.equal(spans.attributes.buffer, body.buffer, 'a view: MP attributes come first');
      t.equal(spans.mpReach !== undefined, message.mpReach !== undefined);
      const decoded = decodeAttributes(spans.attributes, defaultContext);
      t.equal(judgeUpdate(spans, decoded).reaction, undefined);
    }),
    { numRuns: 200 },
  );
});

t.test('the key does not depend on where the MP attributes stand', async (t) => {
  const [origin, path, reach, unreach] = [
    '40010100',
    '400200',
    attributeHex(0x80, 14, `00020110${'20'.repeat(16)}0000`),
    attributeHex(0x80, 15, '00020100'),
  ];
  for (const attributes of [
    [reach, origin, path, unreach],
    [origin, reach, path],
    [origin, unreach, reach, path],
    [origin, path, reach],
  ]) {
    const spans = scanUpdate(updateBody({ attributes: attributes.join('') }));
    t.equal(hexOf(spans.attributes), `${origin}${path}`);
    t.match(spans.mpReach, { family: ipv6Unicast.key });
  }
});

t.test('trailing bits do not matter (RFC 4271 §4.3)', async (t) => {
  const { message } = decodeUpdate(updateBody({ withdrawn: '0cac1f07ff' }), defaultContext);
  t.strictSame(
    message.withdrawn.map(({ address, length }) => [hexOf(address), length]),
    [
      ['ac100000', 12],
      ['fe000000', 7],
    ],
  );
  const cursor = new PrefixCursor();
  fc.assert(
    fc.property(fc.constantFrom(32, 128), bytes(16), fc.nat(128), (bits, address, random) => {
      const length = random % (bits + 1);
      const size = Math.ceil(length / 8);
      const field = Uint8Array.of(length, ...address.subarray(0, size));
      t.ok(cursor.reset(field, 0, field.length, bits).next());
      const words = [cursor.word0, cursor.word1, cursor.word2, cursor.word3].slice(0, bits / 32);
      const read = words.map((word) => word.toString(16).padStart(8, '0')).join('');
      t.equal(read, hexOf(maskAddress(address.subarray(0, bits / 8), length)));
      t.notOk(cursor.next());
    }),
    { numRuns: 500 },
  );
});

t.test('extended length from 256 bytes on', async (t) => {
  const head = (size: number) => {
    const unknown = [{ type: 200, flags: 0xc0, value: new Uint8Array(size) }];
    return hexOf(encodeAttributes({ unknown }, defaultContext).subarray(0, 4));
  };
  t.equal(head(255), 'c0c8ff00');
  t.equal(head(256), 'd0c80100');
});

t.test('add-path (RFC 7911 §3)', async (t) => {
  const context = { ...defaultContext, addPathReceive: [ipv4Unicast.key], addPathSend: [ipv4Unicast.key] };
  const message: UpdateMessage = {
    kind: 'update',
    withdrawn: [{ ...parsePrefix('10.0.0.0/8'), pathId: 7 }],
    attributes: {},
    nlri: [],
  };
  const encoded = encodeUpdate(message, context);
  t.equal(hexOf(encoded.subarray(19)), '0006' + '00000007080a' + '0000');
  t.strictSame(decodeMessage(encoded, context), message);
  t.match(
    refusal(() => decodeUpdate(bytesOf('0004000000070000'), context)),
    { code: 3, subcode: 10 },
  );
});

t.test('End-of-RIB (RFC 4724 §2)', async (t) => {
  for (const { key } of [ipv4Unicast, ipv6Unicast]) {
    t.equal(endOfRibFamily(scanUpdate(encodeEndOfRib(key).subarray(19))), key);
  }
  const vpn = familyKey(1, 128);
  t.equal(endOfRibFamily(scanUpdate(encodeEndOfRib(vpn).subarray(19))), vpn);
  const route = attributeHex(0x80, 15, '0002012020010db8');
  for (const fields of [{ withdrawn: '080a' }, { attributes: '40010100' }, { attributes: route }, { nlri: '080a' }]) {
    t.equal(endOfRibFamily(scanUpdate(updateBody(fields))), undefined);
  }
});

t.test('a family without a decoder passes through as bytes', async (t) => {
  const hex = `40010100400200${attributeHex(0x80, 14, '0019460400000001000202abcd')}`;
  const body = updateBody({ attributes: hex });
  const { message, problems } = decodeUpdate(body, defaultContext);
  t.strictSame(problems, []);
  t.strictSame(message.mpReach, {
    family: familyKey(25, 70),
    nextHop: bytesOf('00000001'),
    nlri: { raw: bytesOf('0202abcd') },
  });
  t.strictSame(decodeMessage(encodeMessage(message)), message);
});

t.test('unknown attributes: RFC 4271 §9', async (t) => {
  const { attributes } = decodeAttributes(
    bytesOf(attributeHex(0xc0, 200, '01') + attributeHex(0x80, 201, '02')),
    defaultContext,
  );
  t.strictSame(passOn(attributes.unknown ?? []), [{ type: 200, flags: 0xe0, value: bytesOf('01') }]);
});

t.test('the Partial bit is never cleared', async (t) => {
  const hex = attributeHex(0xe0, 8, '00010002');
  const { attributes } = decodeAttributes(bytesOf(hex), defaultContext);
  t.strictSame(attributes, { communities: [0x10002], partial: [8] });
  t.equal(hexOf(encodeAttributes(attributes, defaultContext)), hex);
  const merged = attributeHex(0x40, 2, '02015ba0') + attributeHex(0xe0, 17, '0201fa56ea01');
  const path: PathAttributes = { asPath: [{ kind: 'sequence', asns: [4200000001] }] };
  t.strictSame(decodeAttributes(bytesOf(merged), { fourOctetAs: false, peerType: 'ebgp' }).attributes, path);
});

t.test('AIGP: the first metric counts', async (t) => {
  const { attributes } = decodeAttributes(
    bytesOf(attributeHex(0x80, 26, '020004ab01000b000000000000006401000b0000000000000001')),
    defaultContext,
  );
  t.equal(aigpMetric(attributes.aigp ?? []), 100n);
  t.equal(aigpMetric([]), undefined);
});

t.test('what does not fit a message is not sent', async (t) => {
  const nlri = new Array<Prefix>(1100).fill(parsePrefix('10.0.0.0/24'));
  const message: UpdateMessage = { kind: 'update', withdrawn: [], attributes: {}, nlri };
  t.throws(() => encodeUpdate(message, { ...defaultContext, extendedMessages: false }), RangeError);
  t.equal(encodeUpdate(message, defaultContext).length, 19 + 4 + 4 * 1100);
});
