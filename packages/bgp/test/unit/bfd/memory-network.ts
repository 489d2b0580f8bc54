/** Datagrams in memory, on a virtual clock: with delay, loss that a test decides on, and TTLs checked as the kernel does. */
import type { Bfd, BfdOptions } from '../../../src/bfd/api.ts';
import { BfdInstance } from '../../../src/bfd/bfd.ts';
import { type ControlPacket, decodeControlPacket } from '../../../src/bfd/control-packet.ts';
import type { MinimumTtls, SocketPlace, UdpTransport } from '../../../src/bfd/udp-transport.ts';
import type { Random } from '../../../src/ports.ts';
import { SeededRandom } from '../../../src/simulator/seeded-random.ts';
import { VirtualClock } from '../../../src/simulator/virtual-clock.ts';

interface Receiver {
  readonly owner: string;
  readonly place: SocketPlace & { readonly port: number };
  ttls: MinimumTtls;
  readonly receive: (bytes: Uint8Array, remoteAddress: string) => void;
}

export interface Sent {
  readonly at: number;
  readonly from: string;
  readonly packet: ControlPacket;
  readonly delivered: boolean;
}

export class MemoryNetwork {
  readonly clock: VirtualClock;
  readonly random: Random;
  delayMs = 1;
  /** Whether a datagram gets through. */
  passes: (from: string, to: string) => boolean = () => true;
  /** Everything that was sent. */
  readonly sent: Sent[] = [];
  readonly receivers = new Set<Receiver>();
  openSenders = 0;

  constructor(seed = 1, clock = new VirtualClock()) {
    this.clock = clock;
    this.random = new SeededRandom(seed);
  }

  /** BFD of the machine with this address. */
  machine(address: string, onDiscard?: BfdOptions['onDiscard']): Bfd {
    return new BfdInstance({ clock: this.clock, random: this.random, transport: this.transport(address) }, onDiscard);
  }

  transport(address: string): UdpTransport {
    return {
      openReceiver: (place, ttls, receive) => {
        const receiver: Receiver = {
          owner: address,
          place,
          ttls,
          receive: (bytes, remoteAddress) => receive({ bytes, remoteAddress }),
        };
        this.receivers.add(receiver);
        return {
          setMinimumTtls: (changed) => {
            receiver.ttls = changed;
          },
          close: () => void this.receivers.delete(receiver),
        };
      },
      openSender: ({ remoteAddress, remotePort, localAddress = address }) => {
        this.openSenders += 1;
        return {
          send: (bytes) => this.send(bytes, localAddress, remoteAddress, remotePort),
          close: () => {
            this.openSenders -= 1;
          },
        };
      },
    };
  }

  send(bytes: Uint8Array, from: string, to: string, port: number, ttl = 255): void {
    const delivered = this.passes(from, to);
    this.sent.push({ at: this.clock.now(), from, packet: decodeControlPacket(bytes), delivered });
    if (delivered) this.clock.after(this.delayMs, () => this.deliver(bytes, from, to, port, ttl));
  }

  /** Hands any bytes to the socket that gets them, if their TTL passes. */
  deliver(bytes: Uint8Array, from: string, to: string, port: number, ttl = 255): void {
    const matching = [...this.receivers].filter(
      ({ owner, place }) =>
        place.port === port && (place.localAddress === undefined ? owner === to : place.localAddress === to),
    );
    const receiver = matching.find(({ place }) => place.localAddress !== undefined) ?? matching[0];
    if (receiver === undefined) return;
    const { fallback, exceptions } = receiver.ttls;
    const least = exceptions.find(({ remoteAddress }) => remoteAddress === from)?.minimumTtl ?? fallback;
    if (ttl >= least) receiver.receive(bytes, from);
  }

  advance(ms: number): void {
    const limit = this.clock.now() + ms;
    while (this.clock.step(limit));
  }

  /** Turns time on until `holds`; false when it does not within `limitMs`. */
  advanceUntil(holds: () => boolean, limitMs = 30_000): boolean {
    const limit = this.clock.now() + limitMs;
    while (!holds()) if (!this.clock.step(limit)) return holds();
    return true;
  }
}

export const timing = { desiredMinTxMs: 100, requiredMinRxMs: 100, detectMultiplier: 3 } as const;
