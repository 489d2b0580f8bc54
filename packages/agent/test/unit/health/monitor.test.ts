import t from 'tap';
import { HealthMonitor } from '../../../src/health/monitor.ts';

function monitorAt(startMs: number) {
  const clock = { nowMs: startMs };
  const beats: number[] = [];
  return {
    clock,
    beats,
    monitor: new HealthMonitor(
      () => clock.nowMs,
      () => beats.push(clock.nowMs),
    ),
  };
}

t.test('nothing registered is healthy', (t) => {
  t.same(monitorAt(0).monitor.late(), []);
  t.end();
});

t.test('late after period, time of the first beat and 1.5 s (H-2)', (t) => {
  const { clock, monitor, beats } = monitorAt(1000);
  const heart = monitor.register('NRC', 60_000);
  clock.nowMs += 61_500;
  t.same(monitor.late(), [], 'without a beat: period and grace');
  clock.nowMs += 1;
  t.same(monitor.late(), [{ name: 'NRC', sinceMs: 61_501 }]);
  heart.beat();
  t.same(monitor.late(), [], 'a beat heals');
  t.same(beats, [62_501 + 1000 - 1000], 'the listener is told of each beat');
  clock.nowMs += 60_000 + 61_501 + 1500;
  t.same(monitor.late(), [], 'the first beat took 61501 ms, so much longer may the others');
  clock.nowMs += 1;
  t.equal(monitor.late().length, 1);
  heart.beat();
  clock.nowMs += 60_000;
  heart.beat();
  clock.nowMs += 60_000 + 61_501 + 1500 + 1;
  t.equal(monitor.late().length, 1, 'only the first beat counts for that');
  t.end();
});

t.test('one late component is enough', (t) => {
  const { clock, monitor } = monitorAt(0);
  const fast = monitor.register('fast', 1000);
  const slow = monitor.register('slow', 100_000);
  fast.beat();
  slow.beat();
  clock.nowMs = 50_000;
  t.same(
    monitor.late().map(({ name }) => name),
    ['fast'],
  );
  clock.nowMs = 200_000;
  t.same(
    monitor.late().map(({ name }) => name),
    ['fast', 'slow'],
  );
  t.end();
});
