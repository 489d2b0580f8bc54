import t from 'tap';
import type { BfdChange, BfdSession } from '../../../src/bfd/api.ts';
import { readRecording, recordSpeaker, replay } from '../../../src/recorder/index.ts';
import { Simulation } from '../../../src/simulator/index.ts';
import type { BfdSource } from '../../../src/speaker/api.ts';
import { all, here, there } from './recorded-pair.ts';

const down: BfdChange = {
  from: 'Up',
  state: 'Down',
  reason: 'detection-time-expired',
  pathDown: true,
  diagnostic: 1,
  remoteDiagnostic: 0,
};

async function recordWith(bfd: BfdSource, act: () => void): Promise<string> {
  const simulation = new Simulation({ seed: 4 });
  const policies = { importPolicy: all, exportPolicy: all };
  let recording = '';
  const { speaker, end } = recordSpeaker(
    { asn: 64_500, routerId: here, listen: [{ address: here }], ...policies },
    { ...simulation.ports(here), bfd },
    (line) => {
      recording += line;
    },
  );
  const other = simulation.addSpeaker({ address: there, asn: 64_501, routerId: there, ...policies });
  speaker.addPeer({ address: there, asn: 64_501, localAddress: here, bfd: true });
  other.addPeer({ address: here, asn: 64_500, localAddress: there });
  await speaker.start();
  await other.start();
  simulation.settle();
  act();
  simulation.settle();
  await speaker.stop();
  end();
  return recording;
}

t.test('a failed path is replayed', async (t) => {
  const sessions: BfdSession[] = [];
  const bfd: BfdSource = () =>
    Promise.resolve({
      session(): BfdSession {
        const session: BfdSession = {
          state: 'Up',
          get status(): never {
            throw new Error('not asked for');
          },
          onChange: undefined,
          close: () => {},
        };
        sessions.push(session);
        return session;
      },
    });
  const recording = await recordWith(bfd, () => sessions[0]?.onChange?.(down));
  const kinds = readRecording(recording).turns.map(({ in: { kind } }) => kind);
  t.ok(kinds.includes('bfd-ready') && kinds.includes('bfd-change'));
  const { difference, outputs } = await replay(recording);
  t.equal(difference, undefined, difference?.text ?? '');
  t.ok(
    outputs.some((output) => output.kind === 'write' && output.bytes.includes('03060a')),
    'CEASE, BFD Down (RFC 9384)',
  );
  t.ok(outputs.some(({ kind }) => kind === 'close-bfd-session'));
  const { difference: other } = await replay(recording.replace('"pathDown":true', '"pathDown":false'));
  t.match(other?.text ?? '', /bfd-change: recorded .*, now nothing/);
});

t.test('BFD that cannot run is replayed', async (t) => {
  for (const bfd of [
    () => Promise.reject(new Error('no native code')),
    () =>
      Promise.resolve({
        session(): never {
          throw new Error('no socket');
        },
      }),
  ] satisfies BfdSource[]) {
    const recording = await recordWith(bfd, () => {});
    const { difference, outputs } = await replay(recording);
    t.equal(difference, undefined, difference?.text ?? '');
    t.ok(outputs.some((output) => output.kind === 'event' && output.name === 'warning'));
  }
});
