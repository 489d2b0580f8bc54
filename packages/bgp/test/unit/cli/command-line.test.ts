/** Bad command lines: one line each, which names the argument, its value and what was expected; exit code 2. */

import t from 'tap';
import { bgp } from './run.ts';

const cases: readonly (readonly [args: string, complaint: string])[] = [
  ['', 'bgp: no command: expected decode, mrt, listen'],
  ['deocde', 'bgp: "deocde" is no command: expected decode, mrt, listen'],
  ['decode --jsno', "bgp decode: Unknown option '--jsno'"],
  ['decode --json=yes', "bgp decode: Option '--json' does not take an argument"],
  ['decode a b', 'bgp decode: "b": nothing is expected here'],
  ['decode --port bgp', 'bgp decode: --port "bgp": expected a number from 1 to 65535'],
  ['decode --port 65536', 'bgp decode: --port "65536": expected a number from 1 to 65535'],
  ['decode --add-path ipv5', 'bgp decode: --add-path "ipv5": expected ipv4-unicast or ipv6-unicast'],
  ['mrt --add-path ipv5', 'bgp mrt: --add-path "ipv5": expected ipv4-unicast or ipv6-unicast'],
  ['mrt a b', 'bgp mrt: "b": nothing is expected here'],
  ['listen', 'bgp listen: --asn is missing'],
  ['listen file', 'bgp listen: "file": nothing is expected here'],
  ['listen --asn 0', 'bgp listen: --asn "0": expected a number from 1 to 4294967295'],
  ['listen --asn 4294967296', 'bgp listen: --asn "4294967296": expected a number from 1 to 4294967295'],
  ['listen --asn 65000', 'bgp listen: --router-id is missing'],
  [
    'listen --asn 65000 --router-id 10.0.0',
    'bgp listen: --router-id "10.0.0": expected an IPv4 address other than 0.0.0.0',
  ],
  [
    'listen --asn 65000 --router-id 0.0.0.0',
    'bgp listen: --router-id "0.0.0.0": expected an IPv4 address other than 0.0.0.0',
  ],
  ['listen --asn 65000 --router-id 10.0.0.1', 'bgp listen: --peer is missing'],
  [
    'listen --asn 65000 --router-id 10.0.0.1 --peer 10.0.0.2',
    'bgp listen: --peer "10.0.0.2": expected ADDRESS=ASN, such as 192.0.2.1=65001',
  ],
  [
    'listen --asn 65000 --router-id 10.0.0.1 --peer host=1',
    'bgp listen: --peer "host": expected an IPv4 or IPv6 address',
  ],
  [
    'listen --asn 65000 --router-id 10.0.0.1 --peer 10.0.0.2=x',
    'bgp listen: --peer "x": expected a number from 1 to 4294967295',
  ],
  [
    'listen --asn 65000 --router-id 10.0.0.1 --peer 10.0.0.2=1 --listen *',
    'bgp listen: --listen "*": expected an IPv4 or IPv6 address',
  ],
];

t.test('bad command lines', async (t) => {
  t.ok(cases.length > 20);
  for (const [args, complaint] of cases) {
    t.strictSame(
      await bgp(args.split(' ').filter((arg) => arg !== '')),
      { code: 2, output: [], complaints: [complaint] },
      args,
    );
  }
});

t.test('help', async (t) => {
  const overview = await bgp(['--help']);
  t.equal(overview.code, 0);
  for (const command of ['decode', 'mrt', 'listen']) {
    t.match(overview.output.join('\n'), `  ${command}`);
    t.match(await bgp([command, '--help']), { code: 0, output: [new RegExp(`^bgp ${command} `)], complaints: [] });
  }
});

t.test('files that cannot be read', async (t) => {
  for (const command of ['decode', 'mrt']) {
    t.match(await bgp([command, '/nonexistent']), {
      code: 1,
      output: [],
      complaints: [/^bgp \w+: \/nonexistent: ENOENT/],
    });
    t.match(await bgp([command, '/']), { code: 1, output: [], complaints: [/^bgp \w+: \/: EISDIR/] });
  }
});
