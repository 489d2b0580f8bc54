/**
 * Many speakers in one process on a virtual clock and a network in memory. A run depends on its seed and on what is
 * done to it, on nothing else: the same seed gives the same trace.
 */
import type { Speaker, SpeakerOptions } from '../speaker/api.ts';
import { BgpSpeaker, type SpeakerPorts } from '../speaker/speaker.ts';
import { Network, type NetworkOptions } from './network.ts';
import { SeededRandom } from './seeded-random.ts';
import { Trace } from './trace.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface SimulationOptions extends Partial<NetworkOptions> {
  readonly seed: number;
}

const port = 179;
/** Longer than a session waits before it tries again. */
const quietMs = 130_000;

export class Simulation {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly trace = new Trace();
  readonly network: Network;

  constructor({ seed, delayMs = [1, 10], lossRate = 0, windowBytes = 65_536 }: SimulationOptions) {
    this.random = new SeededRandom(seed);
    this.network = new Network(this.clock, this.random, this.trace, { delayMs, lossRate, windowBytes });
  }

  /** The ports of a speaker at this address. */
  ports(address: string): SpeakerPorts {
    return { clock: this.clock, random: this.random, transport: this.network.transport(address) };
  }

  /** A speaker that listens at `address`; it is started and stopped by the caller. */
  addSpeaker(
    options: Omit<SpeakerOptions, 'listen' | 'clock' | 'random' | 'transport' | 'bfd'> & { readonly address: string },
    ports: Partial<SpeakerPorts> = {},
  ): Speaker {
    const { address, ...rest } = options;
    return new BgpSpeaker({ ...rest, listen: [{ address, port }] }, { ...this.ports(address), ...ports });
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    const end = this.clock.now() + milliseconds;
    while (this.clock.step(end)) {
      // Until then.
    }
  }

  /**
   * Lets time pass until nothing but KEEPALIVEs was sent, and no connection opened or closed, for longer than a session
   * waits. False when that is not reached within `limitMs`.
   */
  settle(limitMs = 3_600_000): boolean {
    const end = this.clock.now() + limitMs;
    const start = this.clock.now();
    for (;;) {
      const quiet = Math.max(this.trace.lastActivity, start) + quietMs;
      if (quiet > end) return false;
      if (!this.clock.step(quiet)) {
        if (Math.max(this.trace.lastActivity, start) + quietMs <= this.clock.now()) return true;
      }
    }
  }
}
