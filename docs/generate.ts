/**
 * The parts of the documentation that are made of the code: tables of its registries, and an example that is real.
 * `node docs/generate.ts` writes them anew between their markers; a unit test fails when one says something else.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Level, levels, type Need } from '../lab/src/levels/table.ts';
import { type AnnotationRow, annotations } from '../packages/agent/src/annotations/registry.ts';
import { type CommandRow, commands } from '../packages/agent/src/ask/commands.ts';
import type { AskName } from '../packages/agent/src/ask/model.ts';
import { rows as metricRows, PREFIX } from '../packages/agent/src/metrics/registry.ts';
import type { Flag, KnownFlag } from '../packages/agent/src/options/flag.ts';
import { sections } from '../packages/agent/src/options/registry.ts';

const root = resolve(import.meta.dirname, '..');
const annotationRows: readonly AnnotationRow[] = Object.values(annotations);

export interface GeneratedPart {
  /** Stands in the markers: `<!-- generated: name -->` and `<!-- end: name -->`. */
  readonly name: string;
  /** From the project's root. */
  readonly file: string;
  readonly text: () => string;
}

export const parts: readonly GeneratedPart[] = [
  ...Object.entries(sections).map(([heading, section]) => ({
    name: `flags, ${heading}`,
    file: 'docs/flags.md',
    text: () => flagTable(Object.values<Flag<unknown>>(section)),
  })),
  { name: 'known flags', file: 'docs/flags.md', text: knownFlags },
  ...[...new Set(annotationRows.map(({ object }) => object))].map((object) => ({
    name: `annotations of ${object}`,
    file: 'docs/annotations.md',
    text: () => annotationTable(annotationRows.filter((row) => row.object === object)),
  })),
  { name: 'commands', file: 'docs/operate.md', text: commandTable },
  { name: 'metrics', file: 'docs/operate.md', text: metrics },
  { name: 'levels', file: 'CONTRIBUTING.md', text: testLevels },
  { name: 'attribute', file: 'CONTRIBUTING.md', text: attributeDiff },
];

/** `text` with the part `name` in its place. Throws when its markers are not there. */
export function replacePart(text: string, name: string, part: string): string {
  const [start, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no place for "${name}": expected ${start} and ${end}`);
  return `${text.slice(0, from + start.length)}\n${part}\n${text.slice(to)}`;
}

function flagTable(flags: readonly Flag<unknown>[]): string {
  return markdown(
    ['Flag', 'Type', 'Default', 'Values', 'Meaning'],
    flags.map((flag) => [
      code(`${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}`),
      flag.kind.name,
      shown(flag.kind.format(flag.default)),
      valuesOf(flag),
      flag.status === 'known' ? `${flag.description} (not built yet)` : flag.description,
    ]),
  );
}

/** A value of each kind that no flag with limits of its own takes: the flag then says what it takes. */
const beyond: Readonly<Record<string, unknown>> = {
  duration: -1,
  uint: 1,
  string: 'a value',
  'uint,...': [0],
  'cidr,...': [],
};

function valuesOf({ kind, check }: Flag<unknown>): string {
  if (check === undefined || !(kind.name in beyond)) return kind.expected;
  return check(beyond[kind.name]) ?? kind.expected;
}

function annotationTable(rows: readonly AnnotationRow[]): string {
  return markdown(
    ['Annotation', 'Type', 'Without it', 'Values', 'Meaning', 'A change touches at once', 'Example'],
    rows.map((row) => [
      code(row.name),
      row.type,
      row.default,
      row.validation,
      row.deprecated === undefined ? row.meaning : `deprecated; ${row.meaning}`,
      row.effect,
      code(row.example),
    ]),
  );
}

function knownFlags(): string {
  const known = Object.values(sections)
    .flatMap((section) => Object.values<Flag<unknown>>(section))
    .filter((flag): flag is KnownFlag<unknown> => flag.status === 'known');
  return markdown(
    ['Flag', 'Part', 'When it is given'],
    known.map((flag) => [code(`--${flag.name}`), flag.part, taken(flag)]),
  );
}

function taken(flag: KnownFlag<unknown>): string {
  const values = (flag.off ?? []).map((value) => code(flag.kind.format(value))).join(', ');
  const onByDefault = flag.off !== undefined && !flag.off.includes(flag.default);
  const left = onByDefault ? '; left out: one warning at start' : '';
  if (flag.tolerated) return `${values}: fine; another value: one warning at start${left}`;
  return values === '' ? 'an error' : `${values}: fine; another value: an error${left}`;
}

function commandTable(): string {
  const rows = Object.entries<Pick<CommandRow<AskName>, 'about' | 'arguments' | 'options'>>(commands);
  return markdown(
    ['Command', 'Answers'],
    rows.map(([name, row]) => {
      const options = (row.options ?? []).map(([form]) => `[${form.replace(/^-\w, /, '')}]`);
      const words = [
        ...options,
        ...(row.arguments ?? []).map(([form]) => (form.startsWith('[') ? `[-- ${form.slice(1)}` : form)),
      ];
      return [code(['routelet', name, ...words].join(' ')), row.about];
    }),
  );
}

function metrics(): string {
  return markdown(
    ['Metric', 'Type', 'Labels', 'Meaning'],
    Object.values(metricRows).map(({ name, type, labels, help }) => [
      code(`${PREFIX}${name}`),
      type,
      labels.map(code).join(', '),
      help,
    ]),
  );
}

function testLevels(): string {
  return markdown(
    ['Level', 'What it shows', 'Needs'],
    levels.map(({ name, about, needs }) => [code(name), about, needsOf(needs)]),
  );
}

/** Needs that `lab/run` cannot install; programs that are missing are named by the runner. */
const needWords: { readonly [K in Exclude<Need['kind'], 'command' | 'file'>]: string } = {
  root: 'root',
  data: 'a folder of BGP data',
  kubernetes: 'Go',
  gobgp: 'Go',
  image: 'dpkg',
  guest: 'x86-64, apt-get',
};

function needsOf(needs: Level['needs']): string {
  const words = needs.flatMap(({ kind }) => (kind === 'command' || kind === 'file' ? [] : [needWords[kind]]));
  return [...new Set(words)].join(', ');
}

/** What adding an attribute takes, as it was done for one. */
function attributeDiff(): string {
  const folder = 'packages/bgp/src/attribute';
  const lines = (file: string, pattern: RegExp) => {
    const found = source(file).filter((line) => pattern.test(line));
    if (found.length === 0) throw new Error(`nothing in ${file} matches ${pattern}`);
    return [`+++ ${file}`, ...found.map((line) => `+${line}`)];
  };
  const cases = 'packages/bgp/test/unit/codec/rfc7606.test.ts';
  return [
    '```diff',
    ...lines(`${folder}/ipv6-extended-communities.ts`, /^/),
    ...lines(`${folder}/registry.ts`, /ipv6ExtendedCommunities/),
    ...lines(cases, /^ +(\[|\{ type: )ipv6ExtendedCommunities,/),
    '```',
  ].join('\n');
}

function source(file: string): string[] {
  return readFileSync(resolve(root, file), 'utf8').trimEnd().split('\n');
}

function shown(value: string): string {
  return value === '' ? '' : code(value);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Columns are as wide as their widest cell, which is how the formatter leaves a table. */
function markdown(head: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [head, ...body].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [first = [], ...rest] = rows;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n');
}

if (import.meta.main) {
  for (const { name, file, text } of parts) {
    const path = resolve(root, file);
    writeFileSync(path, replacePart(readFileSync(path, 'utf8'), name, text()));
  }
  console.log(`written: ${parts.map(({ name, file }) => `${name} (${file})`).join(', ')}`);
}
