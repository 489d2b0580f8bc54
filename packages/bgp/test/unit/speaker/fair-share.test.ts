import t from 'tap';
import { VirtualClock } from '../../../src/simulator/index.ts';
import { WorkQueue } from '../../../src/speaker/work-queue.ts';
import { Bench } from './pair.ts';

t.test('jobs take turns, and everything else has its turn between two slices', async (t) => {
  const clock = new VirtualClock();
  const queue = new WorkQueue(clock);
  const order: string[] = [];
  const job = (name: string, slices: number) => () => {
    order.push(name);
    return --slices > 0;
  };
  queue.add(job('a', 3));
  queue.add(job('b', 2));
  let ticks = 0;
  const tick = (): void => {
    order.push('.');
    if (++ticks < 5) clock.after(0, tick);
  };
  clock.after(0, tick);
  while (clock.step(0)) {
    // Until nothing is due.
  }
  t.equal(order.join(''), 'a.b.a.b.a.');
});

t.test('a job that is added while it waits runs once', async (t) => {
  const clock = new VirtualClock();
  const queue = new WorkQueue(clock);
  let runs = 0;
  const job = (): boolean => {
    runs++;
    return false;
  };
  queue.add(job);
  queue.add(job);
  clock.step(0);
  clock.step(0);
  t.equal(runs, 1);
  queue.add(job);
  queue.drain();
  t.equal(runs, 2, 'drained at once');
  clock.step(0);
  t.equal(runs, 2);
});

t.test('a long table is sent, and swept, in slices', async (t) => {
  const bench = new Bench();
  const sender = bench.node('10.0.0.1', 65001);
  const receiver = bench.node('10.0.0.2', 65002);
  bench.peer(sender, receiver);
  await bench.start(sender, receiver);
  const count = 50_000;
  sender.speaker.setAnnouncements(
    Array.from({ length: count }, (_, index) => ({ prefix: `10.${index >> 8}.${index & 255}.0/24` })),
  );
  let largest = 0;
  bench.simulation.trace.onEvent = ({ from, bytes }) => {
    if (from === '10.0.0.1') largest = Math.max(largest, bytes?.length ?? 0);
  };
  bench.simulation.settle();
  t.equal(receiver.speaker.peers()[0]?.prefixesReceived, count);
  t.ok(largest > 0 && largest < 8192 * 5, `no write over one slice: ${largest} bytes`);
  bench.simulation.network.cut(sender.address, receiver.address);
  const counts = new Set<number>();
  while (receiver.speaker.peers()[0]?.prefixesReceived !== 0) {
    bench.simulation.clock.step(bench.simulation.clock.now() + 1000);
    counts.add(receiver.speaker.peers()[0]?.prefixesReceived ?? 0);
  }
  t.ok(counts.size > count / 8192, `the table went in ${counts.size} steps`);
});
