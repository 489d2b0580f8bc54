/** RFC 7606 (and the RFCs it defers to): attribute × defect → reaction. One row a rule; bytes written by hand. */

import t from 'tap';
import type { PeerType } from '../../../src/attribute/descriptor.ts';
import { describeProblem } from '../../../src/attribute/problem.ts';
import { attributeDescriptors } from '../../../src/attribute/registry.ts';
import { BgpError, type Defect, type Reaction } from '../../../src/errors.ts';
import { attributeType, nameOf } from '../../../src/iana.ts';
import { defaultContext } from '../../../src/message/message.ts';
import { decodeUpdate } from '../../../src/message/update.ts';
import { updateError } from '../../../src/message/update-scan.ts';
import { attributeHex, bytesOf, hexOf, refusal, updateBody } from './hex.ts';

const { origin, asPath, nextHop, multiExitDisc, localPref, atomicAggregate, aggregator } = attributeType;
const { communities, originatorId, clusterList, extendedCommunities, as4Path, as4Aggregator } = attributeType;
const { mpReachNlri, mpUnreachNlri, ipv6ExtendedCommunities, aigp, largeCommunities, onlyToCustomer } = attributeType;

/** A good value of every attribute; NLRI and MP attributes of documentation prefixes. */
const good = new Map<number, readonly [flags: number, value: string]>([
  [origin, [0x40, '00']],
  [asPath, [0x40, '02010000fde8']],
  [nextHop, [0x40, 'c0000201']],
  [multiExitDisc, [0x80, '00000001']],
  [localPref, [0x40, '00000064']],
  [atomicAggregate, [0x40, '']],
  [aggregator, [0xc0, '0000fde8c0000201']],
  [communities, [0xc0, 'fde80001']],
  [originatorId, [0x80, 'c0000201']],
  [clusterList, [0x80, 'c0000201']],
  [mpReachNlri, [0x80, `0002011020010db8${'00'.repeat(11)}01002020010db8`]],
  [mpUnreachNlri, [0x80, '0002012020010db9']],
  [extendedCommunities, [0xc0, '0002fde800000001']],
  [as4Path, [0xc0, '02010000fde8']],
  [as4Aggregator, [0xc0, '0000fde8c0000201']],
  [ipv6ExtendedCommunities, [0xc0, `0002${'00'.repeat(18)}`]],
  [aigp, [0x80, '01000b0000000000000001']],
  [largeCommunities, [0xc0, '000000010000000200000003']],
  [onlyToCustomer, [0xc0, '0000fde8']],
]);

function goodHex(type: number): string {
  const [flags, value] = good.get(type) ?? [0, ''];
  return attributeHex(flags, type, value);
}

interface Row {
  readonly type: number;
  readonly defect: Defect;
  /** Attributes that replace the good ones of this type. */
  readonly hex: string;
  readonly reaction: Reaction;
  readonly from?: PeerType;
  readonly twoOctet?: boolean;
}

const withdraw: Reaction = 'treat-as-withdraw';
const discard: Reaction = 'attribute-discard';
const reset: Reaction = 'session-reset';

const value = (type: number, hex: string): string => attributeHex(good.get(type)?.[0] ?? 0, type, hex);

/** §7: lengths and values, per attribute. */
const rows: readonly Row[] = [
  { type: origin, defect: 'length', hex: value(origin, ''), reaction: withdraw },
  { type: origin, defect: 'length', hex: value(origin, '0000'), reaction: withdraw },
  { type: origin, defect: 'value', hex: value(origin, '03'), reaction: withdraw },
  { type: asPath, defect: 'value', hex: value(asPath, '05010000fde8'), reaction: withdraw },
  { type: asPath, defect: 'length', hex: value(asPath, '02020000fde8'), reaction: withdraw },
  { type: asPath, defect: 'length', hex: value(asPath, '02010000fde802'), reaction: withdraw },
  { type: asPath, defect: 'value', hex: value(asPath, '0200'), reaction: withdraw },
  // RFC 7607 §2.
  { type: asPath, defect: 'value', hex: value(asPath, '020100000000'), reaction: withdraw },
  // RFC 5065 §5.
  { type: asPath, defect: 'value', hex: value(asPath, '03010000fde8'), reaction: withdraw, from: 'ebgp' },
  { type: nextHop, defect: 'length', hex: value(nextHop, 'c00002'), reaction: withdraw },
  { type: nextHop, defect: 'length', hex: value(nextHop, 'c000020100'), reaction: withdraw },
  // RFC 4271 §6.3.
  { type: nextHop, defect: 'value', hex: value(nextHop, '00000000'), reaction: withdraw },
  { type: nextHop, defect: 'value', hex: value(nextHop, 'e0000001'), reaction: withdraw },
  { type: nextHop, defect: 'value', hex: value(nextHop, 'ffffffff'), reaction: withdraw },
  { type: multiExitDisc, defect: 'length', hex: value(multiExitDisc, '000001'), reaction: withdraw },
  { type: localPref, defect: 'length', hex: value(localPref, '0000000064'), reaction: withdraw },
  { type: localPref, defect: 'unexpected', hex: value(localPref, '00000064'), reaction: discard, from: 'ebgp' },
  { type: localPref, defect: 'unexpected', hex: value(localPref, '00'), reaction: discard, from: 'ebgp' },
  { type: atomicAggregate, defect: 'length', hex: value(atomicAggregate, '00'), reaction: discard },
  { type: aggregator, defect: 'length', hex: value(aggregator, 'fde8c0000201'), reaction: discard },
  { type: aggregator, defect: 'length', hex: value(aggregator, '0000fde8c0000201'), reaction: discard, twoOctet: true },
  { type: aggregator, defect: 'value', hex: value(aggregator, '00000000c0000201'), reaction: discard },
  { type: communities, defect: 'length', hex: value(communities, 'fde800'), reaction: withdraw },
  { type: communities, defect: 'length', hex: value(communities, ''), reaction: withdraw },
  { type: originatorId, defect: 'length', hex: value(originatorId, 'c0000201c0000201'), reaction: withdraw },
  { type: originatorId, defect: 'unexpected', hex: value(originatorId, 'c0'), reaction: discard, from: 'ebgp' },
  { type: clusterList, defect: 'length', hex: value(clusterList, ''), reaction: withdraw },
  { type: clusterList, defect: 'length', hex: value(clusterList, 'c00002'), reaction: withdraw },
  { type: clusterList, defect: 'unexpected', hex: value(clusterList, 'c0'), reaction: discard, from: 'ebgp' },
  { type: mpReachNlri, defect: 'length', hex: value(mpReachNlri, '0002010420010db800'), reaction: reset },
  { type: mpReachNlri, defect: 'length', hex: value(mpReachNlri, '000201'), reaction: reset },
  { type: mpReachNlri, defect: 'length', hex: value(mpReachNlri, '000201102001'), reaction: reset },
  {
    type: mpReachNlri,
    defect: 'nlri',
    hex: value(mpReachNlri, `00020110${'20'.repeat(16)}0081${'00'.repeat(17)}`),
    reaction: reset,
  },
  { type: mpReachNlri, defect: 'nlri', hex: value(mpReachNlri, `00020110${'20'.repeat(16)}00202001`), reaction: reset },
  { type: mpUnreachNlri, defect: 'length', hex: value(mpUnreachNlri, '0002'), reaction: reset },
  { type: mpUnreachNlri, defect: 'nlri', hex: value(mpUnreachNlri, '000201202001'), reaction: reset },
  { type: extendedCommunities, defect: 'length', hex: value(extendedCommunities, '0002fde8'), reaction: withdraw },
  { type: extendedCommunities, defect: 'length', hex: value(extendedCommunities, ''), reaction: withdraw },
  {
    type: ipv6ExtendedCommunities,
    defect: 'length',
    hex: value(ipv6ExtendedCommunities, '0002fde8'),
    reaction: withdraw,
  },
  { type: ipv6ExtendedCommunities, defect: 'length', hex: value(ipv6ExtendedCommunities, ''), reaction: withdraw },
  // RFC 6793 §6.
  { type: as4Path, defect: 'value', hex: value(as4Path, '0500'), reaction: discard, twoOctet: true },
  { type: as4Path, defect: 'length', hex: value(as4Path, '02020000fde8'), reaction: discard, twoOctet: true },
  { type: as4Path, defect: 'unexpected', hex: value(as4Path, '02010000fde8'), reaction: discard },
  {
    type: as4Aggregator,
    defect: 'length',
    hex: value(as4Aggregator, 'fde8c0000201'),
    reaction: discard,
    twoOctet: true,
  },
  {
    type: as4Aggregator,
    defect: 'value',
    hex: value(as4Aggregator, '00000000c0000201'),
    reaction: discard,
    twoOctet: true,
  },
  { type: as4Aggregator, defect: 'unexpected', hex: value(as4Aggregator, '0000fde8c0000201'), reaction: discard },
  // RFC 7311 §3.
  { type: aigp, defect: 'length', hex: value(aigp, '01000a00000000000001'), reaction: discard },
  { type: aigp, defect: 'length', hex: value(aigp, '01000b00000000'), reaction: discard },
  { type: aigp, defect: 'length', hex: value(aigp, '020002'), reaction: discard },
  { type: aigp, defect: 'length', hex: value(aigp, ''), reaction: discard },
  // RFC 8092 §6.
  { type: largeCommunities, defect: 'length', hex: value(largeCommunities, '0000000100000002'), reaction: withdraw },
  { type: largeCommunities, defect: 'length', hex: value(largeCommunities, ''), reaction: withdraw },
  // RFC 9234 §5.
  { type: onlyToCustomer, defect: 'length', hex: value(onlyToCustomer, 'fde8'), reaction: withdraw },
  // RFC 4271 §6.3.
  { type: 99, defect: 'unrecognized', hex: attributeHex(0x40, 99, '00'), reaction: reset },
];

/** §3(c), §3(d), §3(g), §4: the same for every attribute, made from its good value. */
function generalRows(): Row[] {
  const made: Row[] = [];
  for (const [type, [flags, hex]] of good) {
    const twoOctet = type === as4Path || type === as4Aggregator;
    const session = twoOctet ? { twoOctet } : {};
    for (const bit of [0x80, 0x40]) {
      made.push({ type, defect: 'flags', hex: attributeHex(flags ^ bit, type, hex), reaction: withdraw, ...session });
    }
    const mp = type === mpReachNlri || type === mpUnreachNlri;
    made.push({ type, defect: 'duplicate', hex: goodHex(type).repeat(2), reaction: mp ? reset : discard, ...session });
    // The attribute says one byte more than there is; it comes last.
    const size = (hex.length / 2 + 1).toString(16).padStart(2, '0');
    const overrun = [flags, type].map((byte) => byte.toString(16).padStart(2, '0')).join('') + size + hex;
    made.push({ type, defect: 'overrun', hex: overrun, reaction: mp ? reset : withdraw, ...session });
    if (type === origin || type === asPath || type === nextHop)
      made.push({ type, defect: 'missing', hex: '', reaction: withdraw });
  }
  return made;
}

/** An UPDATE of IPv4 and IPv6 routes that is all right but for the row's attribute, which comes last. */
function bodyOf(row: Row): Uint8Array {
  const others = [mpReachNlri, origin, asPath, nextHop]
    .filter((type) => type !== row.type)
    .map((type) => (type === asPath && row.twoOctet === true ? attributeHex(0x40, asPath, '0201fde8') : goodHex(type)));
  const trans =
    row.type === as4Aggregator && row.twoOctet === true ? attributeHex(0xc0, aggregator, '5ba0c0000201') : '';
  return updateBody({ attributes: others.join('') + trans + row.hex, nlri: '18c00002' });
}

t.test('one good UPDATE has no problems', async (t) => {
  for (const type of good.keys()) {
    const twoOctet = type === as4Path || type === as4Aggregator;
    const row: Row = { type, defect: 'value', hex: goodHex(type), reaction: discard, twoOctet };
    const { problems, reaction } = decodeUpdate(bodyOf(row), { ...defaultContext, fourOctetAs: !twoOctet });
    t.strictSame({ problems, reaction }, { problems: [], reaction: undefined }, nameOf(attributeType, type));
  }
  t.equal(good.size, attributeDescriptors.length + 2, 'every attribute is in the table');
});

t.test('attribute × defect', async (t) => {
  const all = [...rows, ...generalRows()];
  t.ok(all.length > 100);
  for (const row of all) {
    const { type, defect, reaction, hex } = row;
    const title = `${nameOf(attributeType, type)} ${defect} ${hex} → ${reaction}`;
    const context = {
      ...defaultContext,
      fourOctetAs: row.twoOctet !== true,
      peerType: row.from ?? defaultContext.peerType,
    };
    try {
      const decoded = decodeUpdate(bodyOf(row), context);
      t.equal(decoded.reaction, reaction, title);
      const problem = decoded.problems.find((candidate) => candidate.type === type && candidate.defect === defect);
      t.match(problem, { reaction }, `${title}: the problem is named`);
      t.equal(
        decoded.problems.length,
        1,
        `${title}: and it alone: ${decoded.problems.map(describeProblem).join('; ')}`,
      );
      if (defect !== 'missing')
        t.ok(hex.endsWith(hexOf(problem?.bytes ?? new Uint8Array())), `${title}: with its bytes`);
    } catch (error) {
      t.ok(error instanceof BgpError, `${title}: ${error}`);
      t.equal('session-reset', reaction, title);
    }
  }
});

t.test('§3(h): the strongest reaction counts', async (t) => {
  const attributes = goodHex(asPath) + goodHex(nextHop) + value(origin, '07') + value(atomicAggregate, '00');
  const { reaction, problems } = decodeUpdate(updateBody({ attributes, nlri: '18c00002' }), defaultContext);
  t.equal(reaction, withdraw);
  t.strictSame(
    problems.map((problem) => problem.reaction),
    [withdraw, discard],
  );
});

t.test('§5.2: without reachable NLRI a defect resets, but for attribute discard', async (t) => {
  const bad = decodeUpdate(updateBody({ attributes: value(origin, '07'), withdrawn: '18c00002' }), defaultContext);
  t.equal(bad.reaction, reset);
  const { notification } = updateError(bad.problems);
  t.match({ ...notification, data: hexOf(notification.data) }, { code: 3, subcode: 6, data: '40010107' });
  const discarded = decodeUpdate(updateBody({ attributes: value(atomicAggregate, '00') }), defaultContext);
  t.equal(discarded.reaction, discard);
  const flags = attributeHex(0xc0, mpUnreachNlri, good.get(mpUnreachNlri)?.[1] ?? '');
  t.equal(
    decodeUpdate(updateBody({ attributes: flags }), defaultContext).reaction,
    withdraw,
    'only MP_UNREACH_NLRI: withdraws',
  );
});

t.test('RFC 4760 §3: NEXT_HOP without NLRI is ignored, whatever it is', async (t) => {
  for (const hex of ['00000000', 'c00002', 'c0000201']) {
    for (const type of [mpReachNlri, mpUnreachNlri]) {
      const attributes = goodHex(type) + goodHex(origin) + goodHex(asPath) + value(nextHop, hex);
      const { reaction } = decodeUpdate(updateBody({ attributes }), defaultContext);
      t.equal(reaction, hex === 'c0000201' ? undefined : discard, `${nameOf(attributeType, type)} ${hex}`);
    }
  }
});

t.test('§3(a), §5.3: lengths and NLRI of the message itself', async (t) => {
  const bodies: [hex: string, subcode: number][] = [
    ['0005180a0000', 1],
    ['00000010', 1],
    ['0000', 1],
    ['000221', 1],
    ['0001210000', 10],
    ['0002180a0000', 10],
    ['00000000210a000001', 10],
    ['00000000180a00', 10],
    ['00000000210a00000100', 10],
    ['0006210a000001000000', 10],
  ];
  for (const [hex, subcode] of bodies)
    t.match(
      refusal(() => decodeUpdate(bytesOf(hex), defaultContext)),
      { code: 3, subcode },
      hex,
    );
});

t.test('a problem prints as one line', async (t) => {
  const attributes = goodHex(asPath) + goodHex(nextHop) + value(origin, '07');
  const [problem] = decodeUpdate(updateBody({ attributes, nlri: '18c00002' }), defaultContext).problems;
  t.equal(problem && describeProblem(problem), 'ORIGIN: value: undefined origin 7 (40010107): treat-as-withdraw');
});
