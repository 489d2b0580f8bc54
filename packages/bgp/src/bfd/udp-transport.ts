/**
 * What BFD needs of the network: sockets that send from a port of their own, and sockets that receive with the TTL
 * checked. `node-transport.ts` gives the real ones.
 */

export type IpFamily = 4 | 6;

export interface Datagram {
  readonly bytes: Uint8Array;
  /** With the zone when it is link-local: "fe80::1%eth0". */
  readonly remoteAddress: string;
}

/** Where a socket stands. Without `localAddress` all addresses of the family, without `interface` all interfaces. */
export interface SocketPlace {
  readonly family: IpFamily;
  readonly localAddress?: string;
  readonly interface?: string;
}

/** The least TTL (or hop limit) of a datagram that is received. 0 takes all. */
export interface MinimumTtls {
  readonly fallback: number;
  /** For datagrams from these addresses, without zones. */
  readonly exceptions: readonly { readonly remoteAddress: string; readonly minimumTtl: number }[];
}

export interface UdpReceiver {
  /** Holds from the next datagram on. Throws `BfdError`. */
  setMinimumTtls(ttls: MinimumTtls): void;
  close(): void;
}

export interface UdpSender {
  /** Sends at once, with TTL 255. A datagram that the kernel refuses is lost, as any other on the way. */
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface UdpTransport {
  /**
   * Opens a socket that receives from its first datagram on under `ttls`. `receive` is never called from inside this
   * call. Throws `BfdError`.
   */
  openReceiver(
    place: SocketPlace & { readonly port: number },
    ttls: MinimumTtls,
    receive: (datagram: Datagram) => void,
  ): UdpReceiver;
  /** Opens a socket towards one neighbour, from a source port of `sourcePorts` that no other of these has. Throws `BfdError`. */
  openSender(place: SocketPlace & { readonly remoteAddress: string; readonly remotePort: number }): UdpSender;
}
