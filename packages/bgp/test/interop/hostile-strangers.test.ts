/**
 * 10,000 connections from addresses that are no peer's: refused, a bounded number at a time, with a line of log now and
 * then, while the peers go on.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { run } from './daemons.ts';
import { Target } from './hostile-target.ts';

const strangers = 10_000;
const atOnce = 400;

interface Ended {
  readonly ended: number;
  readonly told: number;
}

/** In a process of its own, so that the test's event loop is free to measure. `onLine`: how far it has come. */
async function knock(onLine: (line: Ended) => void): Promise<void> {
  const file = join(import.meta.dirname, 'hostile-knocker.ts');
  const child = spawn(process.execPath, [file, String(strangers), String(atOnce)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line));
}

const speaker = await Target.start();
t.teardown(() => speaker.stop());

t.test(`${strangers} connections from unknown addresses`, async (t) => {
  await run('ip', 'route', 'add', 'local', '10.66.0.0/16', 'dev', 'lo');
  const before = await speaker.figures();
  let last: Ended = { ended: 0, told: 0 };
  let peak = 0;
  let asking = Promise.resolve();
  await speaker.withstand(t, `${strangers} strangers`, async () => {
    await knock((line) => {
      last = line;
      asking = asking.then(async () => {
        peak = Math.max(peak, (await speaker.figures()).descriptors);
      });
    });
    await asking;
  });
  const { ended, told } = last;
  t.equal(ended, strangers, 'every connection was closed by the speaker');
  t.ok(told > 0, `${told} of them were told why`);
  t.ok(peak > 0 && peak < before.descriptors + atOnce, `at most ${peak} descriptors`);
  const after = await speaker.figures();
  const warnings = after.warnings - before.warnings;
  t.ok(warnings > 0 && warnings <= 20, `${warnings} lines of log: ${after.lastWarnings.join('; ')}`);
  t.comment(
    `| ${told} of ${strangers} strangers got a NOTIFICATION, ${peak} descriptors at most, ${warnings} lines of log`,
  );
});
