/** `isSound` is a shortcut: it may only say yes where decoding finds nothing wrong, and has to say so of usual sets. */

import fc from 'fast-check';
import t from 'tap';
import { decodeAttributes } from '../../../src/attribute/decode.ts';
import type { AttributeContext, PeerType } from '../../../src/attribute/descriptor.ts';
import { isSound } from '../../../src/attribute/sound.ts';
import { attributeType } from '../../../src/iana.ts';
import { attributeHex, bytesOf, hexOf } from './hex.ts';

/** The attributes that have a `sound` of their own, in order of type, with good values. */
const good: readonly (readonly [type: number, flags: number, value: string])[] = [
  [attributeType.origin, 0x40, '01'],
  [attributeType.asPath, 0x40, '0202000000fe000000fd0101000000fc'],
  [attributeType.nextHop, 0x40, 'c0000201'],
  [attributeType.multiExitDisc, 0x80, '00000001'],
  [attributeType.localPref, 0x40, '00000064'],
  [attributeType.atomicAggregate, 0x40, ''],
  [attributeType.aggregator, 0xc0, '000000fec0000201'],
  [attributeType.communities, 0xc0, 'fde80001fde80002'],
  [attributeType.originatorId, 0x80, 'c0000201'],
  [attributeType.clusterList, 0x80, 'c0000201'],
  [attributeType.extendedCommunities, 0xc0, '0002fde800000001'],
  [attributeType.largeCommunities, 0xc0, '000000010000000200000003'],
];
const onlyInside: readonly number[] = [attributeType.localPref, attributeType.originatorId, attributeType.clusterList];

function blockOf(attributes: typeof good): Uint8Array {
  return bytesOf(attributes.map(([type, flags, value]) => attributeHex(flags, type, value)).join(''));
}

function contextOf(peerType: PeerType, fourOctetAs = true): AttributeContext {
  return { fourOctetAs, peerType };
}

t.test('says yes to usual sets', async (t) => {
  t.ok(isSound(blockOf(good), contextOf('ibgp'), true));
  const outside = good.filter(([type]) => !onlyInside.includes(type));
  t.ok(isSound(blockOf(outside), contextOf('ebgp'), true));
  const withoutNextHop = outside.filter(([type]) => type !== attributeType.nextHop);
  t.ok(isSound(blockOf(withoutNextHop), contextOf('ebgp'), false));
});

t.test('leaves to decoding what the message or the session makes wrong', async (t) => {
  const outside = good.filter(([type]) => !onlyInside.includes(type));
  t.notOk(isSound(blockOf(good), contextOf('ebgp'), true), 'attributes of the inside');
  t.notOk(isSound(blockOf(outside), contextOf('ebgp'), false), 'NEXT_HOP beside MP_REACH_NLRI');
  t.notOk(isSound(blockOf(outside), contextOf('confederation'), true), 'no confederation segment in front');
  t.notOk(isSound(blockOf(outside), contextOf('ebgp', false), true), 'AS numbers of two octets');
  for (const missing of [attributeType.origin, attributeType.asPath, attributeType.nextHop]) {
    t.notOk(isSound(blockOf(outside.filter(([type]) => type !== missing)), contextOf('ebgp'), true), `no ${missing}`);
  }
  t.notOk(isSound(blockOf([...outside, ...outside.slice(-1)]), contextOf('ebgp'), true), 'twice');
});

const mutation = fc.record({
  at: fc.nat(200),
  value: fc.oneof(fc.constantFrom(0, 1, 255), fc.nat(255)),
  cut: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(200) }),
});

t.test('never says yes where decoding finds a problem', async (t) => {
  let sound = 0;
  fc.assert(
    fc.property(
      fc.subarray(good.slice(3)).map((others) => [...good.slice(0, 3), ...others]),
      fc.array(mutation, { maxLength: 2 }),
      fc.constantFrom<PeerType>('ibgp', 'ebgp', 'confederation'),
      fc.boolean(),
      fc.boolean(),
      (attributes, mutations, peerType, fourOctetAs, withNextHop) => {
        let block = blockOf(attributes);
        for (const { at, value, cut } of mutations) {
          block[at % Math.max(block.length, 1)] = value;
          block = block.subarray(0, block.length - (cut % (block.length + 1)));
        }
        const context = contextOf(peerType, fourOctetAs);
        if (!isSound(block, context, withNextHop)) return;
        sound++;
        const { attributes: decoded, problems } = decodeAttributes(block, context);
        if (problems.length > 0) throw new Error(`${hexOf(block)}: ${problems[0]?.text}`);
        const mandatory = [decoded.origin, decoded.asPath, ...(withNextHop ? [decoded.nextHop] : [])];
        if (mandatory.includes(undefined)) throw new Error(`${hexOf(block)}: a mandatory attribute is missing`);
      },
    ),
    { numRuns: 5000 },
  );
  t.ok(sound > 200, `${sound} sets were sound`);
});
