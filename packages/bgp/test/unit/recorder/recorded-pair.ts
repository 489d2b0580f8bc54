/** Two speakers in a simulation of which the first is recorded, through a session reset, route churn and commands. */
import type { PolicyChain } from '../../../src/policy/model.ts';
import { recordSpeaker } from '../../../src/recorder/index.ts';
import { Simulation } from '../../../src/simulator/index.ts';
import type { Speaker, SpeakerOptions } from '../../../src/speaker/api.ts';

export const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
export const here = '192.0.2.1';
export const there = '192.0.2.2';
export const password = 'not to be found';

export interface RecordedRun {
  /** The lines, each with its end. */
  readonly lines: string[];
  /** What a user of the recorded speaker saw. */
  readonly seen: string[];
}

/** `during` acts on the recorded speaker while the session is Established. */
export async function recordedPair(
  during: (speaker: Speaker, simulation: Simulation) => void = () => {},
  options: Partial<SpeakerOptions> = {},
): Promise<RecordedRun> {
  const simulation = new Simulation({ seed: 11, delayMs: [1, 20] });
  const lines: string[] = [];
  const seen: string[] = [];
  const policies = { importPolicy: all, exportPolicy: all };
  const { speaker, end } = recordSpeaker(
    { asn: 64_500, routerId: here, listen: [{ address: here }], ...policies, ...options },
    simulation.ports(here),
    (line) => lines.push(line),
  );
  const other = simulation.addSpeaker({ address: there, asn: 64_501, routerId: there, ...policies });
  speaker.on('peer-state', ({ address, to }) => {
    seen.push(`${address} ${to}`);
    // A command from inside an event.
    if (to === 'Established') speaker.announce({ prefix: '203.0.113.0/24', attributes: { communities: [0xfde80001] } });
  });
  speaker.addPeer({ address: there, asn: 64_501, localAddress: here, password });
  other.addPeer({ address: here, asn: 64_500, localAddress: there });
  for (let each = 0; each < 20; each++) other.announce({ prefix: `10.0.${each}.0/24` });
  const reader = readChanges(speaker, seen);
  await speaker.start();
  await other.start();
  await settle(simulation);
  during(speaker, simulation);
  await settle(simulation);
  simulation.network.cut(here, there);
  await pass(simulation, 5_000);
  for (let each = 0; each < 20; each += 2) other.withdraw(`10.0.${each}.0/24`);
  simulation.network.mend(here, there);
  await settle(simulation);
  speaker.withdraw('203.0.113.0/24');
  await settle(simulation);
  await other.stop();
  await speaker.stop({ text: 'the end' });
  await reader;
  end();
  return { lines, seen };
}

async function readChanges(speaker: Speaker, seen: string[]): Promise<void> {
  for await (const changes of speaker.bestPathChanges()) {
    for (const { kind, prefix } of changes) seen.push(`${kind} ${prefix}`);
  }
}

/** Lets time pass as a process does: promise continuations run between two events. */
async function pass({ clock }: Simulation, milliseconds: number): Promise<void> {
  const end = clock.now() + milliseconds;
  while (clock.step(end)) await new Promise((resolve) => setImmediate(resolve));
}

/** As long as a session may wait until it tries again. */
const settle = (simulation: Simulation): Promise<void> => pass(simulation, 140_000);
