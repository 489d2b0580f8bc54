import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import t from 'tap';
import {
  AddressError,
  formatAddress,
  formatIpv4,
  formatPrefix,
  ipv4Bytes,
  ipv4Number,
  parseAddress,
  parseIpv4,
  parsePrefix,
} from '../../../src/address.ts';
import { bytesOf, hexOf } from './hex.ts';

t.test('text that ip-address writes is read, and written the same', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(0xffff), (random, zeros) => {
      // Zero groups are what makes the text interesting.
      const bytes = random.map((byte, index) => ((zeros >> (index >> 1)) & 1 ? 0 : byte));
      const oracle = Address6.fromByteArray([...bytes]);
      t.equal(hexOf(parseAddress(oracle.canonicalForm())), hexOf(bytes));
      t.equal(hexOf(parseAddress(oracle.correctForm())), hexOf(bytes));
      const text = formatAddress(bytes);
      // An IPv4-mapped address is written dotted (RFC 5952 §5), which ip-address leaves to the caller.
      if (!text.startsWith('::ffff:')) t.equal(text, oracle.correctForm());
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (value) => {
      const text = formatIpv4(value);
      t.equal(text, new Address4(text).correctForm());
      t.equal(parseIpv4(text), value);
      t.equal(ipv4Number(ipv4Bytes(value)), value);
      t.equal(formatAddress(ipv4Bytes(value)), text);
    }),
    { numRuns: 300 },
  );
});

t.test('what ip-address takes and what we take are the same texts', async (t) => {
  const piece = fc.constantFrom(
    '0',
    '1',
    'ffff',
    '00001',
    'g',
    '',
    ':',
    '::',
    '.',
    '1.2.3.4',
    '256',
    '01',
    '%1',
    '/64',
    ' ',
  );
  const text = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(''));
  const joined = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(':'));
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(text, joined), (candidate) => {
      const plain = !/[%/ ]/.test(candidate);
      const oracle = plain && (Address6.isValid(candidate) || Address4.isValid(candidate));
      let ours = true;
      try {
        parseAddress(candidate);
        taken += 1;
      } catch (error) {
        ours = false;
        t.ok(error instanceof AddressError);
      }
      t.equal(ours, oracle, candidate);
    }),
    { numRuns: 3000 },
  );
  t.ok(taken > 0);
});

t.test('RFC 5952 texts', async (t) => {
  const texts: [hex: string, text: string][] = [
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010db8000000000000000000000000', '2001:db8::'],
    ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
  ];
  for (const [hex, text] of texts) {
    t.equal(formatAddress(bytesOf(hex)), text);
    t.equal(hexOf(parseAddress(text)), hex);
  }
});

t.test('prefixes', async (t) => {
  t.match(parsePrefix('10.0.0.0/8'), { family: 0x101, length: 8 });
  t.equal(hexOf(parsePrefix('2001:db8::/33').address), '20010db8000000000000000000000000');
  t.equal(formatPrefix(parsePrefix('10.1.2.3/15', 'clear')), '10.0.0.0/15');
  t.equal(formatPrefix(parsePrefix('0.0.0.0/0')), '0.0.0.0/0');
  t.equal(formatPrefix(parsePrefix('::/0')), '::/0');
  const refused = [
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0',
    '/8',
    '10.0.0/8',
    '2001:db8::1/64',
    '::/129',
    '::/-1',
    '',
  ];
  for (const text of refused) t.throws(() => parsePrefix(text), { code: 'BGP_ADDRESS', text }, text);
  t.throws(() => formatAddress(new Uint8Array(5)), RangeError);
});
