import files, { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { ManifestsSource } from '../../../../src/cluster/manifests/source.ts';
import { ClusterStore } from '../../../../src/cluster/store.ts';
import { capturedLog } from '../../captured-log.ts';
import { nodesBecome, nodesOf } from '../store-content.ts';

const node = (name: string, cidr = '10.244.1.0/24') =>
  `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, spec: {podCIDR: ${cidr}}}\n`;

/** What `readdir` of node:fs/promises is from now on, everywhere: the race itself cannot be made to happen. */
function listWith(readdir: typeof files.readdir): void {
  files.readdir = readdir;
  syncBuiltinESMExports();
}

async function started(t: Test, files: Readonly<Record<string, string>>) {
  const base = await mkdtemp(join(tmpdir(), 'routelet-manifests-'));
  const folder = join(base, 'manifests');
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { log, says } = capturedLog();
  const store = new ClusterStore();
  const source = new ManifestsSource(folder, ['Node'], store, log);
  t.teardown(async () => {
    await source.stop();
    await rm(base, { recursive: true });
  });
  await source.start(new AbortController().signal);
  const becomes = async (...wanted: readonly string[]) => {
    await nodesBecome(store, wanted);
    t.pass(`the store has ${wanted}`);
  };
  return { base, folder, store, becomes, says };
}

t.test('the first reading is complete when start resolves', async (t) => {
  const { store } = await started(t, {
    'a.yaml': node('a'),
    'b.yml': node('b'),
    'c.json': JSON.stringify({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'c' },
      spec: { podCIDR: '10.244.3.0/24' },
    }),
    'readme.txt': 'not read',
    '.hidden.yaml': node('hidden'),
  });
  t.same(nodesOf(store), ['a 10.244.1.0/24', 'b 10.244.1.0/24', 'c 10.244.3.0/24']);
});

t.test('a file that a listing beside a rename does not show is still there', async (t) => {
  const { folder, store, becomes } = await started(t, { 'a.yaml': node('a'), 'b.yaml': node('b') });
  const { readdir } = files;
  let listings = 0;
  t.teardown(() => listWith(readdir));
  listWith((async (path: string) => {
    listings++;
    return (await readdir(path)).filter((name) => name !== 'a.yaml');
  }) as typeof readdir);
  const gone: string[] = [];
  store.subscribe((changes) => {
    for (const { type, object } of changes) if (type === 'deleted') gone.push(object.metadata.name);
  });
  await writeFile(join(folder, 'b.yaml'), node('b', '10.244.9.0/24'));
  await becomes('a 10.244.1.0/24', 'b 10.244.9.0/24');
  t.ok(listings > 0, 'the folder was listed without it');
  t.strictSame(gone, []);
  await rm(join(folder, 'a.yaml'));
  await becomes('b 10.244.9.0/24');
});

t.test('changes in place, by rename, new and removed files', async (t) => {
  const { folder, becomes } = await started(t, { 'a.yaml': node('a') });
  await writeFile(join(folder, 'a.yaml'), node('a', '10.244.9.0/24'));
  await becomes('a 10.244.9.0/24');
  await writeFile(join(folder, '.a.yaml.tmp'), node('a', '10.244.8.0/24'));
  await rename(join(folder, '.a.yaml.tmp'), join(folder, 'a.yaml'));
  await becomes('a 10.244.8.0/24');
  await writeFile(join(folder, 'b.yaml'), node('b'));
  await becomes('a 10.244.8.0/24', 'b 10.244.1.0/24');
  await rm(join(folder, 'a.yaml'));
  await becomes('b 10.244.1.0/24');
});

t.test('a folder that is never quiet is read all the same', async (t) => {
  const { folder, store } = await started(t, { 'a.yaml': node('a', '10.244.0.0/24') });
  const read = new Set<string>();
  t.teardown(store.subscribe(() => read.add(nodesOf(store).join())));
  const changes = 150;
  // Faster than the quiet time, for less than the time after which a folder is read in any case.
  for (let number = 1; number <= changes; number++) {
    await writeFile(join(folder, 'a.yaml'), node('a', `10.244.${number}.0/24`));
    await pause(20);
  }
  t.ok(read.size >= 2, `${read.size} states were read while ${changes} were written`);
});

t.test('a broken file is named with its line and loses nothing', async (t) => {
  const { folder, becomes, says } = await started(t, { 'a.yaml': node('a'), 'b.yaml': node('b') });
  await writeFile(join(folder, 'a.yaml'), `${node('a')}---\nmetadata: {`);
  await writeFile(join(folder, 'c.yaml'), node('c'));
  await says(/"error".*a\.yaml line 3: expected YAML/);
  await becomes('a 10.244.1.0/24', 'b 10.244.1.0/24', 'c 10.244.1.0/24');
  await writeFile(join(folder, 'a.yaml'), node('a', '10.244.9.0/24'));
  await becomes('a 10.244.9.0/24', 'b 10.244.1.0/24', 'c 10.244.1.0/24');
});

t.test('the links of a mounted ConfigMap', async (t) => {
  // As the kubelet's atomic writer lays a volume out: data folders, ..data to the one in force, files as links through it.
  const { folder, becomes } = await started(t, {});
  await mkdir(join(folder, '..1'));
  await writeFile(join(folder, '..1', 'a.yaml'), node('a'));
  await symlink('..1', join(folder, '..data'));
  await symlink('..data/a.yaml', join(folder, 'a.yaml'));
  await becomes('a 10.244.1.0/24');
  await mkdir(join(folder, '..2'));
  await writeFile(join(folder, '..2', 'a.yaml'), node('a', '10.244.2.0/24'));
  await symlink('..2', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await rm(join(folder, '..1'), { recursive: true });
  await becomes('a 10.244.2.0/24');
});

t.test('a folder that goes away changes nothing; another one in its place is followed', async (t) => {
  const { base, folder, store, becomes, says } = await started(t, { 'a.yaml': node('a') });
  await rename(folder, join(base, 'old'));
  await says(/folder of manifests cannot be read; its objects stay as they are/);
  t.same(nodesOf(store), ['a 10.244.1.0/24']);
  await mkdir(join(base, 'new'));
  await writeFile(join(base, 'new', 'b.yaml'), node('b'));
  await rename(join(base, 'new'), folder);
  await becomes('b 10.244.1.0/24');
});

t.test('a folder that is not there is an error at start', async (t) => {
  const { log } = capturedLog();
  for (const folder of ['/nonexistent/manifests', import.meta.filename]) {
    const source = new ManifestsSource(folder, ['Node'], new ClusterStore(), log);
    await t.rejects(source.start(new AbortController().signal), {
      code: 'manifests-folder',
      message: new RegExp(`^--manifests: "${folder}" is no readable folder: (ENOENT|ENOTDIR)`),
    });
    await source.stop();
  }
});
