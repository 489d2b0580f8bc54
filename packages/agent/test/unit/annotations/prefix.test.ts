import t from 'tap';
import { contains, formatAddress, overlaps, parseAddress, parsePrefix } from '../../../src/annotations/prefix.ts';

const addresses: readonly (readonly [text: string, canonical: string | undefined])[] = [
  ['10.0.0.1', '10.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['FD00:0:0::1', 'fd00::1'],
  ['::', '::'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['10.0.0.256', undefined],
  ['10.0.0', undefined],
  ['010.0.0.1', undefined],
  ['10.0.0.1/32', undefined],
  ['fe80::1%eth0', undefined],
  ['::1::', undefined],
  ['', undefined],
];

t.test('addresses are read strictly and printed canonically', (t) => {
  t.ok(addresses.length > 0);
  for (const [text, canonical] of addresses) t.equal(parseAddress(text)?.text, canonical, text);
  t.end();
});

const prefixes: readonly (readonly [text: string, canonical: string | undefined])[] = [
  ['10.244.1.0/24', '10.244.1.0/24'],
  ['10.244.1.77/24', '10.244.1.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['FD00:10:244::/56', 'fd00:10:244::/56'],
  ['fd00::1/64', 'fd00::/64'],
  ['10.244.1.0/33', undefined],
  ['10.244.1.0', undefined],
  ['10.244.1.0/', undefined],
  ['10.244.1.0/024', undefined],
  ['10.244.1.0/24/24', undefined],
  ['::/129', undefined],
];

t.test('prefixes need a length and lose their host bits', (t) => {
  t.ok(prefixes.length > 0);
  for (const [text, canonical] of prefixes) t.equal(parsePrefix(text)?.text, canonical, text);
  t.end();
});

const relations: readonly (readonly [a: string, b: string, aContainsB: boolean, overlap: boolean])[] = [
  ['10.0.0.0/8', '10.1.0.0/16', true, true],
  ['10.1.0.0/16', '10.0.0.0/8', false, true],
  ['10.1.0.0/16', '10.2.0.0/16', false, false],
  ['0.0.0.0/0', '10.0.0.0/8', true, true],
  ['0.0.0.0/0', '::/0', false, false],
  ['fd00::/64', 'fd00::/64', true, true],
  ['fd00::/64', 'fd00:0:0:1::/64', false, false],
];

t.test('contains and overlaps', (t) => {
  t.ok(relations.length > 0);
  for (const [a, b, inside, overlap] of relations) {
    const [left, right] = [parsePrefix(a), parsePrefix(b)];
    if (!left || !right) throw new Error(`${a} or ${b} is no prefix`);
    t.equal(contains(left, right), inside, `${a} contains ${b}`);
    t.equal(overlaps(left, right), overlap, `${a} overlaps ${b}`);
    t.equal(overlaps(right, left), overlap, `${b} overlaps ${a}`);
  }
  t.end();
});

t.test('numbers become addresses again', (t) => {
  for (const text of ['192.0.2.255', 'fd00::a:b']) {
    const address = parseAddress(text);
    t.equal(address && formatAddress(address.family, address.value), text);
  }
  t.end();
});
