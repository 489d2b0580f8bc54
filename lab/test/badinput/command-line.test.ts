import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createLab, ManifestFolder, nodeManifests, podRoutes, startAgent } from '../../src/index.ts';

// Bounded by its conditions and by the runner, not by tap's own 30 s.
t.setTimeout(0);

const lab = await createLab();
const [manifest] = nodeManifests(1);
if (!manifest) throw new Error('a manifest was asked for');
const node = await lab.node({ name: manifest.name, ipv4: '192.0.2.11/24', ipv6: '2001:db8::11/64' });
const folder = await ManifestFolder.create(join(lab.folder, 'manifests'));
await folder.writeNode(manifest);

/** What an earlier life of the agent programmed: nothing below may cost it. */
await node.exec(['ip', 'route', 'add', '10.244.2.0/24', 'via', '192.0.2.12', 'proto', '17']);
const programmed = await podRoutes(node);
t.equal(programmed.length, 1);

interface WrongStart {
  readonly what: string;
  readonly flags: readonly string[];
  /** The one line of the error: thing, value, what was expected. */
  readonly line: RegExp;
}

const starts: readonly WrongStart[] = [
  { what: 'an unknown flag', flags: ['--no-such-flag'], line: /unknown flag: --no-such-flag/ },
  { what: 'a positional argument', flags: ['positional'], line: /unrecognized positional argument\(s\): positional/ },
  { what: 'a number that is none', flags: ['--bgp-port=many'], line: /--bgp-port.*"?many"?.*(?:expected|number)/ },
  { what: 'a port out of range', flags: ['--metrics-port=65535'], line: /--metrics-port.*65535.*65534/ },
  { what: 'an AS number that is reserved', flags: ['--cluster-asn=23456'], line: /--cluster-asn.*23456.*64512/ },
  {
    what: 'an address that is none',
    flags: ['--peer-router-ips=192.0.2.300', '--peer-router-asns=64600'],
    line: /--peer-router-ips.*192\.0\.2\.300.*expected/,
  },
  {
    what: 'lists of unequal length',
    flags: ['--peer-router-ips=192.0.2.1', '--peer-router-asns=64600,64601'],
    line: /--peer-router-asns.*expected as many.*2 and 1/,
  },
  {
    what: 'a CIDR where an address belongs',
    flags: ['--router-id=192.0.2.0/24'],
    line: /--router-id.*192\.0\.2\.0\/24.*IPv4/,
  },
  {
    what: 'a duration that is none',
    flags: ['--routes-sync-period=soon'],
    line: /--routes-sync-period.*"soon".*expected a duration/,
  },
  {
    what: 'a feature that is not built, asked for',
    flags: ['--gobgp-admin-port=1'],
    line: /--gobgp-admin-port: GoBGP admin API is not built yet; only --gobgp-admin-port=0 is accepted/,
  },
];

for (const { what, flags, line } of starts) {
  t.test(`${what} ends the start with one line that says so`, async (t) => {
    const agent = startAgent(node, { manifests: folder.path, flags });
    const status = await agent.process.untilExit();
    t.not(status.code, 0);
    t.equal(agent.process.lines.length, 1, agent.process.tail());
    t.match(agent.process.tail(), line);
    t.same(await podRoutes(node), programmed, 'the kernel is as it was');
  });
}

t.test('without root it says so', async (t) => {
  // In a user namespace without a mapping every process is nobody, and can still read the files of its real user.
  const agent = startAgent(node, { manifests: folder.path, under: ['unshare', '--user'] });
  t.not((await agent.process.untilExit()).code, 0);
  t.match(agent.process.tail(), / ERROR .*not root: .*expected.* 0/);
  t.equal(agent.logged(['ERROR'], /./).length, 1);
});

for (const [name, port, flag] of [
  ['health', 20244, '--health-port'],
  ['metrics', 8080, '--metrics-port'],
] as const) {
  t.test(`a ${name} port that is in use ends the start and is named`, async (t) => {
    const holder = await node.listen('tcp', port);
    const agent = startAgent(node, { manifests: folder.path });
    t.not((await agent.process.untilExit()).code, 0);
    const errors = agent.logged(['ERROR'], /./);
    t.equal(errors.length, 1, agent.process.tail());
    t.match(errors[0], new RegExp(`${port}.*in use|in use.*${port}|EADDRINUSE.*${port}`));
    t.match(errors[0], flag);
    t.same(await podRoutes(node), programmed);
    await holder.stop();
  });
}

t.test('a folder of manifests that is not there is named', async (t) => {
  const agent = startAgent(node, { manifests: join(lab.folder, 'nowhere'), flags: ['--cache-sync-timeout=1s'] });
  t.not((await agent.process.untilExit()).code, 0);
  t.match(agent.logged(['ERROR'], /./).join('\n'), /nowhere/);
});

t.test('a CNI file that is no JSON ends the start and is named (C-5)', async (t) => {
  await writeFile(node.cniConfFile, 'bridge: kube-bridge\n');
  const agent = startAgent(node, { manifests: folder.path });
  t.not((await agent.process.untilExit()).code, 0);
  const errors = agent.logged(['ERROR'], /./);
  t.equal(errors.length, 1, agent.process.tail());
  t.match(errors[0], /10-kuberouter\.conflist.*not JSON.*expected/);
  t.same(await podRoutes(node), programmed);
  await rm(join(node.folder, 'cni'), { recursive: true });
  await mkdir(join(node.folder, 'cni'));
  await node.writeCniConf();
});
