/** A speaker with BFD and BIRD with BFD: a BIRD that stands still costs the session within the Detection Time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { DownReason, PeerOptions, PeerStatus, PolicyChain } from '../../src/index.ts';
import { createSpeaker } from '../../src/index.ts';
import { createTopology, direct4, direct6, far4 } from './bfd-topology.ts';
import { run, until } from './daemons.ts';

const bfd = { desiredMinTxMs: 100, requiredMinRxMs: 100, detectMultiplier: 3 } as const;
/** BIRD's multiplier times the greater of what it sends at most and what we take at most, RFC 5880 §6.8.4. */
const detectionTimeMs = 4 * 100;
const prefix = '203.0.113.0/24';
const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };

const ways: readonly {
  name: string;
  addresses: readonly [string, string];
  bird: string;
  peer: Partial<PeerOptions>;
}[] = [
  { name: 'single hop, IPv4', addresses: direct4, bird: 'direct;', peer: {} },
  { name: 'single hop, IPv6', addresses: direct6, bird: 'direct;', peer: {} },
  { name: 'multihop, IPv4', addresses: far4, bird: 'multihop 2;', peer: { multihopTtl: 2 } },
];

const topology = await createTopology();
t.teardown(() => topology.stop());
const folder = mkdtempSync(join(tmpdir(), 'routelet-speaker-bfd-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const birdTiming = 'interval 100 ms; multiplier 4;';
const protocols = ways.map(
  ({ addresses: [ours, theirs], bird }, index) => `
    protocol bgp way${index} {
      local ${theirs} as 65002; neighbor ${ours} as 65001; ${bird} bfd on;
      connect delay time 1; connect retry time 1; error wait time 1, 2;
      ipv4 { import none; export all; ${theirs.includes(':') ? 'extended next hop on;' : ''} };
    }`,
);
writeFileSync(
  join(folder, 'bird.conf'),
  `router id 10.0.0.2; log stderr all; protocol device {}
   protocol static { ipv4; route ${prefix} blackhole; }
   protocol bfd { interface "*" { ${birdTiming} }; multihop { ${birdTiming} }; }
   ${protocols.join('\n')}`,
);
const socket = join(folder, 'bird.ctl');
const bird = topology.peer.spawn(
  'bird',
  '-f',
  '-c',
  join(folder, 'bird.conf'),
  '-s',
  socket,
  '-P',
  join(folder, 'pid'),
);
let log = '';
bird.stderr?.on('data', (chunk: Buffer) => {
  log += chunk;
});
const exited = new Promise<void>((resolve) => bird.once('close', () => resolve()));
t.teardown(async () => {
  bird.kill('SIGKILL');
  await exited;
});

const speaker = createSpeaker({ asn: 65001, routerId: '10.0.0.1', importPolicy: all, exportPolicy: all });
t.teardown(() => speaker.stop());
const downs = new Map<string, { at: number; reason: DownReason | undefined }>();
const warnings: string[] = [];
speaker.on('warning', ({ text }) => void warnings.push(text));
speaker.on('peer-state', ({ address, from, reason }) => {
  if (from === 'Established') downs.set(address, { at: performance.now(), reason });
});
for (const { addresses, peer } of ways) {
  const [localAddress, address] = addresses;
  const extendedNextHop = address.includes(':');
  speaker.addPeer({ address, asn: 65002, localAddress, extendedNextHop, connectRetryMs: 1_000, bfd, ...peer });
}
await speaker.start();

const up = ({ state, bfd: path, prefixesReceived }: PeerStatus): boolean =>
  state === 'Established' && path?.state === 'Up' && prefixesReceived === 1;
const told = (): string => `${JSON.stringify(speaker.peers())}\n${warnings.join('\n')}\n${log}`;

await t.test('both sides are up', async (test) => {
  await until(told, () => speaker.peers().length === ways.length && speaker.peers().every(up));
  const sessions = await run('birdc', '-s', socket, 'show', 'bfd', 'sessions');
  for (const { name, addresses } of ways) {
    const [ours] = addresses;
    test.ok(
      sessions.split('\n').some((line) => line.startsWith(`${ours} `) && / Up /.test(line)),
      `BIRD, ${name}`,
    );
  }
});

await t.test('a BIRD that stands still costs the sessions at once', async (test) => {
  const before = performance.now();
  bird.kill('SIGSTOP');
  await until(told, () => downs.size === ways.length);
  for (const { name, addresses } of ways) {
    const { at = 0, reason } = downs.get(addresses[1]) ?? {};
    const tookMs = at - before;
    test.comment(`| ${name}: detection time ${detectionTimeMs} ms, BGP session down after ${tookMs.toFixed(0)} ms`);
    test.match(reason, { kind: 'admin', code: 6, subcode: 10, text: /detection-time-expired/ }, name);
    // The hold time is 90 s.
    test.ok(tookMs < 10 * detectionTimeMs, 'within ten times');
  }
  await until('its routes are gone', () => [...speaker.routes()].length === 0);
});

await t.test('and they come back with it', async (test) => {
  bird.kill('SIGCONT');
  await until(told, () => speaker.peers().every(up), 40_000);
  for (const { address, established } of speaker.peers()) test.ok(established >= 2, address);
  test.strictSame(
    Array.from(speaker.routes(), (path) => path.prefix),
    [prefix],
  );
});
