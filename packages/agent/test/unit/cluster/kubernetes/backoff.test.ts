import t from 'tap';
import { backoffMs } from '../../../../src/cluster/kubernetes/backoff.ts';

t.test('doubles to a cap, spread over the upper half', (t) => {
  const lowest = [0, 1, 2, 3, 4, 100, 10_000].map((attempt) => backoffMs(attempt, 0));
  t.same(lowest, [400, 800, 1600, 3200, 5000, 5000, 5000]);
  const highest = [0, 5, 100].map((attempt) => backoffMs(attempt, 0.999));
  t.same(highest, [799.6, 9995, 9995]);
  t.end();
});
