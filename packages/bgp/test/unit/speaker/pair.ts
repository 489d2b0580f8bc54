/** Speakers in a simulation for tests: two or more that peer with the first, everything accepted unless told otherwise. */
import type { PolicyChain } from '../../../src/policy/model.ts';
import type { Connection, Transport } from '../../../src/ports.ts';
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
  /** Connections by "from to", open or not. */
  readonly #connections = new Map<string, Connection[]>();

  /** `windowBytes`: what a connection takes before its writer has to wait. */
  constructor(seed = 1, windowBytes = 65_536) {
    this.simulation = new Simulation({ seed, windowBytes });
  }

  node(address: string, asn: number, options: Partial<SpeakerOptions> = {}): Node {
    const routerId = address.includes(':') ? '9.9.9.9' : address;
    const speaker = this.simulation.addSpeaker(
      { address, asn, routerId, importPolicy: all, exportPolicy: all, ...options },
      { transport: this.#watched(this.simulation.ports(address).transport) },
    );
    return { address, asn, speaker };
  }

  /** Sends bytes in the session of two nodes as if `from` had. */
  inject(from: Node, to: Node, ...messages: readonly Uint8Array[]): void {
    for (const connection of this.#connections.get(`${from.address} ${to.address}`) ?? []) {
      for (const message of messages) connection.write(message);
    }
  }

  #watched(transport: Transport): Transport {
    const seen = (connection: Connection): Connection => {
      const key = `${connection.localAddress} ${connection.remoteAddress}`;
      this.#connections.set(key, [...(this.#connections.get(key) ?? []), connection]);
      return connection;
    };
    return {
      connect: (options, connected, failed) => transport.connect(options, (each) => connected(seen(each)), failed),
      listen: (options, accept) => transport.listen(options, (each) => accept(seen(each))),
    };
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
