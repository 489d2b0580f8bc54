/**
 * Holds the documentation to the code: parts that are generated are up to date, and links, flags, metrics, test levels,
 * commands, log lines, annotations and package entries name what exists. Blocks of TypeScript are type-checked.
 * Those marked `run`, and blocks of shell so marked, are run and must print what the block marked `output` behind them shows.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';
import { parts as generated, replacePart } from '../../../docs/generate.ts';
import { PREFIX, rows } from '../../../packages/agent/src/metrics/registry.ts';
import { flags } from '../../../packages/agent/src/options/registry.ts';
import { projectRoot } from '../../src/levels/needs.ts';
import { levels } from '../../src/levels/table.ts';

interface Fence {
  /** What stands behind the opening back-ticks: `ts run`. */
  readonly info: string;
  readonly text: string;
}

interface Document {
  /** From the project's root. */
  readonly file: string;
  readonly text: string;
  readonly fences: readonly Fence[];
}

function document(file: string): Document {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  const fences = [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, info = '', body = '']) => ({
    info,
    text: body,
  }));
  return { file, text, fences };
}

const documents = globSync('{*.md,{docs,bench,lab,deploy,examples,packages}/**/*.md}', {
  cwd: projectRoot,
  exclude: (name) => /^(node_modules|dist)$/.test(name.split('/').at(-1) ?? ''),
}).map(document);
/** Those of the project as a whole; a package's own are its authors'. */
const guides = documents.filter(({ file }) => /^(README|CONTRIBUTING|docs\/[^/]+)\.md$/.test(file));

/** All sources that ship, as one text. */
const sources = globSync('packages/*/src/**/*.ts', { cwd: projectRoot })
  .map((file) => readFileSync(join(projectRoot, file), 'utf8'))
  .join('\n');

const matches = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, one = '']) => one)),
];

t.test('there is something to check', async (t) => {
  for (const file of ['README.md', 'CONTRIBUTING.md', 'docs/install.md', 'docs/embed.md']) {
    t.ok(
      guides.some((guide) => guide.file === file),
      file,
    );
  }
});

t.test('generated parts are as the code has them (node docs/generate.ts writes them anew)', async (t) => {
  t.ok(generated.length > 0);
  for (const { name, file, text } of generated) {
    const before = document(file).text;
    t.equal(replacePart(before, name, text()), before, `${name} in ${file}`);
  }
});

/** As GitHub makes anchors of headings. */
function anchors(text: string): Set<string> {
  const headings = matches(text, /^#{1,6} (.+)$/gm);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

t.test('every relative link leads somewhere', async (t) => {
  let checked = 0;
  for (const { file, text } of documents) {
    for (const link of matches(text, /\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = resolve(projectRoot, dirname(file), path === '' ? file.replace(/^.*\//, '') : path);
      t.ok(existsSync(target), `${file}: ${link}`);
      if (anchor !== undefined && existsSync(target)) {
        t.ok(anchors(readFileSync(target, 'utf8')).has(anchor), `${file}: ${link} is a heading`);
      }
      checked++;
    }
  }
  t.ok(checked > 10, `${checked} links`);
});

t.test('npm commands are scripts, levels and benches that exist', async (t) => {
  const { scripts }: { scripts: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  );
  const usage = spawnSync(process.execPath, [join(projectRoot, 'bench/src/main.ts')], { encoding: 'utf8' }).stderr;
  let named = 0;
  for (const { file, text } of documents) {
    for (const script of matches(text, /\bnpm run ([a-z]+)/g)) t.ok(script in scripts, `${file}: npm run ${script}`);
    for (const level of matches(text, /\bnpm test -- ([a-z]+(?: [a-z]+)*)/g).flatMap((words) => words.split(' '))) {
      named++;
      t.ok(
        levels.some(({ name }) => name === level),
        `${file}: npm test -- ${level}`,
      );
    }
    for (const bench of matches(text, /\bnpm run bench -- ([a-z-]+)/g)) {
      t.match(usage, new RegExp(`^ +${bench} `, 'm'), `${file}: npm run bench -- ${bench}`);
    }
  }
  t.ok(named > 0);
});

/** Long options of other programs that the documentation shows. */
const foreignFlags = new Set([
  ...['allocate-node-cidrs', 'cluster-cidr', 'service-cluster-ip-range'],
  ...['namespace', 'selector', 'tail', 'timeout', 'all-containers', 'from-file', 'dry-run', 'type', 'overwrite'],
  ...['limit', 'filename', 'all', 'socket', 'max-old-space-size', 'max-semi-space-size'],
  ...['node-ip', 'flag', 'expose-gc', 'inputs', 'seed'],
  ...['node-ip', 'flag', 'expose-gc', 'inputs', 'seed', 'corpus', 'minutes'],
  ...['net', 'pid', 'fork', 'kill-child', 'mount-proc', 'json', 'comment', 'random-fully', 'match-set', 'omit'],
]);

t.test('every flag in the guides exists', async (t) => {
  const ours = new Set(Object.values(flags).map(({ name }) => name));
  let seen = 0;
  for (const { file, text } of [...guides, document('packages/agent/README.md')]) {
    for (const flag of matches(text, /(?<![\w-])--([a-z][a-z0-9-]*[a-z0-9])(?![\w-])/g)) {
      if (ours.has(flag as never)) seen++;
      else t.ok(foreignFlags.has(flag), `${file}: --${flag}`);
    }
  }
  t.ok(seen > 10, `${seen} flags`);
});

t.test('every metric in the guides exists', async (t) => {
  const names = new Map(Object.values(rows).map(({ name, type }) => [`${PREFIX}${name}`, type as string]));
  for (const { file, text } of guides) {
    for (const metric of matches(text, /\b(kube_router_[a-z0-9_]*[a-z0-9])\b/g)) {
      const base = metric.replace(/_(bucket|sum|count)$/, '');
      t.ok(names.has(metric) || names.get(base) === 'histogram', `${file}: ${metric}`);
    }
  }
});

/** Whether the sources have the words, whole. */
function says(words: string): boolean {
  for (let at = sources.indexOf(words); at >= 0; at = sources.indexOf(words, at + 1)) {
    if (!/\w/.test(`${sources[at - 1]}`) && !/\w/.test(`${sources[at + words.length]}`)) return true;
  }
  return false;
}

t.test('log lines in the guides are those of the code', async (t) => {
  let parts = 0;
  for (const { file, fences } of guides) {
    for (const { text } of fences.filter(({ info }) => info === 'log')) {
      for (const line of text.trimEnd().split('\n')) {
        // `…` stands for what the code puts in; punctuation beside it may be part of that.
        for (const part of line.split('…').map((piece) => piece.replaceAll(/^[^\w"]+|[^\w"]+$/g, ''))) {
          if (part === '') continue;
          parts++;
          t.ok(says(part), `${file}: "${part}" of "${line}"`);
        }
      }
    }
  }
  t.ok(parts > 10, `${parts} parts of lines`);
});

t.test('the annotations that are read are those of the guide', async (t) => {
  const documented = matches(document('docs/annotations.md').text, /^\| `(kube-router\.io\/[a-z./-]+)`/gm);
  const read = globSync('packages/agent/src/**/*.ts', { cwd: projectRoot }).flatMap((file) =>
    matches(readFileSync(join(projectRoot, file), 'utf8'), /'(kube-router\.io\/[a-z./-]+[a-z])'/g),
  );
  t.ok(read.length > 0);
  t.strictSame([...new Set(documented)].sort(), [...new Set(read)].sort());
});

t.test('entries of packages in the guides are exported', async (t) => {
  let entries = 0;
  for (const { file, text } of guides) {
    for (const entry of matches(text, /(@routelet\/[a-z-]+(?:\/[a-z-]+)?)/g)) {
      const [, name = '', path] = entry.split('/');
      const manifest: { exports: object } = JSON.parse(
        readFileSync(join(projectRoot, 'packages', name, 'package.json'), 'utf8'),
      );
      if (path !== undefined) t.ok(`./${path}` in manifest.exports, `${file}: ${entry}`);
      entries++;
    }
  }
  t.ok(entries > 3);
});

interface Snippet {
  /** The document it stands in. */
  readonly file: string;
  readonly path: string;
  readonly runs: boolean;
  readonly output: string | undefined;
}

/** Below `lab`, from where all four packages are found. */
const folder = mkdtempSync(join(projectRoot, 'lab/test/unit/.docs-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const snippets = documents.flatMap(({ file, fences }): Snippet[] =>
  fences.flatMap(({ info, text }, index) => {
    const [, language = '', run] = /^(ts|sh)( run)?$/.exec(info) ?? [];
    if (language === '' || (language === 'sh' && run === undefined)) return [];
    const path = join(folder, `${file.replaceAll(/[/.]/g, '-')}-${index}.${language}`);
    writeFileSync(path, language === 'ts' ? `${text}export {};\n` : `exec 2>&1\n${text}`);
    const next = fences[index + 1];
    const output = next?.info === 'text output' ? next.text : undefined;
    return [{ file, path, runs: run !== undefined, output }];
  }),
);

t.test('TypeScript in the documents has the types of the packages', async (t) => {
  t.ok(snippets.length > 4, `${snippets.length} snippets`);
  const config = { extends: relative(folder, join(projectRoot, 'tsconfig.base.json')), include: ['*.ts'] };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions: { noEmit: true } }));
  const { status, stdout } = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  t.ok(status === 0 || stdout.includes('error TS'), `tsc ran: ${stdout}`);
  // What is wrong in the packages themselves, the level `check` says.
  const wrong = stdout.split('\n').filter((line) => line.includes('/.docs-'));
  t.strictSame(wrong, []);
});

t.test('what is marked to run runs, and prints what is shown', async (t) => {
  const running = snippets.filter(({ runs }) => runs);
  t.ok(running.length > 2, `${running.length} to run`);
  for (const { file, path, output } of running) {
    const program = path.endsWith('.ts') ? process.execPath : 'sh';
    const options = { cwd: projectRoot, encoding: 'utf8', timeout: 30_000 } as const;
    const { status, stdout, stderr } = spawnSync(program, [path], options);
    t.equal(status, 0, `${file}: ${stderr}`);
    if (output !== undefined) t.equal(stdout, output, `${file}: ${relative(folder, path)}`);
  }
});
