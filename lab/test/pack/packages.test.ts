import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { projectRoot } from '../../src/levels/needs.ts';
import { installPackages, packPackages } from '../../src/pack.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelet-pack-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const tarballs = packPackages(folder);

function run(command: string, args: readonly string[], cwd: string) {
  return spawnSync(command, args, { cwd, encoding: 'utf8' });
}

t.test('a tarball carries what npm users need, and nothing of the tests', async (t) => {
  t.equal(Object.keys(tarballs).length, 4);
  for (const [name, file] of Object.entries(tarballs)) {
    const entries = run('tar', ['-tzf', file], folder)
      .stdout.trim()
      .split('\n')
      .map((entry) => entry.replace(/^package\//, ''));
    const main = name === '@routelet/agent' ? 'dist/main' : 'dist/index';
    for (const wanted of ['LICENSE', 'README.md', 'CHANGELOG.md', `${main}.js`, `${main}.d.ts`, `${main}.js.map`]) {
      t.ok(entries.includes(wanted), `${name} has ${wanted}`);
    }
    t.notOk(
      entries.some((entry) => /(^|\/)test\//.test(entry)),
      `${name} has no tests`,
    );
  }
});

/** Two speakers on loopback, far from any privileged port: one announces, the other learns. */
const program = `
import { createSpeaker, decodeMessage } from '@routelet/bgp';
import * as codec from '@routelet/bgp/codec';
const everything = { name: 'everything', statements: [], defaultVerdict: 'accept' };
const make = (asn, routerId, address, peer, peerAsn) => createSpeaker({ asn, routerId, listen: [{ address, port: 17900 }], importPolicy: everything, exportPolicy: everything });
const one = make(64501, '127.0.0.1', '127.0.0.1');
const two = make(64502, '127.0.0.2', '127.0.0.2');
one.addPeer({ address: '127.0.0.2', asn: 64502, port: 17900, localAddress: '127.0.0.1' });
two.addPeer({ address: '127.0.0.1', asn: 64501, port: 17900, localAddress: '127.0.0.2' });
one.announce({ prefix: '198.51.100.0/24' });
await one.start();
await two.start();
for await (const changes of two.bestPathChanges()) {
  const change = changes.find((each) => each.prefix === '198.51.100.0/24' && each.kind === 'best');
  if (!change) continue;
  console.log(JSON.stringify({ nextHop: change.path.nextHop, decode: typeof decodeMessage, codec: typeof codec.decodeMessage, uid: process.getuid() }));
  break;
}
await one.stop();
await two.stop();
`;

t.test('@routelet/bgp works from an empty project, without root and without native code', async (t) => {
  const project = join(folder, 'library');
  mkdirSync(project);
  installPackages(project, tarballs, ['@routelet/bgp'], { optional: false });
  t.notOk(existsSync(join(project, 'node_modules/koffi')), 'no native code was installed');
  writeFileSync(join(project, 'program.js'), program);
  // In a user namespace without a mapping every process is nobody.
  const { status, stdout, stderr } = run('unshare', ['--user', process.execPath, 'program.js'], project);
  t.equal(status, 0, stderr);
  t.match(JSON.parse(stdout), { nextHop: '127.0.0.1', decode: 'function', codec: 'function' });
  t.not(JSON.parse(stdout).uid, 0);
});

t.test('it works on the oldest Node it promises', async (t) => {
  const folder22 = join(folder, 'node22');
  mkdirSync(folder22);
  const installed = run('npm', ['install', '--no-audit', '--no-fund', 'node@22.19.0'], folder22);
  t.equal(installed.status, 0, installed.stderr);
  const node22 = join(folder22, 'node_modules/node/bin/node');
  t.match(run(node22, ['--version'], folder22).stdout, /^v22\.19\./);
  const { status, stdout, stderr } = run(node22, ['program.js'], join(folder, 'library'));
  t.equal(status, 0, stderr);
  t.match(JSON.parse(stdout), { nextHop: '127.0.0.1' });
});

t.test('a bundle that decodes one message has no speaker in it', async (t) => {
  const project = join(folder, 'library');
  t.equal(run('npm', ['install', '--no-audit', '--no-fund', 'esbuild@0.28.2'], project).status, 0);
  const bundle = (code: string): string => {
    writeFileSync(join(project, 'bundle.js'), code);
    const args = ['bundle.js', '--bundle', '--format=esm', '--platform=node', '--log-level=error'];
    const { status, stdout, stderr } = run(join(project, 'node_modules/.bin/esbuild'), args, project);
    t.equal(status, 0, stderr);
    return stdout;
  };
  const decoder = bundle("import { decodeMessage } from '@routelet/bgp';\nconsole.log(decodeMessage);\n");
  const speaker = bundle("import { createSpeaker } from '@routelet/bgp';\nconsole.log(createSpeaker);\n");
  t.match(speaker, /node:net/);
  t.notMatch(decoder, /node:net/);
  t.ok(decoder.length < speaker.length / 2, `${decoder.length} of ${speaker.length} bytes`);
});

t.test('its API reference can be made', async (t) => {
  const { status, stderr } = run('npm', ['run', '--silent', 'api'], projectRoot);
  t.equal(status, 0, stderr);
  for (const page of ['index.html', 'functions/index.createSpeaker.html', 'interfaces/index.Speaker.html']) {
    t.ok(existsSync(join(projectRoot, 'out/api', page)), page);
  }
});

t.test('its types are complete', async (t) => {
  const project = join(folder, 'library');
  writeFileSync(
    join(project, 'typed.ts'),
    "import { createSpeaker, type Speaker } from '@routelet/bgp';\nexport const speaker: Speaker = createSpeaker({ asn: 64512, routerId: '192.0.2.1' });\n",
  );
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', ''];
  const { status, stdout } = run('tsc', [...options, 'typed.ts'], project);
  t.equal(status, 0, stdout);
});

t.test('@routelet/agent installs its commands', async (t) => {
  const project = join(folder, 'agent');
  mkdirSync(project);
  installPackages(project, tarballs, ['@routelet/agent']);
  const { status, stdout, stderr } = run(process.execPath, ['node_modules/.bin/routelet-agent', '--version'], project);
  t.equal(status, 0, stderr);
  t.match(stdout, /0\.1\.0/);
  const asked = run(
    process.execPath,
    ['node_modules/.bin/routelet', 'status', '--socket=/nowhere/agent.sock'],
    project,
  );
  t.equal(asked.status, 1);
  t.match(asked.stderr, /no agent answers: there is no socket \/nowhere\/agent\.sock/);
});
