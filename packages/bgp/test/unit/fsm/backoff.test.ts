import t from 'tap';
import { backoffMs, defaultIdleHold } from '../../../src/fsm/backoff.ts';
import { jittered, sendHoldTimeMs } from '../../../src/fsm/timer.ts';

t.test('the idle hold doubles with each failure up to its maximum', async (test) => {
  const times = [0, 1, 2, 3, 4, 8, 9, 10, 1_000].map((failures) => backoffMs(failures, defaultIdleHold));
  test.same(times, [250, 250, 500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000]);
});

t.test('jitter lies between 0.75 and 1.0 of the base (RFC 4271 §10)', async (test) => {
  test.same(
    [0, 0.5, 0.999].map((random) => jittered(1_000, random)),
    [750, 875, 999.75],
  );
});

t.test('the send hold time is the greater of 8 minutes and twice the hold time (RFC 9687 §6)', async (test) => {
  test.same([0, 90_000, 240_000, 300_000].map(sendHoldTimeMs), [480_000, 480_000, 480_000, 600_000]);
});
