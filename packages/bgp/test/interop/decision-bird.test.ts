/**
 * The decision process beside BIRD's: 10,000 prefixes with routes of up to eight neighbours, four external and four
 * internal, sent to both over the same kind of sessions; both must choose the same neighbour for every prefix, at first
 * and after changes. BIRD's `deterministic med` is what RFC 4271 §9.1.2.2 c says when the order of arrival must not count.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { PathAttributes } from '../../src/attribute/registry.ts';
import { encodeMessage, type Prefix } from '../../src/codec.ts';
import type { PolicyChain } from '../../src/policy/model.ts';
import { nodeClock, nodeRandom } from '../../src/session/node-clock.ts';
import { nodeTransport } from '../../src/session/node-transport.ts';
import type { Speaker } from '../../src/speaker/api.ts';
import { BgpSpeaker } from '../../src/speaker/speaker.ts';
import { type DecisionStep, decisionSteps } from '../../src/table/decision.ts';
import { addAddresses, bird, type DaemonKind, startDaemon, until } from './daemons.ts';
import { localAsn, neighbours, nextHops, RouteGenerator, type RouteSet } from './decision-routes.ts';
import { establish, type LeanSession } from './lean-session.ts';

const prefixes = 10_000;
const ours = '10.255.0.1';
const theirs = '10.255.0.2';
const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
let folder = '';

const manyNeighbours: DaemonKind = {
  ...bird,
  files(_setup, in_) {
    folder = in_;
    const igp = [...nextHops].filter(([, cost]) => cost !== undefined);
    return {
      'bird.conf': `
router id ${theirs};
log stderr all;
ipv4 table costs;
protocol device {}
protocol static { ipv4 { table costs; };
${igp.map(([address, cost]) => `  route ${address}/32 via "lo" { igp_metric = ${cost}; };`).join('\n')}
}
${neighbours
  .map(
    ({ address, asn }) => `protocol bgp ${nameOf(address)} {
  local ${theirs} as ${localAsn}; neighbor ${address} as ${asn};
  multihop; strict bind on; passive on; hold time 240; deterministic med on;
  ipv4 { igp table costs; import all; export none; };
}`,
  )
  .join('\n')}`,
    };
  },
};

function nameOf(address: string): string {
  return `n${address.replaceAll('.', '_')}`;
}

function prefixAt(index: number): Prefix {
  return { family: 257, address: Uint8Array.of(20, index >> 8, index & 255, 0), length: 24 };
}

/** Sent last by each neighbour: when it is there, all before it is. */
function marker(phase: number, neighbour: number): Prefix {
  return { family: 257, address: Uint8Array.of(30, phase, neighbour, 0), length: 24 };
}

function text({ address, length }: Prefix): string {
  return `${address.join('.')}/${length}`;
}

function update(asn: number, prefix: Prefix, attributes: PathAttributes | undefined): Uint8Array {
  const context = {
    fourOctetAs: true,
    peerType: asn === localAsn ? ('ibgp' as const) : ('ebgp' as const),
    addPathReceive: [],
    addPathSend: [],
    extendedMessages: false,
  };
  const withdrawn = attributes === undefined ? [prefix] : [];
  const nlri = attributes === undefined ? [] : [prefix];
  return encodeMessage({ kind: 'update', withdrawn, attributes: attributes ?? {}, nlri }, context);
}

/** What each neighbour sends in each phase: everything, then changes. */
function makePhases(seed: number): { readonly streams: readonly Uint8Array[]; readonly routes: number }[] {
  const generator = new RouteGenerator(seed);
  const sets: RouteSet[] = Array.from({ length: prefixes }, () => generator.routeSet());
  const phase = (number: number, parts: readonly Uint8Array[][], routes: number) => ({
    streams: parts.map((messages, index) => {
      const { asn = 0 } = neighbours[index] ?? {};
      const common = { origin: 'igp', nextHop: 0x0afa0001, asPath: [{ kind: 'sequence', asns: [asn] }] } as const;
      const attributes = asn === localAsn ? { ...common, asPath: [], localPref: 100 } : common;
      return Buffer.concat([...messages, update(asn, marker(number, index), attributes)]);
    }),
    routes,
  });
  const first = neighbours.map(({ asn }, neighbour) =>
    sets.flatMap((set, index) => {
      const route = set[neighbour];
      return route === undefined ? [] : [update(asn, prefixAt(index), route)];
    }),
  );
  const second: Uint8Array[][] = neighbours.map(() => []);
  for (let change = 0; change < prefixes; change++) {
    const [index, number] = [generator.below(prefixes), generator.below(neighbours.length)];
    const neighbour = neighbours[number];
    if (neighbour === undefined) continue;
    const route = generator.below(3) === 0 ? undefined : generator.route(neighbour);
    second[number]?.push(update(neighbour.asn, prefixAt(index), route));
  }
  const count = (parts: readonly Uint8Array[][]): number => parts.reduce((sum, { length }) => sum + length, 0);
  return [phase(1, first, count(first)), phase(2, second, count(second))];
}

/** Prefix to the neighbour whose route BIRD has chosen. */
async function birdChoices(): Promise<Map<string, string>> {
  const words = ['-s', join(folder, 'bird.ctl'), 'show', 'route', 'primary', 'table', 'master4'];
  const { stdout } = await promisify(execFile)('birdc', words, { maxBuffer: 64 << 20 });
  const choices = new Map<string, string>();
  for (const [, prefix = '', kind, protocol = ''] of stdout.matchAll(/^(\S+\/\d+)\s+(\w+) \[(\w+) /gm)) {
    // BIRD chooses among routes that cannot be reached when there is no other; RFC 4271 §9.1.2.1 has no route then.
    if (kind === 'unicast') choices.set(prefix, protocol);
  }
  return choices;
}

function ourChoices(speaker: Speaker): Map<string, string> {
  return new Map(Array.from(speaker.routes('ipv4-unicast'), ({ prefix, from }) => [prefix, nameOf(from)]));
}

function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].filter((key) => a.get(key) !== b.get(key)).map((key) => `${key}: ${a.get(key)} and ${b.get(key)}`);
}

async function startOurs(port: number, steps: readonly DecisionStep[] = decisionSteps): Promise<Speaker> {
  const options = {
    asn: localAsn,
    routerId: ours,
    listen: [{ address: ours, port }],
    importPolicy: all,
    exportPolicy: { ...all, defaultVerdict: 'reject' as const },
    nextHopCost: (nextHop: string) => nextHops.get(nextHop),
  };
  const ports = { clock: nodeClock, random: nodeRandom, transport: nodeTransport, decisionSteps: steps };
  const speaker = new BgpSpeaker(options, ports);
  for (const { address, asn } of neighbours) speaker.addPeer({ address, asn, passive: true, holdTimeMs: 240_000 });
  await speaker.start();
  return speaker;
}

function connectAll(remoteAddress: string, port: number): Promise<LeanSession[]> {
  return Promise.all(neighbours.map((neighbour) => establish(neighbour, remoteAddress, port)));
}

function send(sessions: readonly LeanSession[], streams: readonly Uint8Array[]): void {
  for (const [index, { socket }] of sessions.entries()) socket.write(streams[index] ?? new Uint8Array(0));
}

async function untilHere(speaker: Speaker, phase: number): Promise<void> {
  await until(`phase ${phase} here`, () =>
    neighbours.every((_, index) => speaker.bestPath(text(marker(phase, index)))),
  );
}

await addAddresses(ours, theirs, ...neighbours.map(({ address }) => address));
const phases = makePhases(20_261_124);

t.test('the same best path as BIRD for every prefix', async (t) => {
  const setup = { localAddress: theirs, localAsn, routerId: theirs, peerAddress: ours, peerAsn: localAsn };
  const daemon = await startDaemon(manyNeighbours, { ...setup, passive: true });
  const speaker = await startOurs(1790);
  try {
    const [toThem, toUs] = [await connectAll(theirs, 179), await connectAll(ours, 1790)];
    for (const [index, { streams, routes }] of phases.entries()) {
      send(toThem, streams);
      send(toUs, streams);
      await untilHere(speaker, index + 1);
      let choices = await birdChoices();
      await until(`phase ${index + 1} at BIRD`, async () => {
        choices = await birdChoices();
        return neighbours.every((_, neighbour) => choices.has(text(marker(index + 1, neighbour))));
      });
      const own = ourChoices(speaker);
      const unlike = differences(own, choices);
      t.equal(unlike.length, 0, `ours and BIRD's: ${unlike.slice(0, 5).join('; ')}`);
      t.ok(own.size > prefixes * 0.9, `${own.size} prefixes have a best path`);
      const winners = Map.groupBy(own.values(), (name) => name);
      t.equal(winners.size, neighbours.length, 'every neighbour wins some');
      t.comment(
        `| phase ${index + 1}: ${routes} routes sent by ${neighbours.length} neighbours, ${own.size} best paths equal`,
      );
    }
    for (const session of [...toThem, ...toUs]) session.socket.destroy();
  } finally {
    await speaker.stop();
    await daemon.stop();
  }
});

t.test('the comparison sees any two neighbouring steps in the wrong order', async (t) => {
  const [first] = phases;
  const right = await startOurs(1790);
  const chosen = async (speaker: Speaker, port: number): Promise<Map<string, string>> => {
    const sessions = await connectAll(ours, port);
    send(sessions, first?.streams ?? []);
    await untilHere(speaker, 1);
    const choices = ourChoices(speaker);
    for (const { socket } of sessions) socket.destroy();
    await speaker.stop();
    return choices;
  };
  const expected = await chosen(right, 1790);
  // No route here is this speaker's own, or kept for a peer that is away.
  const steps = decisionSteps.filter(({ name }) => !['local route', 'long-lived stale'].includes(name));
  for (const [index, step] of steps.entries()) {
    const next = steps[index + 1];
    if (next === undefined) continue;
    const swapped = steps.with(index, next).with(index + 1, step);
    const unlike = differences(expected, await chosen(await startOurs(1800 + index, swapped), 1800 + index));
    t.ok(unlike.length > 0, `${step.name} and ${next.name}: ${unlike.length} differ`);
    t.comment(`| ${step.name} after ${next.name}: seen in ${unlike.length} of ${prefixes}`);
  }
});
