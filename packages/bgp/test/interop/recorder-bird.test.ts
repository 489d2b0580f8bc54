/** A live session with BIRD is recorded into a file, through a session reset and route churn, and replayed without BIRD. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { PolicyChain } from '../../src/policy/model.ts';
import { readRecording, recordToFile, replay } from '../../src/recorder/index.ts';
import { addAddresses, bird, type DaemonKind, run, startDaemon, until } from './daemons.ts';
import { ours, setup, theirs } from './speaker-scenarios.ts';

const password = 'a key of TCP MD5';
const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
const churned = Array.from({ length: 300 }, (_, index) => `10.9.${index >> 8}.${index & 255}/32`);

const withChurn: DaemonKind = {
  ...bird,
  files: (of, folder) => {
    const { 'bird.conf': text = '' } = bird.files(of, folder);
    const routes = churned.map((prefix) => `route ${prefix} blackhole;`).join(' ');
    return { 'bird.conf': `${text}\nprotocol static churn { ipv4; ${routes} }` };
  },
};

await addAddresses(ours.address, theirs.address);
const daemon = await startDaemon(withChurn, { ...setup, password });
const birdc = (...words: string[]): Promise<string> => run('birdc', '-s', join(daemon.folder, 'bird.ctl'), ...words);
const folder = mkdtempSync(join(tmpdir(), 'routelet-recording-'));
const path = join(folder, 'session.jsonl');

async function record(): Promise<{ established: number; changes: number }> {
  const { speaker, close } = recordToFile(
    {
      asn: ours.asn,
      routerId: ours.address,
      listen: [{ address: ours.address }],
      importPolicy: all,
      exportPolicy: all,
    },
    path,
  );
  let established = 0;
  let changes = 0;
  speaker.on('peer-state', ({ to }) => {
    if (to === 'Established') established += 1;
  });
  const reader = (async () => {
    for await (const batch of speaker.bestPathChanges()) changes += batch.length;
  })();
  const count = (): number => Array.from(speaker.routes('ipv4-unicast')).filter(({ from }) => from !== 'local').length;
  speaker.addPeer({
    address: theirs.address,
    asn: theirs.asn,
    localAddress: ours.address,
    families: ['ipv4-unicast', 'ipv6-unicast'],
    connectRetryMs: 1000,
    password,
  });
  speaker.announce({ prefix: '192.0.2.0/24', nextHop: ours.address, attributes: { communities: [0xfde90007] } });
  await speaker.start();
  await until('the routes of BIRD', () => count() === churned.length + 1);
  for (let round = 0; round < 3; round++) {
    await birdc('disable', 'churn');
    await until('they are withdrawn', () => count() === 1);
    speaker.announce({ prefix: '198.51.100.0/24', attributes: { multiExitDisc: round } });
    await birdc('enable', 'churn');
    await until('they are back', () => count() === churned.length + 1);
  }
  await birdc('restart', 'routelet');
  await until('the session is reset and back', () => established >= 2 && count() === churned.length + 1);
  speaker.withdraw('198.51.100.0/24');
  await until(
    'BIRD knows',
    async () => !(await birdc('show', 'route', 'protocol', 'routelet')).includes('198.51.100.0/24'),
  );
  await speaker.stop({ text: 'recorded' });
  await reader;
  await close();
  return { established, changes };
}

try {
  const { established, changes } = await record();
  const recording = readFileSync(path, 'utf8');

  await t.test('the recording', async (t) => {
    const { turns, truncated } = readRecording(recording);
    t.ok(established >= 2, `${established} times Established`);
    t.ok(changes > churned.length * 7, `${changes} changes of best paths`);
    t.notOk(truncated);
    t.ok(turns.length > 50, `${turns.length} turns, ${recording.length} characters`);
    t.equal(statSync(path).mode & 0o077, 0, 'nobody else may read it');
    t.notMatch(recording, password);
    t.match(recording, '"password":"redacted-1"');
  });

  await t.test('its replay', async (t) => {
    const { turns } = readRecording(recording);
    const { outputs, difference, turns: played } = await replay(recording);
    t.equal(difference, undefined, difference?.text ?? '');
    t.equal(played, turns.length);
    const recorded = turns.flatMap(({ out = [] }) => out.filter(({ kind }) => kind !== 'input'));
    t.equal(outputs.length, recorded.length);
    t.ok(
      outputs.some((output) => output.kind === 'changes'),
      'what the reader of changes got is in it',
    );
  });

  await t.test('a byte of BIRD changed', async (t) => {
    const [, , ...rest] = recording.split('\n');
    const line = rest.findIndex((text) => text.includes('"kind":"data"') && text.includes('200a090007'));
    t.ok(line > 0, 'an UPDATE with 10.9.0.7/32');
    const mutated = recording
      .split('\n')
      .map((text, index) => (index === line + 2 ? text.replace('200a090007', '200a09ff07') : text));
    const { difference } = await replay(mutated.join('\n'));
    t.ok((difference?.line ?? 0) > line + 2, difference?.text.slice(0, 200) ?? '');
    t.match(JSON.stringify(difference?.actual ?? {}), '10.9.255.7/32');
  });
} finally {
  await daemon.stop();
  rmSync(folder, { recursive: true });
}
