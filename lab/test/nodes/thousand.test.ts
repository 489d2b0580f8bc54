/**
 * A full mesh of 1,000 nodes, 999 of them simulated, at one agent: its kernel has every route, and after nodes came,
 * changed and went at ten a second exactly those that are left. `--minutes N`: that long instead of ten seconds.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SeededRandom } from '@routelet/bgp/simulator';
import t from 'tap';
import {
  createLab,
  type PodRoute,
  podRoutes,
  SimulatedMesh,
  type SimulatedNode,
  simulatedNode,
  startAgent,
  waitFor,
} from '../../src/index.ts';

const COUNT = 999;
const PER_SECOND = 10;
/** Changes are among this many, so that each meets several, and in every order. */
const CHANGING = 100;
const { values } = parseArgs({ options: { minutes: { type: 'string' } } });
const seconds = values.minutes === undefined ? 10 : Number(values.minutes) * 60;

const lab = await createLab();
const mesh = await SimulatedMesh.create(lab, COUNT);
const { node, folder } = mesh;

/** What each simulated node is, by number; `silent` is in the cluster and announces nothing. */
type State = { readonly node: SimulatedNode; readonly kind: 'there' | 'silent' | 'gone' };
const states: State[] = Array.from({ length: COUNT }, (_, index) => ({ node: simulatedNode(index), kind: 'there' }));

function wantedRoutes(): PodRoute[] {
  return states
    .filter(({ kind }) => kind === 'there')
    .map(({ node: { podCidr, address } }) => ({ dst: podCidr, gateway: address, dev: 'eth0' }))
    .sort((a, b) => a.dst.localeCompare(b.dst));
}

/** Resolves when the kernel's routes are the wanted ones, with how many these are. */
function routed(): Promise<number> {
  const wanted = wantedRoutes();
  const lines = new Set(wanted.map((route) => JSON.stringify(route)));
  return waitFor(
    'the kernel routes of the model',
    async (seen) => {
      const found = (await podRoutes(node)).map((route) => JSON.stringify(route));
      const missing = [...lines].filter((line) => !found.includes(line));
      const extra = found.filter((line) => !lines.has(line));
      seen(`${found.length} routes; missing ${missing.length}: ${missing[0]}; extra ${extra.length}: ${extra[0]}`);
      return missing.length === 0 && extra.length === 0 ? wanted.length : undefined;
    },
    { deadlineMs: 120_000, everyMs: 250 },
  );
}

t.setTimeout(0);
const started = performance.now();
const agent = startAgent(node, { manifests: folder.path });
t.teardown(() => {
  if (!t.passing()) t.comment(`${agent.process.tail(40)}\n${mesh.tail()}`);
});
const usage = () => {
  const { cpuSeconds, residentMb, peakMb } = agent.process.usage();
  return `${cpuSeconds.toFixed(2)} s of CPU so far, ${residentMb.toFixed(0)} MiB, peak ${peakMb.toFixed(0)}`;
};
const since = (start: number) => ((performance.now() - start) / 1000).toFixed(1);

t.test('a full mesh of 1,000 nodes: every session, every route', async (t) => {
  t.equal(await routed(), COUNT);
  t.comment(`| ${COUNT + 1} nodes: ${COUNT} kernel routes ${since(started)} s after the start; ${usage()}`);
  await waitFor('all sessions', (seen) => {
    seen(mesh.up.size);
    return mesh.up.size === COUNT;
  });
  t.strictSame(mesh.lost, [], 'no session was lost');
});

/** One change of one node, to the cluster and to what its speaker says. */
async function change(pick: (count: number) => number, generation: number): Promise<string> {
  const index = pick(CHANGING) * Math.floor(COUNT / CHANGING);
  const state = states[index];
  if (!state) throw new RangeError(`no node ${index}`);
  const { node: now, kind } = state;
  if (kind === 'gone') {
    await mesh.write(now);
    states[index] = { node: now, kind: 'there' };
    return 'added';
  }
  if (kind === 'silent') {
    mesh.announce(now, [now.podCidr]);
    states[index] = { node: now, kind: 'there' };
    return 'announced';
  }
  const which = pick(3);
  if (which === 0) {
    await mesh.remove(now);
    states[index] = { node: now, kind: 'gone' };
    touched.add(index);
    return 'removed';
  }
  if (which === 1) {
    mesh.announce(now, []);
    states[index] = { node: now, kind: 'silent' };
    return 'withdrawn';
  }
  const other = simulatedNode(index, generation);
  // The speaker first as often as the Node: in a cluster nobody promises an order.
  const steps = [() => mesh.write(other), () => mesh.announce(other, [other.podCidr])];
  for (const step of pick(2) === 0 ? steps : steps.reverse()) await step();
  states[index] = { node: other, kind: 'there' };
  return 'given another pod CIDR';
}

/** Nodes that were removed once: their sessions ended. */
const touched = new Set<number>();

t.test(`${PER_SECOND} changes a second for ${seconds} s: nothing is missed`, async (t) => {
  const random = new SeededRandom(7);
  const pick = (count: number) => Math.floor(random.next() * count);
  const done = new Map<string, number>();
  const before = agent.process.usage().cpuSeconds;
  const start = performance.now();
  const changes = seconds * PER_SECOND;
  for (let number = 0; number < changes; number++) {
    // The pace, not a condition: what is shown is that nothing is lost at it.
    await pause(Math.max(0, start + (number * 1000) / PER_SECOND - performance.now()));
    const what = await change(pick, 1 + (number % 30));
    done.set(what, (done.get(what) ?? 0) + 1);
  }
  const cpu = agent.process.usage().cpuSeconds - before;
  const end = performance.now();
  const count = await routed();
  t.comment(
    `| ${changes} changes in ${since(start)} s (${[...done].map(([what, times]) => `${times} ${what}`).join(', ')}): ` +
      `${count} routes right ${since(end)} s after the last; ${cpu.toFixed(2)} s of CPU; ${usage()}`,
  );
  t.equal(done.size, 5, 'every kind of change was made');
  const gone = states.filter(({ kind }) => kind === 'gone').length;
  await waitFor(
    `sessions with all but the ${gone} nodes that are gone`,
    (seen) => {
      seen(mesh.up.size);
      return mesh.up.size === COUNT - gone;
    },
    { deadlineMs: 60_000 },
  );
  const ended = mesh.lost.filter((index) => !touched.has(index));
  const said = ended.map((index) =>
    agent.process.lines.filter((line) => line.includes(`${simulatedNode(index).address} `)).join('\n'),
  );
  t.strictSame(ended, [], `only sessions of removed nodes ended; the agent says: ${said.join('\n\n')}`);
  t.equal(agent.process.ended, undefined, 'the agent runs');
});
