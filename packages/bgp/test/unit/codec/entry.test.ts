/** The entries for tools (`codec`, `mrt`, `pcap`) load what they need and nothing else: no speaker, no session, no Node module. */

import { readFileSync } from 'node:fs';
import t from 'tap';

const source = new URL('../../../src/', import.meta.url);

/** All modules that an entry loads, itself included: files by their path in src, others by their name. */
function loadedBy(entry: string): Set<string> {
  const loaded = new Set<string>();
  const visit = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    const text = readFileSync(new URL(path, source), 'utf8');
    for (const [, clause, specifier] of text.matchAll(/^(?:import|export) ([^;]*?)from '([^']+)';/gms)) {
      // Types are erased: nothing is loaded for them.
      if (specifier === undefined || clause?.startsWith('type ')) continue;
      if (!specifier.startsWith('.')) loaded.add(specifier);
      else visit(new URL(specifier, new URL(path, source)).href.slice(source.href.length));
    }
  };
  visit(entry);
  return loaded;
}

t.test('codec', async (t) => {
  const loaded = loadedBy('codec.ts');
  t.ok(loaded.has('message/update.ts') && loaded.has('attribute/origin.ts'));
  const layer = /^(codec|address|bytes|errors|iana)\.ts$|^(attribute|capability|family|message|wire)\//;
  t.strictSame(
    [...loaded].filter((path) => !layer.test(path)),
    [],
  );
});

for (const entry of ['mrt', 'pcap']) {
  t.test(entry, async (t) => {
    const loaded = loadedBy(`${entry}/index.ts`);
    t.ok(loaded.has('wire/reader.ts'));
    const layer = new RegExp(
      `^(address|bytes|errors|iana)\\.ts$|^(attribute|capability|family|message|wire|${entry})/`,
    );
    t.strictSame(
      [...loaded].filter((path) => !layer.test(path)),
      [],
    );
  });
}

t.test('the whole package loads BFD only for a peer that asks for it', async (t) => {
  t.strictSame(
    [...loadedBy('index.ts')].filter((path) => path.startsWith('bfd/')),
    [],
  );
  t.match(readFileSync(new URL('speaker/create-speaker.ts', source), 'utf8'), "import('../bfd/");
});

t.test('the whole package does load more', async (t) => {
  t.ok(
    [...loadedBy('index.ts')].some((path) => path.startsWith('speaker/')),
    'so the test above can fail',
  );
});
