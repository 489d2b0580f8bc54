import t from 'tap';
import { formatDuration, parseDuration } from '../../../src/options/duration.ts';

// Values of the table in Go's time package tests (TestParseDuration), in milliseconds.
const cases: readonly (readonly [text: string, ms: number | undefined])[] = [
  ['0', 0],
  ['5s', 5000],
  ['30s', 30_000],
  ['1478s', 1_478_000],
  ['-5s', -5000],
  ['+5s', 5000],
  ['-0', 0],
  ['+0', 0],
  ['5.0s', 5000],
  ['5.6s', 5600],
  ['5.s', 5000],
  ['.5s', 500],
  ['1.0s', 1000],
  ['10ns', 0.00001],
  ['11us', 0.011],
  ['12µs', 0.012],
  ['12μs', 0.012],
  ['13ms', 13],
  ['14s', 14_000],
  ['15m', 900_000],
  ['16h', 57_600_000],
  ['3h30m', 12_600_000],
  ['10.5s4m', 250_500],
  ['-2m3.4s', -123_400],
  ['1h2m3s4ms5us6ns', 3_723_004.005006],
  ['1m30s', 90_000],
  ['', undefined],
  ['3', undefined],
  ['-', undefined],
  ['s', undefined],
  ['.', undefined],
  ['-.', undefined],
  ['.s', undefined],
  ['+.s', undefined],
  ['1d', undefined],
  ['1 s', undefined],
  ['1S', undefined],
];

t.test('Go durations', (t) => {
  t.ok(cases.length > 0);
  for (const [text, ms] of cases) {
    const parsed = parseDuration(text);
    const same = parsed === ms || (parsed !== undefined && ms !== undefined && Math.abs(parsed - ms) < 1e-6);
    t.ok(same, `"${text}" is ${ms} ms, got ${parsed}`);
  }
  t.end();
});

t.test('printed as Go prints them', (t) => {
  const texts = ['0s', '500ms', '3s', '1m0s', '1m30s', '6m0s', '1h0m0s', '18h0m0s', '-1m30s'];
  for (const text of texts) t.equal(formatDuration(parseDuration(text) ?? Number.NaN), text);
  t.end();
});
