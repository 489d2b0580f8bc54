import t from 'tap';
import { compilePolicy } from '../../../src/policy/compile.ts';
import { describePolicyProblem, PolicyError } from '../../../src/policy/errors.ts';
import type { PolicyChain } from '../../../src/policy/model.ts';
import { validatePolicy } from '../../../src/policy/validate.ts';

/** A chain of one statement, with parts put over it that need not be a policy. */
const chain = (over: object, statement: object = {}): unknown => ({
  name: 'test',
  statements: [{ name: 'one', match: {}, ...statement }],
  defaultVerdict: 'accept',
  ...over,
});

t.test('everything that is wrong, with where and what', async (t) => {
  const table: [value: unknown, ...problems: (string | RegExp)[]][] = [
    [chain({})],
    [null, ' is null, expected an object'],
    [
      {},
      'name is missing, expected a text that is not empty',
      'statements is missing, expected a list',
      'defaultVerdict is missing, expected one of "accept", "reject"',
    ],
    [chain({ defaultVerdict: 'maybe' }), 'defaultVerdict is "maybe", expected one of "accept", "reject"'],
    [chain({ statement: [] }), /^statement is \[\], expected no such field; there are name, statements/],
    [chain({}, { verdict: 'yes' }), 'statements[0].verdict is "yes", expected one of "accept", "reject"'],
    [
      chain({}, { match: { prefix: [] } }),
      /^statements\[0\]\.match\.prefix is \[\], expected no such field; there are/,
    ],
    [
      chain({}, { match: { prefixes: [{ prefix: '10.0.0.0/8' }, { prefix: '10.0.0.1/8' }] } }),
      /^statements\[0\]\.match\.prefixes\[1\] is \{"prefix":"10\.0\.0\.1\/8"\}, expected a prefix with ge and le \(/,
    ],
    [
      chain({}, { match: { prefixes: [{ prefix: '10.0.0.0/8', ge: 33 }] } }),
      /^statements\[0\]\.match\.prefixes\[0\] is .*expected 8 <= ge <= le <= 32\)/,
    ],
    [
      chain({}, { match: { asPath: ['^1$', '^(1'] } }),
      /^statements\[0\]\.match\.asPath\[1\] is "\^\(1", expected an AS path pattern \(.* at character 4: expected "\)"\)/,
    ],
    [
      chain({}, { match: { communities: ['1:2', '1:65536', 1.5] } }),
      /^statements\[0\]\.match\.communities\[1\] is "1:65536", expected a community \(.*65536.*up to 65535\)/,
      'statements[0].match.communities[2] is 1.5, expected a community as number or text',
    ],
    [
      chain({}, { match: { largeCommunities: ['1:2'] } }),
      /^statements\[0\]\.match\.largeCommunities\[0\] is "1:2", expected a community \(.*3 parts/,
    ],
    [
      chain({}, { match: { extendedCommunities: ['xx:1:2'] } }),
      /^statements\[0\]\.match\.extendedCommunities\[0\] is "xx:1:2", expected a community \(.*rt:…:…, ro:…:…, lb:…:…/,
    ],
    [
      chain({}, { match: { med: { min: -1, most: 4 } } }),
      /^statements\[0\]\.match\.med\.most is 4, expected no such field/,
      'statements[0].match.med.min is -1, expected a whole number from 0 to 4294967295',
    ],
    [
      chain({}, { match: { neighbors: ['192.0.2.1', 'router-1'] } }),
      /^statements\[0\]\.match\.neighbors\[1\] is "router-1", expected an address, or a prefix of addresses \(/,
    ],
    [
      chain({}, { match: { families: ['ipv5'] } }),
      'statements[0].match.families[0] is "ipv5", expected one of "ipv4-unicast", "ipv6-unicast"',
    ],
    [
      chain({}, { actions: [{ kind: 'set-colour' }] }),
      /^statements\[0\]\.actions\[0\]\.kind is "set-colour", expected one of "prepend", "set-communities"/,
    ],
    [
      chain({}, { actions: [{ kind: 'prepend', asn: 0, count: 256 }] }),
      'statements[0].actions[0].asn is 0, expected a whole number from 1 to 4294967295',
      'statements[0].actions[0].count is 256, expected a whole number from 0 to 255',
    ],
    [
      chain({}, { actions: [{ kind: 'add-communities', communities: ['1:*'] }] }),
      /^statements\[0\]\.actions\[0\]\.communities\[0\] is "1:\*", expected a community \(.*"\*" is no number/,
    ],
    [
      chain({}, { actions: [{ kind: 'set-next-hop', address: '192.0.2' }] }),
      /^statements\[0\]\.actions\[0\]\.address is "192\.0\.2", expected an IP address \(/,
    ],
    [
      chain({}, { match: { prefixSet: 'bogons' } }),
      'statements[0].match.prefixSet is "bogons", expected one of the prefix sets: there are none',
    ],
    [
      chain({ prefixSets: { 'my bogons': [{ prefix: 'x' }] } }),
      /^prefixSets\["my bogons"\]\[0\] is \{"prefix":"x"\}, expected a prefix/,
    ],
    [
      chain({ subchains: { a: { statements: [] } } }, { jump: 'b' }),
      'statements[0].jump is "b", expected one of the subchains: a',
    ],
    [
      chain({
        subchains: {
          a: { statements: [{ name: 'x', match: {}, jump: 'b' }] },
          b: { statements: [{ name: 'y', match: {}, jump: 'a' }] },
        },
      }),
      'subchains["a"].statements[0].jump is "b", expected a subchain that does not lead back here',
      'subchains["b"].statements[0].jump is "a", expected a subchain that does not lead back here',
    ],
  ];
  t.ok(table.length > 0);
  for (const [value, ...expected] of table) {
    const problems = validatePolicy(value).map(describePolicyProblem);
    t.equal(problems.length, expected.length, problems.join('\n'));
    for (const [index, each] of expected.entries()) {
      if (typeof each === 'string') t.equal(problems[index], each);
      else t.match(problems[index], each);
    }
  }
});

t.test('a policy that is none is not compiled', async (t) => {
  const wrong = chain({}, { match: { asPath: ['('] } }) as PolicyChain;
  t.throws(() => compilePolicy(wrong), PolicyError);
  t.throws(() => compilePolicy(wrong), {
    code: 'BGP_POLICY',
    message: /^policy test: statements\[0\]\.match\.asPath\[0\] is "\("/,
    problems: [{ path: 'statements[0].match.asPath[0]', value: '(' }],
  });
});
