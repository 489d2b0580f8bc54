/** Random topologies for the simulator: ASes of one to four routers, meshed or with a reflector inside. */

import type { PolicyChain } from '../../../src/policy/model.ts';
import { SeededRandom, Simulation } from '../../../src/simulator/index.ts';
import type { Speaker } from '../../../src/speaker/api.ts';
import type { SpeakerPorts } from '../../../src/speaker/speaker.ts';
import { decisionSteps } from '../../../src/table/decision.ts';
import type { ModelRouter } from './fixpoint.ts';

export interface Topology {
  readonly routers: readonly ModelRouter[];
  readonly links: readonly (readonly [string, string])[];
}

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };

export function randomTopology(seed: number): Topology {
  const random = new SeededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const routers: ModelRouter[] = [];
  const links: (readonly [string, string])[] = [];
  const ases = 3 + below(4);
  for (let as = 0; as < ases; as++) {
    const size = 1 + below(4);
    const reflected = size > 2 && random.next() < 0.5;
    const members = [...Array(size).keys()].map((index) => `10.${as}.0.${index + 1}`);
    for (const [index, address] of members.entries()) {
      routers.push({
        address,
        asn: 64_500 + as,
        routerId: address,
        originates: random.next() < 0.7 ? [{ prefix: `192.0.${as}.0/24`, med: below(3) }] : [],
        clients: reflected && index === 0 ? members.slice(1) : [],
      });
      for (const other of members.slice(index + 1)) if (!reflected || index === 0) links.push([address, other]);
    }
  }
  for (let each = 0; each < ases * 2; each++) {
    const a = routers[below(routers.length)];
    const b = routers[below(routers.length)];
    if (a === undefined || b === undefined || a.asn === b.asn) continue;
    if (links.some(([x, y]) => (x === a.address && y === b.address) || (x === b.address && y === a.address))) continue;
    links.push([a.address, b.address]);
  }
  return { routers, links };
}

export interface BuiltNetwork {
  readonly simulation: Simulation;
  readonly speakers: ReadonlyMap<string, Speaker>;
}

/** Starts a speaker for each router, peering over each link. `mutate`: changes the ports of every speaker. */
export async function build(
  { routers, links }: Topology,
  seed: number,
  mutate: (ports: SpeakerPorts) => Partial<SpeakerPorts> = () => ({}),
): Promise<BuiltNetwork> {
  const simulation = new Simulation({ seed, delayMs: [1, 50] });
  const speakers = new Map<string, Speaker>();
  const asnOf = new Map(routers.map(({ address, asn }) => [address, asn]));
  for (const { address, asn, routerId, originates, clients } of routers) {
    const options = { address, asn, routerId, importPolicy: all, exportPolicy: all };
    const speaker = simulation.addSpeaker(options, mutate(simulation.ports(address)));
    speakers.set(address, speaker);
    for (const [a, b] of links) {
      const other = a === address ? b : b === address ? a : undefined;
      if (other === undefined) continue;
      const peer = { address: other, asn: asnOf.get(other) ?? 0, localAddress: address };
      speaker.addPeer({ ...peer, routeReflectorClient: clients.includes(other) });
    }
    for (const { prefix, med } of originates) {
      speaker.announce({ prefix, nextHop: address, ...(med !== undefined && { attributes: { multiExitDisc: med } }) });
    }
    await speaker.start();
  }
  return { simulation, speakers };
}

/** Every best path as text: the same shape from speakers and from the model. */
export function tableOf(speakers: ReadonlyMap<string, Speaker>): string[] {
  const lines: string[] = [];
  for (const [address, speaker] of speakers) {
    for (const { prefix, from, nextHop, attributes } of speaker.routes()) {
      const path = (attributes.asPath ?? []).flatMap(({ asns }) => asns);
      lines.push(`${address} ${prefix} from ${from} via ${nextHop} path ${path.join(' ')}`);
    }
  }
  return lines.sort();
}

/** The standard steps with two of them in each other's place. */
export function swapped(first: string, second: string): typeof decisionSteps {
  const steps = [...decisionSteps];
  const a = steps.findIndex(({ name }) => name === first);
  const b = steps.findIndex(({ name }) => name === second);
  const [x, y] = [steps[a], steps[b]];
  if (x === undefined || y === undefined) throw new Error(`no steps ${first}, ${second}`);
  steps[a] = y;
  steps[b] = x;
  return steps;
}
