import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { LabProcess, waitFor } from '../../src/index.ts';

// Bounded by its conditions and by the runner, not by tap's own 30 s.
t.setTimeout(0);

const script = fileURLToPath(new URL('../fixtures/enter-script.ts', import.meta.url));

/** Processes of this machine view whose command line has the word in it. */
async function processesWith(word: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(word)).map((command) => command.replaceAll('\0', ' '));
}

t.test('a script enters namespaces of its own, with its arguments, and its status comes out', async (t) => {
  const child = new LabProcess('script', [process.execPath, script, 'leave', 'with seven']);
  t.equal(await child.waitForLine(/^pid/), 'pid 1, links lo, argument with seven');
  t.same(await child.untilExit(), { code: 7, signal: null });
});

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP'] as const) {
  t.test(`nothing of a lab outlives ${signal} of the script that opened it`, async (t) => {
    const word = `stay-${signal}`;
    const child = new LabProcess('script', [process.execPath, script, 'stay', word]);
    await child.waitForLine(/^daemon started/);
    t.ok((await processesWith(word)).length >= 3, 'outer script, inner script and a daemon in the lab run');
    child.signal(signal);
    await child.untilExit();
    await waitFor('the end of every process of the lab', async (seen) => {
      const left = await processesWith(word);
      seen(left);
      return left.length === 0;
    });
    t.pass('all gone');
  });
}

t.test('without root it says what is missing', async (t) => {
  // In a user namespace without a mapping every process is nobody, and can still read the files of its real user.
  const words = ['--user', process.execPath, script, 'leave', 'x'];
  const child = spawn('unshare', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  t.match(text, /needs root: run it as root/);
});
