/**
 * The raw socket as a connection sees it: datagrams out, datagrams in, multicast groups, one end. The real one is in
 * netlink-port.ts, the fake kernel is another.
 */

export interface PortListener {
  /** A datagram of the kernel's. The bytes are the listener's to keep. */
  datagram(bytes: Uint8Array): void;
  /**
   * The port is of no more use and has to be closed: it lost datagrams (`ENOBUFS`), one did not fit (`EMSGSIZE`), or the
   * socket broke (any other errno name).
   */
  failed(code: string): void;
}

export interface Port {
  /** Port id of the socket (nl_pid). */
  readonly id: number;
  /** SO_RCVBUF as the kernel counts it, in bytes. */
  readonly receiveBufferBytes: number;
  /** NETLINK_EXT_ACK, NETLINK_CAP_ACK and NETLINK_GET_STRICT_CHK are set. */
  readonly extendedAck: boolean;
  /**
   * Hands a datagram to the kernel, which is done with it when `sent` is called: with the errno name when it did not take
   * it. A kernel without memory (ENOBUFS) may never take it and `sent` is never called.
   *
   * @param bytes Not to be changed before `sent`.
   */
  send(bytes: Uint8Array, sent: (code?: string) => void): void;
  /** Joins a multicast group (RTNLGRP_*). */
  join(group: number): void;
  /** Nothing is called any more. */
  close(): void;
}

export interface PortUse {
  /** `requests` gets room for big parts of dumps, `notifications` keeps small datagrams small. */
  readonly purpose: 'requests' | 'notifications';
  /** Messages that carry this nlmsg_pid need not come: a port may leave them out where it can do so in the kernel. */
  readonly exceptPortId?: number;
}

/** Opens a port. Nothing of the listener is called before it, or `send`, returns. @throws an error with an errno name as `code`. */
export type Dial = (listener: PortListener, use: PortUse) => Port;
