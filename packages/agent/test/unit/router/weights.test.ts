import t from 'tap';
import { bandwidthWeights } from '../../../src/router/weights.ts';

const cases: readonly (readonly [bandwidths: readonly (number | undefined)[], weights: readonly number[]])[] = [
  [
    [1_250_000_000, 1_250_000_000],
    [1, 1],
  ],
  [
    [1_000_000, 3_000_000],
    [1, 3],
  ],
  [
    [1_250_000_000, 3_125_000_000],
    [2, 5],
  ],
  [
    [100, 1],
    [100, 1],
  ],
  [
    [256, 1],
    [256, 1],
  ],
  [
    [1e12, 1],
    [256, 1],
  ],
  [
    [1e9, undefined],
    [1, 1],
  ],
  [
    [undefined, undefined],
    [1, 1],
  ],
  [
    [0, 0],
    [1, 1],
  ],
  [
    [1e9, 0],
    [1, 1],
  ],
  [
    [3e9, 1e9, 0],
    [3, 1, 1],
  ],
  [[], []],
];

t.test('small whole numbers in the ratio of the bandwidths', (t) => {
  t.ok(cases.length > 0);
  for (const [bandwidths, weights] of cases) t.strictSame(bandwidthWeights(bandwidths), weights, `${bandwidths}`);
  t.end();
});

t.test('any ratio up to 1:256 is met within a hundredth, or as well as 8 bits can', (t) => {
  let checked = 0;
  for (let a = 1; a < 100; a += 3) {
    for (let b = a; b < a * 100; b = Math.ceil(b * 1.37)) {
      const [one = 0, other = 0] = bandwidthWeights([a * 1e6, b * 1e6]);
      checked++;
      if (one < 1 || other > 256 || Math.abs(other / one / (b / a) - 1) > 0.02)
        t.fail(`${a}:${b} became ${one}:${other}`);
    }
  }
  t.ok(checked > 300);
  t.end();
});
