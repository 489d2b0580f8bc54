import t from 'tap';
import { LabProcess, run, tryRun, waitFor, within } from '../../src/index.ts';

// Bounded by its conditions and by the runner, not by tap's own 30 s.
t.setTimeout(0);

t.test('a command ends with its output or with an error that names it', async (t) => {
  t.equal(await run(['cat'], { input: 'text' }), 'text');
  t.equal(await run(['sh', '-c', 'echo $WORD'], { env: { WORD: 'word' } }), 'word\n');
  t.match(await tryRun(['sh', '-c', 'echo no >&2; exit 3']), { code: 3, stderr: 'no\n' });
  await t.rejects(run(['sh', '-c', 'echo no >&2; exit 3']), { code: 'command-failed', message: /ended with 3: no/ });
  await t.rejects(run(['no-such-command']), { code: 'command-failed', message: /no-such-command/ });
  await t.rejects(run(['tail', '-f', '/dev/null'], { deadlineMs: 50 }), { code: 'deadline', message: /tail -f/ });
});

t.test('a long-running process: lines are kept, watched and waited for', async (t) => {
  const seen: string[] = [];
  const child = new LabProcess('reader', ['sh', '-c', 'echo one; echo two >&2; exec tail -f /dev/null'], {
    onLine: (line) => seen.push(line),
  });
  t.equal(await child.waitForLine(/^two$/), 'two');
  t.equal(await child.waitForLine(/^one$/), 'one');
  t.same(seen.toSorted(), ['one', 'two']);
  t.equal(child.ended, undefined);
  await t.rejects(child.waitForLine(/three/, { deadlineMs: 50 }), { code: 'deadline', message: /three.*reader.*two/s });
  t.same(await child.stop(), { code: null, signal: 'SIGTERM' });
  t.same(child.ended, { code: null, signal: 'SIGTERM' });
});

t.test('a process that ends while a line is waited for is an error with its last lines', async (t) => {
  const child = new LabProcess('short', ['sh', '-c', 'echo why; exit 4']);
  await t.rejects(child.waitForLine(/never/), { code: 'process-ended', message: /short ended \(status 4\):\nwhy/ });
});

t.test('a process that ignores its signal is an error, and can still be killed', async (t) => {
  const child = new LabProcess('deaf', ['sh', '-c', 'trap "" TERM; echo up; while :; do read line; done < /dev/zero']);
  await child.waitForLine(/up/);
  await t.rejects(child.stop('SIGTERM', 100), { code: 'deadline', message: /deaf after SIGTERM/ });
  t.same(await child.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
});

t.test('waiting answers with the first yes, and says at the deadline what was seen', async (t) => {
  let asked = 0;
  t.equal(await waitFor('three', () => (++asked === 3 ? asked : undefined), { everyMs: 1 }), 3);
  await t.rejects(
    waitFor(
      'a cat',
      (seen) => {
        seen({ animal: 'dog' });
        return false;
      },
      { deadlineMs: 20 },
    ),
    { code: 'deadline', message: /0\.02 s for a cat; last seen: \{"animal":"dog"\}/ },
  );
  await t.rejects(
    waitFor(
      'a call',
      () => {
        throw new Error('refused');
      },
      { deadlineMs: 20 },
    ),
    { message: /last seen: refused/ },
  );
  t.equal(await within('a value', 1000, Promise.resolve(1)), 1);
  await t.rejects(within('ever', 20, new Promise(() => undefined)), { code: 'deadline', message: /for ever/ });
});
