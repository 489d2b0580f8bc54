import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { Piece } from './run.ts';

const minutes = 60;

t.test('an hour of churn leaves the tables right and the memory as it was', async (t) => {
  const started = performance.now();
  const words = ['--expose-gc', join(import.meta.dirname, 'run.ts'), '11', String(minutes)];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const pieces: Piece[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.equal(pieces.length, 12);
  for (const { minutes: past, routes, differences } of pieces) {
    t.strictSame(differences, [], `${routes} best paths are the model's after ${past} minutes`);
    t.ok(routes > 20, `${routes} routes compared`);
  }
  for (const [what, times] of Object.entries(pieces.at(-1)?.done ?? {})) t.ok(times > 20, `${what}: ${times} times`);
  // The first quarter warms up: compiled code, tables grown to their size.
  const heap = pieces.map(({ heapBytes }) => heapBytes);
  const [early, late] = [Math.max(...heap.slice(3, 6)), Math.min(...heap.slice(-3))];
  t.ok(late < early * 1.05, `the heap is ${late} bytes at the end, ${early} in the second quarter`);
  const total = Object.values(pieces.at(-1)?.done ?? {}).reduce((sum, times) => sum + times, 0);
  const megabytes = heap.map((bytes) => (bytes / 1e6).toFixed(1)).join(' ');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  t.comment(
    `| ${minutes} minutes of churn (${total} events) in ${seconds} s; heap after each five minutes, MB: ${megabytes}`,
  );
});
