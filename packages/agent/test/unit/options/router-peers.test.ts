import { inspect } from 'node:util';
import t from 'tap';
import { parseOptions } from '../../../src/options/parse.ts';
import { describeProblem } from '../../../src/options/problem.ts';
import { decodePassword } from '../../../src/options/router-peers.ts';

const PASSWORD = 'swordfish';
const BASE64 = Buffer.from(PASSWORD).toString('base64');

function peersOf(argv: readonly string[], file?: string) {
  const result = parseOptions(argv, () => {
    if (file === undefined) throw new Error('ENOENT');
    return file;
  });
  if (result.kind === 'run')
    return result.options.routerPeers.map((peer) => ({ ...peer, password: peer.password?.reveal() }));
  return result.kind === 'bad' ? result.problems.map(describeProblem) : [];
}

const two = ['--peer-router-ips=10.0.0.1,fd00::1', '--peer-router-asns=65001,4200000001'];

t.test('lists of equal length make peers', (t) => {
  t.same(peersOf([...two, '--peer-router-ports=1790,179', `--peer-router-passwords=${BASE64},`]), [
    { address: '10.0.0.1', asn: 65001, port: 1790, password: PASSWORD },
    { address: 'fd00::1', asn: 4200000001, port: 179, password: undefined },
  ]);
  t.end();
});

t.test('passwords of a file', (t) => {
  const asked = [...two, '--peer-router-passwords-file=/p'];
  t.match(peersOf(asked, `${BASE64},${BASE64}\n`), [{ password: PASSWORD }, { password: PASSWORD }]);
  t.match(peersOf(asked, ''), [{ password: undefined }, { password: undefined }], 'an empty file is none');
  t.match(peersOf([...asked, `--peer-router-passwords=,${BASE64}`], 'never,read'), [
    { password: undefined },
    { password: PASSWORD },
  ]);
  t.same(peersOf(asked), ['--peer-router-passwords-file: bad value "/p": expected a readable file (ENOENT)']);
  t.end();
});

t.test('lists that do not fit', (t) => {
  const cases: readonly (readonly [argv: readonly string[], problem: RegExp])[] = [
    [
      ['--peer-router-ips=10.0.0.1'],
      /^--peer-router-asns, --peer-router-ips: .*one AS number an address\), not 0 and 1$/,
    ],
    [['--peer-router-asns=65001'], /not 1 and 0$/],
    [[...two, '--peer-router-ports=179'], /^--peer-router-ports, --peer-router-ips: .*not 1 and 2$/],
    [[...two, `--peer-router-passwords=${BASE64}`], /^--peer-router-passwords, --peer-router-ips: .*not 1 and 2$/],
    [
      ['--peer-router-ips=10.0.0.1,10.0.0.1', '--peer-router-asns=65001,65001'],
      /^--peer-router-ips: bad value "10.0.0.1": expected each address once$/,
    ],
    [
      [...two, '--peer-router-passwords=plain text!,'],
      /^--peer-router-passwords: bad value "\[secret\]": expected base64 .* entry 1$/,
    ],
  ];
  t.ok(cases.length > 0);
  for (const [argv, problem] of cases) t.match(peersOf(argv), [problem], argv.join(' '));
  t.end();
});

t.test('a password does not show', (t) => {
  const secret = decodePassword(BASE64);
  for (const shown of [String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}`]) {
    t.notMatch(shown, PASSWORD);
    t.match(shown, /\[secret\]/);
  }
  t.equal(secret?.reveal(), PASSWORD);
  const errors = peersOf([
    '--peer-router-ips=10.0.0.1',
    '--peer-router-asns=65001',
    '--peer-router-passwords=hunter2!',
  ]);
  t.notMatch(JSON.stringify(errors), 'hunter2');
  t.end();
});

t.test('TCP_MD5SIG_MAXKEYLEN', (t) => {
  t.equal(decodePassword(Buffer.alloc(80, 'x').toString('base64'))?.reveal().length, 80);
  t.equal(decodePassword(Buffer.alloc(81, 'x').toString('base64')), undefined);
  t.equal(decodePassword('abc'), undefined, 'no padding');
  t.end();
});
