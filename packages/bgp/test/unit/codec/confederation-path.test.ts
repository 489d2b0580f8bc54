import t from 'tap';
import type { AsPath } from '../../../src/attribute/as-path.ts';
import { decodeAttributes } from '../../../src/attribute/decode.ts';
import type { PeerType } from '../../../src/attribute/descriptor.ts';
import { encodeAttributes } from '../../../src/attribute/encode.ts';
import { isSound } from '../../../src/attribute/sound.ts';

const sequence = { kind: 'sequence', asns: [65100] } as const;
const set = { kind: 'set', asns: [65100] } as const;
const members = { kind: 'confederation-sequence', asns: [64512] } as const;
const memberSet = { kind: 'confederation-set', asns: [64512] } as const;

const cases: [why: string, peerType: PeerType, path: AsPath, taken: boolean][] = [
  ['RFC 5065 §5: segments of a confederation from outside of it', 'ebgp', [members, sequence], false],
  ['also behind others', 'ebgp', [sequence, memberSet], false],
  ['without them', 'ebgp', [sequence], true],
  ['RFC 5065 §5: AS_CONFED_SEQUENCE in front from another member', 'confederation', [members, sequence], true],
  ['of a route of that member', 'confederation', [members], true],
  ['with a set behind', 'confederation', [members, memberSet, set], true],
  ['without it', 'confederation', [sequence], false],
  ['a set in front', 'confederation', [memberSet, members], false],
  ['an empty path', 'confederation', [], false],
  ['inside of a member', 'ibgp', [members, sequence], true],
  ['of our own member', 'ibgp', [], true],
];

t.test('AS_PATH by where the peer is', async (t) => {
  t.ok(cases.length > 0);
  for (const [why, peerType, path, taken] of cases) {
    const context = { fourOctetAs: true, peerType };
    const block = encodeAttributes({ origin: 'igp', asPath: path, nextHop: 0xc000_0201 }, context);
    const { attributes, reaction, problems } = decodeAttributes(block, context);
    t.equal(reaction, taken ? undefined : 'treat-as-withdraw', `${why} (RFC 7606 §7.2)`);
    t.strictSame(attributes.asPath, taken ? path : undefined, why);
    if (!taken) t.match(problems, [{ subject: 'AS_PATH', subcode: 11 }]);
    t.notOk(!taken && isSound(block, context, true), `${why}: the short way takes no more`);
  }
});
