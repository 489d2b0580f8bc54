import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { PasswordFile } from '../../../src/router/password-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'routelet-password-'));
t.teardown(() => rm(folder, { recursive: true }));

const shown = async (file: PasswordFile) => {
  const { password, problems } = await file.read();
  return [password?.reveal(), ...problems.map(({ text }) => text)];
};

t.test('the text of the file; the last good one while it is not one', async (t) => {
  const path = join(folder, 'secret');
  const file = new PasswordFile(path, 'mesh-password-file');
  t.match(await shown(file), [undefined, /^--mesh-password-file .*secret: cannot be read .*; sessions wait for it$/]);
  await writeFile(path, 'between us\n');
  t.strictSame(await shown(file), ['between us']);
  t.equal((await file.read()).password, (await file.read()).password, 'the same object for the same text');
  for (const [text, length] of [
    ['\n', 0],
    ['x'.repeat(81), 81],
  ] as const) {
    await writeFile(path, text);
    t.strictSame(await shown(file), [
      'between us',
      `--mesh-password-file ${path}: ${length} bytes, expected 1 to 80; the password read before stays`,
    ]);
  }
});

t.test('a mounted Secret that is changed: the links that the kubelet makes', async (t) => {
  const mount = join(folder, 'mount');
  await mkdir(join(mount, '..1'), { recursive: true });
  await mkdir(join(mount, '..2'));
  await writeFile(join(mount, '..1', 'password'), 'old');
  await writeFile(join(mount, '..2', 'password'), 'new');
  await symlink('..1', join(mount, '..data'));
  await symlink('..data/password', join(mount, 'password'));
  const file = new PasswordFile(join(mount, 'password'), 'mesh-password-file');
  t.strictSame(await shown(file), ['old']);
  const { promise, resolve } = Promise.withResolvers<void>();
  file.watch(resolve);
  t.teardown(() => file.close());
  await symlink('..2', join(mount, '..data_tmp'));
  await rename(join(mount, '..data_tmp'), join(mount, '..data'));
  await promise;
  t.strictSame(await shown(file), ['new']);
});
