import t from 'tap';
import { decodeMessage } from '../../../src/message/message.ts';
import { RecordingError, readRecording, replay, type Turn } from '../../../src/recorder/index.ts';
import { BgpSpeaker } from '../../../src/speaker/speaker.ts';
import { all, password, recordedPair, there } from './recorded-pair.ts';

const { lines, seen } = await recordedPair();
const recording = lines.join('');
const { turns } = readRecording(recording);
const recordedOutputs = turns.flatMap(({ out = [] }) => out.filter(({ kind }) => kind !== 'input'));

t.test('a recording holds what happened', async (t) => {
  t.ok(seen.filter((line) => line === `${there} Established`).length >= 2, 'the session was reset and came back');
  const kinds = new Set(turns.map(({ in: input }) => input.kind));
  for (const kind of ['create', 'command', 'timer', 'listening', 'data', 'closed'] as const)
    t.ok(kinds.has(kind), kind);
  const written = recordedOutputs.flatMap((output) => (output.kind === 'write' ? [output.bytes] : []));
  const messages = written.map((bytes) => decodeMessage(Buffer.from(bytes, 'hex')).kind);
  for (const kind of ['open', 'keepalive', 'update', 'notification'] as const) t.ok(messages.includes(kind), kind);
  t.ok(
    turns.some(({ out = [] }) => out.some((each) => each.kind === 'input' && each.input.kind === 'command')),
    'a command from inside an event is part of its turn',
  );
  t.notOk(recording.includes(password), 'the password is not in it');
  t.match(recording, '"password":"redacted-1"');
});

t.test('a replay does what was recorded', async (t) => {
  const { outputs, difference, turns: played, truncated } = await replay(recording);
  t.equal(difference, undefined, difference?.text ?? '');
  t.equal(played, turns.length);
  t.strictSame(outputs, recordedOutputs);
  t.ok(outputs.length > 50, `${outputs.length} outputs compared`);
  t.equal(truncated, false);
});

t.test('another input makes it differ', async (t) => {
  // 10.0.3.0/24 becomes 10.0.99.0/24 in the first UPDATE that has it.
  const at = lines.findIndex((line) => line.includes('"in":{"kind":"data"') && line.includes('180a0003'));
  t.ok(at > 0);
  const changed = lines.map((line, index) => (index === at ? line.replace('180a0003', '180a0063') : line));
  const { difference } = await replay(changed.join(''));
  t.match(difference?.expected, { kind: 'changes' });
  t.match(JSON.stringify(difference?.actual), '10.0.99.0/24');
});

t.test('the first difference is named', async (t) => {
  const at = lines.findIndex((line) => line.includes('"name":"stop"'));
  t.ok(at > 0);
  const changed = lines.map((line, index) => (index === at ? line.replace('the end', 'the END') : line));
  const { difference, turns: played, outputs } = await replay(changed.join(''));
  t.equal(difference?.line, at + 1);
  t.equal(played, at, 'nothing is replayed behind it');
  t.match(difference?.expected, { kind: 'write' });
  t.match(difference?.actual, { kind: 'write' });
  t.match(difference?.text ?? '', /^line \d+, command stop: recorded {"kind":"write".*, now {"kind":"write"/);
  t.strictSame(outputs, recordedOutputs.slice(0, outputs.length), 'all before it is equal');
});

t.test('an input that is missing makes it differ', async (t) => {
  const at = lines.findIndex((line) => line.includes('"in":{"kind":"connected"'));
  t.ok(at > 0);
  const { difference } = await replay(lines.filter((_, index) => index !== at).join(''));
  t.match(difference?.text ?? '', /^line \d+, .*: (recorded|the speaker has none)/);
});

t.test('another program makes it differ', async (t) => {
  const { difference } = await replay(recording, {
    make: (options, ports) => new BgpSpeaker({ ...options, exportPolicy: { ...all, defaultVerdict: 'reject' } }, ports),
  });
  t.match(difference?.expected, { kind: 'write' }, difference?.text ?? '');
});

t.test('a recording of another format version', async (t) => {
  const other = recording.replace('"version":1', '"version":7');
  await t.rejects(replay(other), {
    name: 'RecordingError',
    code: 'RECORDING_VERSION',
    message: 'line 1 of the recording: its format has version 7, this package reads version 1',
  });
});

t.test('what is no recording', async (t) => {
  for (const [name, text, message] of [
    ['nothing', '', /^line 1 .*no JSON/],
    ['other JSON', '{"a":1}\n', /^line 1 .*no recording/],
    ['a broken line', [...lines.slice(0, 4), 'x\n', ...lines.slice(4)].join(''), /^line 5 .*no JSON/],
    ['a line that is no turn', [...lines.slice(0, 4), '{}\n'].join(''), /^line 5 .*no turn/],
  ] as const) {
    await t.rejects(replay(text), { constructor: RecordingError, code: 'RECORDING_MALFORMED', message }, name);
  }
});

t.test('a truncated recording replays up to its end', async (t) => {
  let inside = 0;
  for (const share of [0.2, 0.5, 0.9]) {
    const cut = Math.floor(recording.length * share);
    const text = recording.slice(0, cut);
    const whole = text.split('\n').length - 2;
    const { difference, turns: played, truncated } = await replay(text);
    t.equal(difference, undefined, difference?.text ?? '');
    t.equal(played, whole, `${share} of it: ${whole} turns`);
    if (truncated) inside += 1;
  }
  t.ok(inside > 0, 'cut inside a line');
});

t.test('turns are in the order of their time', async (t) => {
  const times = turns.map(({ at }: Turn) => at);
  t.strictSame(
    times,
    [...times].sort((a, b) => a - b),
  );
});

t.test('all that a speaker can be asked is replayed', async (t) => {
  const costs = new Map([[there, 7]]);
  const run = await recordedPair(
    (speaker) => {
      speaker.setPolicy({
        importPolicy: {
          ...all,
          statements: [{ name: 'two', match: { prefixes: [{ prefix: '10.0.2.0/24' }] }, verdict: 'reject' }],
        },
        exportPolicy: all,
      });
      t.strictSame(speaker.setPeers([]), [{ address: there, action: 'removed' }]);
      t.throws(() => speaker.removePeer('198.51.100.9'), 'a command that throws is recorded as that');
      speaker.setPeers([
        { address: there, asn: 64_501, localAddress: '192.0.2.1', password: 'another', description: 'back' },
      ]);
      t.equal(speaker.refresh(there), false);
      speaker.setAnnouncements([{ prefix: '198.51.100.0/24' }]);
      costs.clear();
      speaker.reevaluateNextHops();
      speaker.addPeerRange({ prefix: '198.18.0.0/15', asns: [64_502], limit: 3 });
      speaker.removePeerRange('198.18.0.0/15');
      speaker.setPeerGroups({ edge: { holdTimeMs: 30_000 } });
    },
    { nextHopCost: (nextHop) => costs.get(nextHop) ?? 9 },
  );
  const { difference, outputs } = await replay(run.lines.join(''));
  t.equal(difference, undefined, difference?.text ?? '');
  for (const kind of ['returned', 'threw', 'settled', 'changes', 'event', 'write'] as const) {
    t.ok(
      outputs.some((output) => output.kind === kind),
      kind,
    );
  }
  t.match(run.lines.join(''), '"password":"redacted-2"', 'a changed key is still a change');
  t.notMatch(run.lines.join(''), 'another');
});
