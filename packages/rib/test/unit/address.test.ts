/** Text of prefixes and addresses against the examples of RFC 4291 §2.2, RFC 5952 §4 and what must be refused. */
import t from 'tap';
import { RouteError } from '../../src/errors.ts';
import { formatAddress, parseAddress, parsePrefix } from '../../src/table/address.ts';

const canonical: readonly (readonly [given: string, canonical: string])[] = [
  ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
  ['FF01:0:0:0:0:0:0:101', 'ff01::101'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['::', '::'],
  ['2001:db8::', '2001:db8::'],
  ['0:0:0:0:0:FFFF:129.144.52.38', '::ffff:8190:3426'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['10.0.0.1', '10.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
];
t.ok(canonical.length > 0);
for (const [given, expected] of canonical) t.equal(formatAddress(parseAddress(given)), expected, given);

const addresses = [
  '',
  '10.0.0',
  '10.0.0.256',
  '10.0.0.01',
  '10.0.0.1.2',
  '1::2::3',
  ':1::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  '::g',
  '1:',
  '::1.2.3',
  'fe80::1%v0',
];
for (const given of addresses) t.throws(() => parseAddress(given), RouteError, `refused: "${given}"`);

const prefixes = [
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0.1/24',
  'fd00::/129',
  'fd00::1/64',
  '10.0.0.0/-1',
  '10.0.0.0/24 table 5',
];
for (const given of prefixes) t.throws(() => parsePrefix(given), RouteError, `refused: "${given}"`);

t.match(parsePrefix('0.0.0.0/0'), { length: 0, text: '0.0.0.0/0' });
t.match(parsePrefix('10.128.0.0/9'), { length: 9, address: new Uint8Array([10, 128, 0, 0]) });
t.match(parsePrefix('FD00:0::/64'), { length: 64, text: 'fd00::/64' });
