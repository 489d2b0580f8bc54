import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { recordToFile, replay } from '../../../src/recorder/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelet-recording-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const options = { asn: 64_500, routerId: '192.0.2.1', listen: [{ address: '127.0.0.1', port: 0 }] };

t.test('a speaker of this process, into a file', async (t) => {
  const path = join(folder, 'speaker.jsonl');
  const { speaker, close } = recordToFile(options, path);
  const read: string[] = [];
  const controller = new AbortController();
  const reader = (async () => {
    for await (const changes of speaker.bestPathChanges({ signal: controller.signal })) {
      for (const { kind, prefix } of changes) read.push(`${kind} ${prefix}`);
      if (read.length < 2) speaker.withdraw('203.0.113.0/24');
      else controller.abort();
    }
  })();
  speaker.announce({ prefix: '203.0.113.0/24', nextHop: '192.0.2.1' });
  await speaker.start();
  await reader;
  t.strictSame(read, ['best 203.0.113.0/24', 'withdrawn 203.0.113.0/24']);
  await speaker.stop();
  await close();
  const { difference, outputs } = await replay(readFileSync(path, 'utf8'));
  t.equal(difference, undefined, difference?.text ?? '');
  t.equal(outputs.filter(({ kind }) => kind === 'changes').length, 3, 'two changes and the end of the stream');
});

t.test('an address that cannot be bound', async (t) => {
  const path = join(folder, 'unbound.jsonl');
  const { speaker, close } = recordToFile({ ...options, listen: [{ address: '192.0.2.77', port: 0 }] }, path);
  await t.rejects(speaker.start());
  await close();
  const { difference, outputs } = await replay(readFileSync(path, 'utf8'));
  t.equal(difference, undefined, difference?.text ?? '');
  t.match(outputs.at(-1), { kind: 'settled', command: 'start', error: /EADDRNOTAVAIL/ });
});

t.test('a file that cannot be written leaves the speaker alone', async (t) => {
  const { speaker, close } = recordToFile(options, join(folder, 'nowhere', 'speaker.jsonl'));
  await speaker.start();
  speaker.announce({ prefix: '203.0.113.0/24', nextHop: '192.0.2.1' });
  t.ok(speaker.bestPath('203.0.113.0/24'));
  await speaker.stop();
  await t.rejects(close(), { code: 'ENOENT' });
});

t.test('the example of the README runs', async (t) => {
  const root = join(import.meta.dirname, '../../..');
  const examples = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g);
  const example = Array.from(examples, ([, code = '']) => code).find((code) => code.includes('recordToFile'));
  mkdirSync(join(folder, 'node_modules/@routelet'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/@routelet/bgp'));
  writeFileSync(join(folder, 'example.mts'), example ?? 'nothing');
  const { stdout } = await promisify(execFile)(process.execPath, ['example.mts'], { cwd: folder });
  t.match(stdout, /^[1-9]\d* outputs as recorded\n$/);
});
