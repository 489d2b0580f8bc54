/** Speakers in a simulation for tests: two or more that peer with the first, everything accepted unless told otherwise. */
import type { PolicyChain } from '../../../src/policy/model.ts';
import { Simulation } from '../../../src/simulator/index.ts';
import type { PeerOptions, Speaker, SpeakerOptions } from '../../../src/speaker/api.ts';

export const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
export const none: PolicyChain = { name: 'none', statements: [], defaultVerdict: 'reject' };

export interface Node {
  readonly address: string;
  readonly asn: number;
  readonly speaker: Speaker;
}

export class Bench {
  readonly simulation: Simulation;

  constructor(seed = 1) {
    this.simulation = new Simulation({ seed });
  }

  node(address: string, asn: number, options: Partial<SpeakerOptions> = {}): Node {
    const speaker = this.simulation.addSpeaker({
      address,
      asn,
      routerId: address.includes(':') ? '9.9.9.9' : address,
      importPolicy: all,
      exportPolicy: all,
      ...options,
    });
    return { address, asn, speaker };
  }

  /** Makes the two peers of each other; options are those of `a` about `b`, then of `b` about `a`. */
  peer(a: Node, b: Node, of: Partial<PeerOptions> = {}, back: Partial<PeerOptions> = of): void {
    a.speaker.addPeer({ address: b.address, asn: b.asn, localAddress: a.address, ...of });
    b.speaker.addPeer({ address: a.address, asn: a.asn, localAddress: b.address, ...back });
  }

  async start(...nodes: readonly Node[]): Promise<void> {
    for (const { speaker } of nodes) await speaker.start();
    this.simulation.settle();
  }

  /** Best prefixes of a node with the peer each came from. */
  table({ speaker }: Node): string[] {
    return Array.from(speaker.routes(), ({ prefix, from }) => `${prefix} ${from}`).sort();
  }
}
