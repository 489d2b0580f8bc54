import * as fc from 'fast-check';
import t from 'tap';
import { contains, type Prefix, parseAddress, parsePrefix } from '../../../src/annotations/prefix.ts';
import { difference, union } from '../../../src/policy/compile/prefix-set.ts';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`no prefix: ${text}`);
  return parsed;
};
const texts = (prefixes: readonly Prefix[]) => prefixes.map(({ text }) => text);

t.test('a difference is said in the fewest prefixes', (t) => {
  const cases: [string, string[], string[]][] = [
    ['10.0.0.0/8', [], ['10.0.0.0/8']],
    ['10.0.0.0/30', ['10.0.0.1/32'], ['10.0.0.0/32', '10.0.0.2/31']],
    ['10.0.0.0/30', ['10.0.0.0/31', '10.0.0.1/32'], ['10.0.0.2/31']],
    ['10.0.0.0/31', ['10.0.0.0/32', '10.0.0.1/32'], []],
    ['0.0.0.0/0', ['128.0.0.0/1'], ['0.0.0.0/1']],
    ['::/0', ['8000::/1', '4000::/2'], ['::/2']],
    ['10.0.0.0/8', ['::/1', '11.0.0.0/8'], ['10.0.0.0/8']],
    ['255.255.255.254/31', ['255.255.255.254/32'], ['255.255.255.255/32']],
  ];
  for (const [whole, except, left] of cases)
    t.strictSame(texts(difference(prefix(whole), except.map(prefix))), left, `${whole} without ${except}`);
  t.end();
});

t.test('a union has no overlap and joins what touches', (t) => {
  t.strictSame(texts(union(['10.0.1.0/24', '10.0.0.0/24', '10.0.0.7/32', 'fd00::/9', 'fd80::/9'].map(prefix))), [
    '10.0.0.0/23',
    'fd00::/8',
  ]);
  t.strictSame(texts(union([])), []);
  t.end();
});

t.test('an address is in the result exactly when it is in the parts', (t) => {
  const small = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
    .map(([host, length]) => prefix(`192.0.2.${host}/${length}`));
  fc.assert(
    fc.property(small, fc.array(small, { maxLength: 6 }), fc.integer({ min: 0, max: 255 }), (whole, others, host) => {
      const address = parseAddress(`192.0.2.${host}`);
      if (address === undefined) return false;
      const inside = (prefixes: readonly Prefix[]) => prefixes.filter((one) => contains(one, address)).length;
      const left = inside(difference(whole, others));
      const joined = inside(union([whole, ...others]));
      return (
        left === (contains(whole, address) && inside(others) === 0 ? 1 : 0) &&
        joined === (inside([whole, ...others]) > 0 ? 1 : 0)
      );
    }),
  );
  t.end();
});
