import t from 'tap';
import type { TimerName } from '../../../src/fsm/timer.ts';
import { TimerSet } from '../../../src/session/timer-set.ts';
import { evenRandom, VirtualClock } from './virtual.ts';

function start() {
  const clock = new VirtualClock();
  const expired: [TimerName, number][] = [];
  const set = new TimerSet(clock, evenRandom, (name) => void expired.push([name, clock.now()]));
  return { clock, expired, set };
}

t.test('expires once, with jitter where the timer has it', async (test) => {
  const { clock, expired, set } = start();
  set.start('HoldTimer', 1_000);
  set.start('KeepaliveTimer', 1_000);
  clock.advance(10_000);
  test.same(expired, [
    ['KeepaliveTimer', 875],
    ['HoldTimer', 1_000],
  ]);
});

t.test('a restart moves the deadline, later or earlier, with few timers of the clock', async (test) => {
  const { clock, expired, set } = start();
  set.start('HoldTimer', 1_000);
  for (let i = 0; i < 100; i++) {
    clock.advance(10);
    set.start('HoldTimer', 1_000);
    test.equal(clock.pending, 1);
  }
  test.same(expired, []);
  test.ok(clock.started <= 3, `${clock.started} timers of the clock for 101 starts`);
  set.start('HoldTimer', 100);
  clock.advance(10_000);
  test.same(expired, [['HoldTimer', 1_100]]);
});

t.test('stopped timers stay silent; extend starts nothing', async (test) => {
  const { clock, expired, set } = start();
  set.start('HoldTimer', 1_000);
  set.start('ConnectRetryTimer', 1_000);
  set.stop('HoldTimer');
  set.extend('HoldTimer', 10);
  set.stopAll();
  clock.advance(10_000);
  test.same(expired, []);
  test.equal(clock.pending, 0);
});

t.test('what is read in the turn after the hold time still counts', async (test) => {
  const { clock, expired, set } = start();
  set.start('HoldTimer', 1_000);
  clock.after(1_000, () => set.start('HoldTimer', 1_000));
  clock.advance(1_500);
  test.same(expired, []);
  clock.advance(1_000);
  test.same(expired, [['HoldTimer', 2_000]]);
});

t.test('long KEEPALIVE intervals of different sessions end together, never later than jitter allows', async (test) => {
  const clock = new VirtualClock();
  const ends: number[] = [];
  for (let session = 0; session < 200; session++) {
    const random = { next: () => session / 200 };
    clock.advance(7);
    const started = clock.now();
    const set = new TimerSet(clock, random, () => {
      ends.push(clock.now());
      test.ok(clock.now() - started > 30_000 * 0.75 - 1_000 && clock.now() - started <= 30_000);
    });
    set.start('KeepaliveTimer', 30_000);
  }
  clock.advance(60_000);
  test.equal(ends.length, 200);
  test.ok(new Set(ends).size < 12, `${new Set(ends).size} wake-ups for 200 sessions`);
});
