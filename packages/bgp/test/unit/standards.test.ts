/** `docs/standards.md` against the sources: what it names exists, and what they cite is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../../../..');
const sources = join(root, 'packages/bgp/src');
const tests = join(root, 'packages/bgp/test');
const text = readFileSync(join(root, 'docs/standards.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, rfcs = '', , where = '', shownBy = '']) => ({ rfcs, where: filesIn(where), shownBy: filesIn(shownBy) }));

function filesIn(cell: string): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, file = '']) => file);
}

t.test('each row names sources and tests that are there', async (t) => {
  t.ok(rows.length > 40, `${rows.length} rows`);
  for (const { rfcs, where, shownBy } of rows) {
    t.ok(where.length > 0 && shownBy.length > 0, rfcs);
    for (const file of where) t.ok(existsSync(join(sources, file)), `${rfcs}: ${file}`);
    for (const file of shownBy) t.ok(existsSync(join(tests, file)), `${rfcs}: ${file}`);
  }
});

t.test('each RFC that the sources cite is named', async (t) => {
  const besides = text.slice(text.indexOf('Cited besides'));
  const listed = new Set(
    [...rows.map(({ rfcs }) => rfcs), besides].flatMap((part) => part.match(/\b\d{3,5}\b/g) ?? []),
  );
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  t.not(files.length, 0);
  const missing = files.flatMap((file) =>
    Array.from(readFileSync(join(sources, file), 'utf8').matchAll(/RFC (\d+)/g), ([, rfc = '']) => rfc)
      .filter((rfc) => !listed.has(rfc))
      .map((rfc) => `${file}: RFC ${rfc}`),
  );
  t.strictSame(missing, []);
});
