import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { projectRoot } from '../../src/levels/needs.ts';

function depcruise(folder: string): { status: number | null; text: string } {
  const args = ['packages', '--config', '.dependency-cruiser.mjs', '--output-type', 'err'];
  const { status, stdout, stderr } = spawnSync(join(projectRoot, 'node_modules/.bin/depcruise'), args, {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, text: `${stdout}${stderr}` };
}

t.test('imports point down', async (t) => {
  const { status, text } = depcruise(projectRoot);
  t.equal(status, 0, text);
  t.match(text, /\b\d{3,} modules/, 'the modules are found');
});

/** Lines that somebody might add, and the rule that must name each. */
const wrongImports = [
  {
    file: 'packages/netlink-wire/src/wire/reader.ts',
    line: "import '@routelet/rib';",
    rule: 'netlink-wire: packages import down',
  },
  {
    file: 'packages/bgp/src/iana.ts',
    line: "import '../../netlink-wire/src/index.ts';",
    rule: 'bgp: packages import down',
  },
  { file: 'packages/rib/src/model.ts', line: "import '../../bgp/src/iana.ts';", rule: 'rib: packages import down' },
  {
    file: 'packages/bgp/src/message/header.ts',
    line: "import '../session/session.ts';",
    rule: 'bgp: message imports down',
  },
  {
    file: 'packages/bgp/src/fsm/machine.ts',
    line: "import 'node:net';",
    rule: 'bgp: core knows no Node and no native code',
  },
  { file: 'packages/bgp/src/table/decision.ts', line: "import 'koffi';", rule: 'bgp: native code stays in shells' },
  {
    file: 'packages/bgp/src/iana.ts',
    line: "import type {} from './errors.ts';\nimport './iana-cycle.ts';",
    rule: 'no cycle',
    extra: { file: 'packages/bgp/src/iana-cycle.ts', text: "import './iana.ts';\n" },
  },
  { file: 'packages/agent/src/router/routes.ts', line: "import '../main.ts';", rule: 'agent: router imports down' },
  {
    file: 'packages/agent/src/annotations/peers.ts',
    line: "import 'node:fs';",
    rule: 'agent: core knows no Node and no native code',
  },
];

t.test('a wrong import is found', async (t) => {
  for (const { file, line, rule, extra } of wrongImports) {
    const copy = mkdtempSync(join(tmpdir(), 'routelet-layers-'));
    t.teardown(() => rmSync(copy, { recursive: true, force: true }));
    const filter = (source: string): boolean => !/\/(test|dist)(\/|$)/.test(source);
    for (const name of ['packages', '.dependency-cruiser.mjs', 'package.json'])
      cpSync(join(projectRoot, name), join(copy, name), { recursive: true, filter, verbatimSymlinks: true });
    symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
    appendFileSync(join(copy, file), `\n${line}\n`);
    if (extra) writeFileSync(join(copy, extra.file), extra.text);
    const { status, text } = depcruise(copy);
    t.not(status, 0, `${line} in ${file}`);
    t.match(text, rule, `${line} in ${file} breaks «${rule}»`);
  }
});

/** What only shells may touch; the linter holds the core folders to it. */
const impureLines = [
  'export const time = Date.now();',
  'export const chance = Math.random();',
  "export const log = () => console.log('x');",
  'export const wait = () => setTimeout(() => undefined, 1);',
  "export const home = process.env['HOME'];",
];

t.test('an impure line in a core folder is found', async (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'routelet-pure-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of ['biome.json', 'no-random.grit', '.gitignore']) cpSync(join(projectRoot, name), join(copy, name));
  symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
  const lint = (file: string, line: string): number | null => {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), `${line}\n`);
    return spawnSync('biome', ['lint', '--error-on-warnings', file], { cwd: copy }).status;
  };
  t.ok(impureLines.length > 0);
  for (const line of impureLines) {
    t.not(lint('packages/bgp/src/fsm/added.ts', line), 0, line);
    t.equal(lint('packages/bgp/src/session/node-added.ts', line), 0, `${line} in a shell`);
  }
});
