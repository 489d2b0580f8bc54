/**
 * Churn in simulated time: links are cut and mended, routes come, change and go, speakers are stopped and started again,
 * peers removed and added, all by one random source. Now and then it is let come to rest, and the tables of all speakers
 * must be what the model of the simulator tests makes of the topology of that moment.
 */
import type { PolicyChain } from '../../src/policy/model.ts';
import { SeededRandom, Simulation } from '../../src/simulator/index.ts';
import type { Speaker } from '../../src/speaker/api.ts';
import { type ModelRouter, solve } from '../unit/simulator/fixpoint.ts';
import { randomTopology, type Topology, tableOf } from '../unit/simulator/topology.ts';

type Link = readonly [string, string];

export interface Checkpoint {
  /** Best paths that both have. */
  readonly routes: number;
  /** Lines of only the speakers' or only the model's. */
  readonly differences: readonly string[];
}

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
/** Prefixes that an AS announces at most. */
const pool = 6;
/** Longest time between two things that happen. */
const calmMs = 2_000;

export class Churn {
  readonly simulation: Simulation;
  readonly #random: SeededRandom;
  readonly #topology: Topology;
  readonly #routers: Map<string, ModelRouter>;
  readonly #speakers = new Map<string, Speaker>();
  readonly #cut = new Set<Link>();
  /** How often each kind of thing was done. */
  readonly done = { cut: 0, mend: 0, announce: 0, withdraw: 0, stop: 0, start: 0, forget: 0 };

  constructor(seed: number) {
    this.simulation = new Simulation({ seed, delayMs: [1, 50] });
    this.#random = new SeededRandom(seed + 1);
    this.#topology = randomTopology(seed);
    this.#routers = new Map(this.#topology.routers.map((router) => [router.address, router]));
  }

  async begin(): Promise<void> {
    for (const address of this.#routers.keys()) await this.#start(address);
  }

  /** Lets `milliseconds` of simulated time pass, in which something happens every second or so. */
  async run(milliseconds: number): Promise<void> {
    const { clock } = this.simulation;
    for (const end = clock.now() + milliseconds; clock.now() < end; ) {
      await this.#happen();
      this.simulation.run(Math.min(end - clock.now(), this.#random.next() * calmMs));
    }
  }

  /** Starts all speakers that are down, waits for rest and compares; cut links stay cut. */
  async check(): Promise<Checkpoint> {
    for (const address of this.#routers.keys()) if (!this.#speakers.has(address)) await this.#start(address);
    if (!this.simulation.settle()) throw new Error('the speakers do not come to rest');
    const links = this.#topology.links.filter((link) => !this.#cut.has(link));
    const model = solve([...this.#routers.values()], links);
    const expected = new Set<string>();
    for (const [address, routes] of model) {
      for (const [prefix, { from, nextHop, path }] of routes) {
        expected.add(`${address} ${prefix} from ${from} via ${nextHop} path ${path.join(' ')}`);
      }
    }
    const found = new Set(tableOf(this.#speakers));
    const unexpected = [...found].filter((line) => !expected.has(line));
    const missing = [...expected].filter((line) => !found.has(line));
    return { routes: expected.size - missing.length, differences: [...unexpected, ...missing] };
  }

  async end(): Promise<void> {
    for (const speaker of this.#speakers.values()) await speaker.stop();
  }

  async #happen(): Promise<void> {
    const router = this.#pick([...this.#routers.values()]);
    const what = this.#random.next();
    if (what < 0.25) this.#flip(this.#pick(this.#topology.links));
    else if (what < 0.85) this.#announceOrWithdraw(router);
    else if (what < 0.93) await this.#stopOrStart(router.address);
    else this.#forgetPeer(router.address);
  }

  #flip(link: Link): void {
    if (this.#cut.delete(link)) {
      this.simulation.network.mend(...link);
      this.done.mend++;
    } else {
      this.simulation.network.cut(...link);
      this.#cut.add(link);
      this.done.cut++;
    }
  }

  #announceOrWithdraw(router: ModelRouter): void {
    const prefix = `10.${router.asn - 64_400}.${this.#below(pool)}.0/24`;
    const others = router.originates.filter((origin) => origin.prefix !== prefix);
    const speaker = this.#speakers.get(router.address);
    if (others.length < router.originates.length && this.#random.next() < 0.6) {
      this.#routers.set(router.address, { ...router, originates: others });
      speaker?.withdraw(prefix);
      this.done.withdraw++;
    } else {
      const origin = { prefix, med: this.#below(3) };
      this.#routers.set(router.address, { ...router, originates: [...others, origin] });
      if (speaker !== undefined) announce(speaker, router.address, origin);
      this.done.announce++;
    }
  }

  async #stopOrStart(address: string): Promise<void> {
    const speaker = this.#speakers.get(address);
    if (speaker === undefined) {
      await this.#start(address);
      this.done.start++;
    } else {
      this.#speakers.delete(address);
      await speaker.stop();
      this.done.stop++;
    }
  }

  /** One peer is removed, with all that came from it, and added again. */
  #forgetPeer(address: string): void {
    const speaker = this.#speakers.get(address);
    const peers = this.#peersOf(address);
    if (speaker === undefined || peers.length === 0) return;
    const peer = this.#pick(peers);
    speaker.removePeer(peer.address);
    speaker.addPeer(peer);
    this.done.forget++;
  }

  async #start(address: string): Promise<void> {
    const router = this.#routers.get(address);
    if (router === undefined) throw new Error(`no router ${address}`);
    const { asn, routerId, originates } = router;
    const speaker = this.simulation.addSpeaker({ address, asn, routerId, importPolicy: all, exportPolicy: all });
    for (const peer of this.#peersOf(address)) speaker.addPeer(peer);
    for (const origin of originates) announce(speaker, address, origin);
    this.#speakers.set(address, speaker);
    await speaker.start();
  }

  #peersOf(address: string): { address: string; asn: number; localAddress: string; routeReflectorClient: boolean }[] {
    const clients = this.#routers.get(address)?.clients ?? [];
    return this.#topology.links
      .flatMap(([a, b]) => (a === address ? [b] : b === address ? [a] : []))
      .map((other) => ({
        address: other,
        asn: this.#routers.get(other)?.asn ?? 0,
        localAddress: address,
        routeReflectorClient: clients.includes(other),
      }));
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[this.#below(values.length)];
    if (value === undefined) throw new RangeError('nothing to choose from');
    return value;
  }
}

function announce(speaker: Speaker, nextHop: string, { prefix, med }: ModelRouter['originates'][number]): void {
  speaker.announce({ prefix, nextHop, ...(med !== undefined && { attributes: { multiExitDisc: med } }) });
}
