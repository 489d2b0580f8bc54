import t from 'tap';
import { limitWarnings } from '../../../src/session/warning-limit.ts';
import { VirtualClock } from './virtual.ts';

function start() {
  const clock = new VirtualClock();
  const lines: string[] = [];
  return { clock, lines, warn: limitWarnings(clock, (text) => void lines.push(text)) };
}

t.test('the same text passes once in five minutes', async (test) => {
  const { clock, lines, warn } = start();
  for (let second = 0; second < 601; second++) {
    warn('refused');
    clock.advance(1_000);
  }
  test.strictSame(lines, ['refused', 'refused', 'refused']);
});

t.test('of many texts ten pass in a minute, and the next line says how many did not', async (test) => {
  const { clock, lines, warn } = start();
  for (let index = 0; index < 1_000; index++) warn(`refused ${index}`);
  test.equal(lines.length, 10);
  clock.advance(60_000);
  warn('one more');
  warn('and another');
  test.strictSame(lines.slice(10), ['one more (and 990 more such warnings)', 'and another']);
});
