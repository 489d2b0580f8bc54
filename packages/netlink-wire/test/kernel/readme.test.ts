/** The example of the README runs and prints what it says. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';

t.test('the example', async (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  t.match(example, 'Rtnetlink.open');
  const source = example.replace('@routelet/netlink-wire', new URL('../../src/index.ts', import.meta.url).href);
  const words = ['--input-type=module-typescript', '-e', source];
  const { stdout, status } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 30_000 });
  t.equal(status, 0);
  const promised = /^\/\/ (\[.*\])$/m.exec(example)?.[1] ?? 'nothing promised';
  t.match(stdout, promised);
  t.match(stdout, 'new 192.0.2.0 true');
});
