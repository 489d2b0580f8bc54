/**
 * Networks of thousands of speakers, and what must hold at rest: each speaker has exactly the prefixes that it can be told
 * of, by a path as short as the network has one, and following next hops from anywhere comes to the origin.
 */
import type { PolicyChain } from '../../src/policy/model.ts';
import { SeededRandom, Simulation } from '../../src/simulator/index.ts';
import type { Speaker } from '../../src/speaker/api.ts';
import type { SpeakerPorts } from '../../src/speaker/speaker.ts';

export interface LargeRouter {
  readonly address: string;
  readonly asn: number;
  /** Route reflector; all other routers of its AS but the reflectors are its clients. */
  readonly reflects: boolean;
}

export interface LargeTopology {
  readonly name: string;
  readonly routers: readonly LargeRouter[];
  /** Indices of routers. */
  readonly links: readonly (readonly [number, number])[];
  /** Links that may be cut for ever: those between ASes, and what RFC 4456 has twice. */
  readonly spare: readonly (readonly [number, number])[];
}

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
const firstAsn = 4_200_000_000;

const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
const router = (index: number, asn = firstAsn + index, reflects = false): LargeRouter => ({
  address: addressOf(index + 1),
  asn,
  reflects,
});

/** Each router an AS with two neighbours. */
export function ring(size: number): LargeTopology {
  const routers = Array.from({ length: size }, (_, index) => router(index));
  const links = routers.map((_, index) => [index, (index + 1) % size] as const);
  return { name: `ring of ${size}`, routers, links, spare: links };
}

/** Each router an AS with `fanOut` below it; whatever link is cut, one side loses the other's routes. */
export function tree(size: number, fanOut = 3): LargeTopology {
  const routers = Array.from({ length: size }, (_, index) => router(index));
  const links = routers.slice(1).map((_, index) => [Math.floor(index / fanOut), index + 1] as const);
  return { name: `tree of ${size}`, routers, links, spare: links };
}

/**
 * Pods of one AS each: two reflectors and their clients by iBGP, and eBGP from the reflectors to each core router, which is an
 * AS of its own.
 */
export function clos(pods: number, podSize: number, cores: number): LargeTopology {
  const routers = Array.from({ length: cores }, (_, index) => router(index));
  const links: [number, number][] = [];
  const spare: [number, number][] = [];
  for (let pod = 0; pod < pods; pod++) {
    const first = routers.length;
    const asn = firstAsn + 100_000 + pod;
    for (let member = 0; member < podSize; member++) routers.push(router(first + member, asn, member < 2));
    links.push([first, first + 1]);
    for (let member = 2; member < podSize; member++) {
      links.push([first, first + member], [first + 1, first + member]);
      spare.push([first + (member % 2), first + member]);
    }
    for (let core = 0; core < cores; core++) {
      links.push([core, first], [core, first + 1]);
      if (core > 0) spare.push([core, first]);
    }
  }
  return { name: `clos of ${pods} pods, ${routers.length} routers`, routers, links, spare };
}

export class LargeNetwork {
  readonly topology: LargeTopology;
  readonly simulation: Simulation;
  readonly random: SeededRandom;
  readonly #speakers: readonly Speaker[];
  readonly #byAddress: ReadonlyMap<string, number>;
  /** Prefix to the router that originates it. */
  readonly #origins = new Map<string, number>();
  readonly #cut = new Set<string>();

  private constructor(topology: LargeTopology, seed: number, change: (ports: SpeakerPorts) => Partial<SpeakerPorts>) {
    this.topology = topology;
    this.random = new SeededRandom(seed);
    this.simulation = new Simulation({ seed, delayMs: [1, 30], lossRate: 0.01 });
    const { routers, links } = topology;
    this.#byAddress = new Map(routers.map(({ address }, index) => [address, index]));
    this.#speakers = routers.map(({ address, asn }) =>
      this.simulation.addSpeaker(
        { address, asn, routerId: address, importPolicy: all, exportPolicy: all },
        change(this.simulation.ports(address)),
      ),
    );
    for (const [a, b] of links) {
      this.#peer(a, b);
      this.#peer(b, a);
    }
  }

  static async start(
    topology: LargeTopology,
    seed: number,
    change: (ports: SpeakerPorts) => Partial<SpeakerPorts> = () => ({}),
  ): Promise<LargeNetwork> {
    const network = new LargeNetwork(topology, seed, change);
    for (const speaker of network.#speakers) await speaker.start();
    return network;
  }

  /** `nextHop`: the router that packets are sent to, the origin itself when left out. */
  announce(prefix: string, at: number, nextHop = at): void {
    this.#speakers[at]?.announce({ prefix, nextHop: this.topology.routers[nextHop]?.address ?? '' });
    this.#origins.set(prefix, at);
  }

  withdraw(prefix: string): void {
    this.#speakers[this.#origins.get(prefix) ?? -1]?.withdraw(prefix);
    this.#origins.delete(prefix);
  }

  cut(link: readonly [number, number]): void {
    this.simulation.network.cut(...this.#ends(link));
    this.#cut.add(link.join());
  }

  mend(link: readonly [number, number]): void {
    this.simulation.network.mend(...this.#ends(link));
    this.#cut.delete(link.join());
  }

  /** Some links, each down for up to `downMs` in turn, overlapping. */
  flap(count: number, downMs: number): void {
    const { clock } = this.simulation;
    const { links } = this.topology;
    for (let each = 0; each < count; each++) {
      const link = links[Math.floor(this.random.next() * links.length)];
      if (link === undefined || this.#cut.has(link.join())) continue;
      const ends = this.#ends(link);
      const from = this.random.next() * downMs;
      clock.after(from, () => this.simulation.network.cut(...ends));
      clock.after(from + this.random.next() * downMs, () => this.simulation.network.mend(...ends));
    }
    this.simulation.run(2 * downMs);
  }

  /** Everything that is not as it must be at rest, in words; empty when all is. */
  faults(): string[] {
    const faults: string[] = [];
    const distances = new Map(Array.from(this.#origins, ([prefix, origin]) => [prefix, this.#distances(origin)]));
    const nextHops = new Map(Array.from(this.#origins, ([prefix]) => [prefix, new Map<number, number>()]));
    for (const [index, speaker] of this.#speakers.entries()) {
      const name = this.topology.routers[index]?.address;
      const missing = new Set([...distances].filter(([, of]) => of[index] !== undefined).map(([prefix]) => prefix));
      for (const { prefix, from, nextHop, attributes } of speaker.routes()) {
        const least = distances.get(prefix)?.[index];
        const length = (attributes.asPath ?? []).reduce((sum, { asns }) => sum + asns.length, 0);
        if (least === undefined) faults.push(`${name} has ${prefix}, which nobody can have told it of`);
        else if (length !== least)
          faults.push(`${name} has ${prefix} over ${length} ASes, there is a path over ${least}`);
        if (from !== 'local') nextHops.get(prefix)?.set(index, this.#byAddress.get(nextHop) ?? -1);
        missing.delete(prefix);
      }
      for (const prefix of missing) faults.push(`${name} has no route to ${prefix}`);
    }
    for (const [prefix, next] of nextHops) {
      for (const start of next.keys()) {
        const fault = this.#follow(start, next, this.#origins.get(prefix) ?? -1);
        if (fault !== undefined) faults.push(`from ${this.topology.routers[start]?.address} to ${prefix}: ${fault}`);
      }
    }
    return faults;
  }

  get routes(): number {
    let routes = 0;
    for (const speaker of this.#speakers) for (const _ of speaker.routes()) routes += 1;
    return routes;
  }

  get sessions(): number {
    const peers = this.#speakers.flatMap((speaker) => speaker.peers());
    return peers.filter(({ state }) => state === 'Established').length / 2;
  }

  #follow(start: number, next: ReadonlyMap<number, number>, origin: number): string | undefined {
    const seen = new Set<number>();
    for (let at = start; at !== origin; ) {
      if (seen.has(at)) return 'a forwarding loop';
      seen.add(at);
      const hop = next.get(at);
      if (hop === undefined) return 'the packet is dropped on the way';
      at = hop;
    }
    return undefined;
  }

  /** Number of AS hops from `origin` to each router over links that are not cut: Dijkstra with costs 0 and 1. */
  #distances(origin: number): (number | undefined)[] {
    const { routers, links } = this.topology;
    this.#neighbors ??= links.reduce(
      (of, [a, b]) => {
        of[a]?.push([b, `${a},${b}`]);
        of[b]?.push([a, `${a},${b}`]);
        return of;
      },
      routers.map((): [number, string][] => []),
    );
    const distances: (number | undefined)[] = routers.map(() => undefined);
    let near = [origin];
    for (let distance = 0; near.length > 0; distance++) {
      const far: number[] = [];
      for (let at = near.pop(); at !== undefined; at = near.pop()) {
        if (distances[at] !== undefined) continue;
        distances[at] = distance;
        for (const [other, link] of this.#neighbors[at] ?? []) {
          if (this.#cut.has(link)) continue;
          (routers[at]?.asn === routers[other]?.asn ? near : far).push(other);
        }
      }
      near = far;
    }
    return distances;
  }
  #neighbors: [number, string][][] | undefined;

  #ends([a, b]: readonly [number, number]): [string, string] {
    return [this.topology.routers[a]?.address ?? '', this.topology.routers[b]?.address ?? ''];
  }

  #peer(at: number, other: number): void {
    const [own, peer] = [this.topology.routers[at], this.topology.routers[other]];
    if (own === undefined || peer === undefined) throw new RangeError(`no router ${at} or ${other}`);
    const routeReflectorClient = own.asn === peer.asn && own.reflects && !peer.reflects;
    const { address, asn } = peer;
    // Reflectors wait for their clients; eBGP peers connect both at once, and all those collisions are resolved.
    const passive = routeReflectorClient;
    this.#speakers[at]?.addPeer({ address, asn, localAddress: own.address, routeReflectorClient, passive });
  }
}
