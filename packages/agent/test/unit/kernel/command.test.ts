import t from 'tap';
import { CommandError, runCommand } from '../../../src/kernel/command.ts';

t.test('output, input and arguments without a shell', async (t) => {
  t.equal(await runCommand('printf', ['%s', '$HOME; "x"']), '$HOME; "x"');
  t.equal(await runCommand('cat', [], { input: 'text\n' }), 'text\n');
});

t.test('a program that fails is one error with its own words', async (t) => {
  const error = await runCommand('sh', ['-c', 'echo why >&2; exit 3']).then(
    () => undefined,
    (reason) => reason,
  );
  t.ok(error instanceof CommandError);
  t.match(error, {
    code: 'EEXIT',
    exitCode: 3,
    stderr: 'why\n',
    message: 'sh -c echo why >&2; exit 3: exit code 3: why',
  });
});

t.test('a program that is not there', async (t) => {
  await t.rejects(runCommand('routelet-no-such-program', ['-x']), {
    code: 'ENOENT',
    message: /^routelet-no-such-program -x: not found in PATH/,
  });
});

t.test('a program that hangs is ended', async (t) => {
  await t.rejects(runCommand('sleep', ['600'], { timeoutMs: 50 }), { code: 'ETIMEDOUT' });
});

t.test('a program that does not read its input', async (t) => {
  await t.rejects(runCommand('false', [], { input: 'x'.repeat(1 << 20) }), { code: 'EEXIT', exitCode: 1 });
});
