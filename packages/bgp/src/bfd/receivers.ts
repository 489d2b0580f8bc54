/**
 * The sockets that packets come to: one for each place that sessions stand at, opened for the first session and closed
 * with the last.
 */
import type { MinimumTtls, SocketPlace, UdpReceiver, UdpTransport } from './udp-transport.ts';

/** Where a receiving socket stands. */
export interface ReceiverPlace extends SocketPlace {
  readonly port: number;
}

interface Open {
  readonly place: ReceiverPlace;
  readonly socket: UdpReceiver;
  holders: number;
}

export class Receivers {
  readonly #transport: UdpTransport;
  readonly #received: (bytes: Uint8Array, remoteAddress: string, place: ReceiverPlace) => void;
  readonly #minimumTtls: (place: ReceiverPlace) => MinimumTtls;
  readonly #open = new Map<string, Open>();

  /** `minimumTtls` is asked for each socket when it opens and at `updateTtls`. */
  constructor(
    transport: UdpTransport,
    minimumTtls: (place: ReceiverPlace) => MinimumTtls,
    received: (bytes: Uint8Array, remoteAddress: string, place: ReceiverPlace) => void,
  ) {
    this.#transport = transport;
    this.#minimumTtls = minimumTtls;
    this.#received = received;
  }

  /** Throws `BfdError`. */
  hold(place: ReceiverPlace): void {
    const key = keyOf(place);
    const open = this.#open.get(key);
    if (open !== undefined) {
      open.holders += 1;
      return;
    }
    const socket = this.#transport.openReceiver(place, this.#minimumTtls(place), ({ bytes, remoteAddress }) =>
      this.#received(bytes, remoteAddress, place),
    );
    this.#open.set(key, { place, socket, holders: 1 });
  }

  release(place: ReceiverPlace): void {
    const key = keyOf(place);
    const open = this.#open.get(key);
    if (open === undefined) return;
    open.holders -= 1;
    if (open.holders > 0) return;
    open.socket.close();
    this.#open.delete(key);
  }

  /** Asks again for the sockets at some places. Throws `BfdError`. */
  updateTtls(affected: (place: ReceiverPlace) => boolean): void {
    for (const { place, socket } of this.#open.values()) {
      if (affected(place)) socket.setMinimumTtls(this.#minimumTtls(place));
    }
  }
}

function keyOf({ family, port, localAddress, interface: device }: ReceiverPlace): string {
  return [family, port, localAddress ?? '', device ?? ''].join(' ');
}
