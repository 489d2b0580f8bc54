import fc from 'fast-check';
import t from 'tap';
import type { AsPath } from '../../../src/attribute/as-path.ts';
import { AsPathPattern } from '../../../src/policy/as-path-pattern.ts';
import { PatternError } from '../../../src/policy/as-path-syntax.ts';

/** "1 2 {3 4} (5) 6": sequences, a set, a confederation sequence. */
function pathOf(text: string): AsPath {
  return [...text.matchAll(/\{([^}]*)\}|\(([^)]*)\)|([\d ]+)/g)].flatMap(
    ([, set, confederation, sequence = '']): AsPath => {
      const numbers = (part: string) => part.trim().split(/\s+/).filter(Boolean).map(Number);
      if (set !== undefined) return [{ kind: 'set' as const, asns: numbers(set) }];
      if (confederation !== undefined)
        return [{ kind: 'confederation-sequence' as const, asns: numbers(confederation) }];
      return numbers(sequence).length === 0 ? [] : [{ kind: 'sequence' as const, asns: numbers(sequence) }];
    },
  );
}

t.test('patterns and paths', async (t) => {
  const cases: [pattern: string, matches: string[], fails: string[]][] = [
    ['^65001 .* (1|2)$', ['65001 1', '65001 2', '65001 7 7 2'], ['65001', '1', '65001 1 3', '9 65001 1', '65001 12']],
    ['65001', ['65001', '1 65001 2'], ['', '6500 1', '650011', '165001']],
    ['^$', [''], ['1']],
    ['^', ['', '1 2'], []],
    ['$', ['', '1 2'], []],
    ['', ['', '1'], []],
    ['^.$', ['1', '4294967295'], ['', '1 2']],
    ['^1+$', ['1', '1 1 1'], ['', '1 2']],
    ['^1*2?$', ['', '1', '2', '1 1 2'], ['2 2', '2 1']],
    ['^(1 2)+$', ['1 2', '1 2 1 2'], ['1', '1 2 1']],
    ['^1{2}$', ['1 1'], ['1', '1 1 1']],
    ['^1{1,3} 2$', ['1 2', '1 1 1 2'], ['2', '1 1 1 1 2']],
    ['^1{2,}$', ['1 1', '1 1 1 1'], ['1']],
    ['^[64512-65534 23456]+$', ['64512', '65534 23456'], ['64511', '65535', '23457', '']],
    ['^[^1 5-7]$', ['2', '4', '8'], ['1', '5', '6', '7']],
    ['64512-65534', ['1 64600 2'], ['64511']],
    ['^(1|2 3|)$', ['1', '2 3', ''], ['2', '3']],
    ['^(1*)*$', ['', '1 1'], ['2']],
    ['^1 2 3$', ['1 {2 9} 3', '(1 2) 3'], ['1 {7 9} 3', '{1 2 3}']],
    ['9$', ['1 {2 9}'], ['1 {2 8}']],
    ['  ^ 1   2 $ ', ['1 2'], ['1']],
  ];
  t.ok(cases.length > 0);
  for (const [pattern, matches, fails] of cases) {
    const compiled = new AsPathPattern(pattern);
    for (const text of matches) t.equal(compiled.matches(pathOf(text)), true, `${pattern} matches "${text}"`);
    for (const text of fails) t.equal(compiled.matches(pathOf(text)), false, `${pattern} fails on "${text}"`);
  }
});

t.test('what cannot be read is named with its place', async (t) => {
  const cases: [string, RegExp][] = [
    ['^1 (2', /character 6: expected "\)"/],
    ['1 )', /character 3: expected an AS number/],
    ['1 $ 2', /character 5: expected nothing behind \$/],
    ['4294967296', /character 1: expected a number up to 4294967295/],
    ['[', /character 2: expected an AS number/],
    ['[1', /character 3: expected an AS number or "]"/],
    ['5-4', /character 4: expected an AS number from 5 on/],
    ['1{3,2}', /character 6: expected a number from 3 on/],
    ['1{65}', /character 3: expected a number up to 64/],
    ['1{', /character 3: expected a number of repetitions/],
    ['_1_', /character 1: expected an AS number/],
    ['*', /character 1: expected/],
    ['((1{64}){64}){64}', /at most 4096 steps/],
  ];
  t.ok(cases.length > 0);
  for (const [text, expected] of cases) {
    t.throws(() => new AsPathPattern(text), { name: 'PatternError', message: expected }, text);
  }
  t.throws(() => new AsPathPattern('('), PatternError);
});

t.test('the automaton agrees with a regular expression over letters', async (t) => {
  // AS number n is the letter; both read the same pattern.
  const letter = (asn: number) => String.fromCharCode(96 + asn);
  const node: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.integer({ min: 1, max: 3 }).map(String),
      fc.constant('.'),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a} ${b}`),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{1,}'))
        .map(([a, suffix]) => `(${a})${suffix}`),
    ),
  })).node;
  const anchored = fc.tuple(fc.constantFrom('^', ''), node, fc.constantFrom('$', ''));
  const path = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 });
  let matched = 0;
  fc.assert(
    fc.property(anchored, path, ([start, body, end], asns) => {
      const expression = new RegExp(
        `${start}(?:${body.replaceAll(' ', '').replace(/(?<!\{[\d,]*)\d(?![\d,]*\})/g, (digit) => letter(Number(digit)))})${end}`,
      );
      const expected = expression.test(asns.map(letter).join(''));
      if (expected) matched += 1;
      return new AsPathPattern(`${start}${body}${end}`).matches([{ kind: 'sequence', asns }]) === expected;
    }),
    { numRuns: 2_000 },
  );
  t.ok(matched > 100, `${matched} of 2000 match`);
});

t.test('no pattern takes more than a look at each AS number', async (t) => {
  const pattern = new AsPathPattern(`^${'(1*)*'.repeat(20)}2$`);
  const asns = new Array<number>(250).fill(1);
  t.equal(pattern.matches([{ kind: 'sequence', asns }]), false);
  // 2^12 deterministic states: more than are kept.
  const wide = new AsPathPattern('^.*1.{12}$');
  let state = 1;
  const random = Array.from({ length: 20_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) & 1;
  });
  for (const end of [13, 500, 19_999]) {
    const expected = random[end - 13] === 1;
    t.equal(wide.matches([{ kind: 'sequence', asns: random.slice(0, end) }]), expected, `${end}`);
  }
});
