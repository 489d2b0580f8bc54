/** 200,000 inputs, and memory that does not grow: in a process of its own, where nothing else is in the heap. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { checkMessage, contexts } from './check.ts';
import { fixtureMessages } from './corpus.ts';
import { type FuzzReport, fuzz } from './run.ts';

t.test('200,000 inputs', async (t) => {
  const run = fileURLToPath(new URL('./run.ts', import.meta.url));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--expose-gc', run, '--inputs', '200000', '--seed', '20261124'],
    { encoding: 'utf8' },
  );
  t.equal(status, 0, stderr);
  const report: FuzzReport = JSON.parse(stdout);
  t.comment(stdout);
  t.equal(report.inputs, 200_000);
  for (const count of ['taken', 'refused', 'records', 'captured'] as const) {
    t.ok(report[count] > 1000, `${count}: ${report[count]}`);
  }
  t.ok(report.growthBytes < 1_000_000, `heap: ${report.growthBytes} bytes more after 180,000 inputs`);
});

t.test('it would find what is wrong', async (t) => {
  t.throws(() => fuzz(1, 1, fixtureMessages()), /expose-gc/, 'memory is measured or it does not run');
  // An input that is no bytes at all makes a decoder throw what it must not throw.
  t.throws(() => checkMessage(Object.create(null), contexts[0]), TypeError);
});
