/** The sockets that a speaker listens on, and what peers need of those that their connections can come to. */
import type { Connection, Listener, PeerSocketOptions, Transport } from '../ports.ts';
import type { PeerGroups, PeerRange, SpeakerOptions } from './api.ts';
import { withGroup } from './peer-options.ts';
import { peerOf } from './peer-ranges.ts';
import { socketOptionsOf } from './socket-options.ts';

/** RFC 4271 §8 and IANA: the port of BGP. */
const bgpPort = 179;

export class Listeners {
  readonly #open: Listener[] = [];

  /** All of them, or none: rejects when one cannot be bound. */
  async open(
    where: NonNullable<SpeakerOptions['listen']>,
    transport: Transport,
    accept: (connection: Connection) => void,
  ): Promise<void> {
    try {
      for (const { port = bgpPort, ...address } of where) {
        this.#open.push(await transport.listen({ ...address, port }, accept));
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Sets or clears the options of the peer's connections. Throws when they cannot be set. */
  setPeerOptions(peer: string, options: PeerSocketOptions | undefined): void {
    const isIpv6 = peer.includes(':');
    for (const listener of this.#open) {
      // The others are of another family: the peer cannot come there.
      const reachable = listener.address === '::' || listener.address.includes(':') === isIpv6;
      if (reachable) listener.setPeerOptions(peer, options);
    }
  }

  /** The same for the connections of all peers of a range. */
  setRangeOptions(range: PeerRange, groups: PeerGroups): void {
    const options = socketOptionsOf(withGroup(peerOf(range, range.prefix, 0), groups));
    this.setPeerOptions(range.prefix, Object.keys(options).length > 0 ? options : undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((listener) => listener.close()));
  }
}
