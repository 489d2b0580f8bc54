/**
 * What a speaker needs from its surroundings: a clock, a source of random numbers and a way to carry bytes. The core
 * and the session shell take these as values; `session/node-*.ts` gives the real ones and the simulator its own.
 */

/** A running timer. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds of a monotonic clock; only differences mean something. */
  now(): number;
  /** Calls `run` once after `delayMs` milliseconds. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export interface LocalInterface {
  readonly name: string;
  /** Without a zone; `length` is that of the subnet's prefix. */
  readonly addresses: readonly { readonly address: string; readonly length: number }[];
}

/** One byte stream between two speakers. Callbacks are never made from inside a call to the connection. */
export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The interface that has `localAddress`, where the transport can tell. */
  localInterface?(): LocalInterface | undefined;
  /**
   * Queues bytes. False when the queue is over the high-water mark: the writer stops until `onDrain`.
   * The bytes belong to the connection from then on and are not changed by the caller.
   */
  write(bytes: Uint8Array): boolean;
  /** Bytes queued and not yet taken by the transport. */
  readonly queuedBytes: number;
  /** Stops and restarts reading (back-pressure towards the peer). */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once, without `onClose`. */
  destroy(): void;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  /** Called once, when the connection is gone for any reason other than `destroy`. `error` names the cause if there is one. */
  onClose: ((error?: Error) => void) | undefined;
}

/** A Master Key Tuple of RFC 5925 §3.1. */
export interface TcpAoKey {
  /** SendID and RecvID, 0 to 255. */
  readonly sendId: number;
  readonly receiveId: number;
  /** RFC 5926 §3.2, both of 96 bits. */
  readonly algorithm: 'hmac-sha-1-96' | 'aes-128-cmac-96';
  /** 1 to 80 bytes of UTF-8. */
  readonly key: string;
}

/** Socket options of one peer's connections. The node transport sets them by native code, loaded only when one is given. */
export interface PeerSocketOptions {
  /** RFC 2385 key: 1 to 80 bytes of UTF-8. */
  readonly password?: string;
  /** TTL of sent packets; 1 for a directly connected eBGP peer, 255 with RFC 5082. */
  readonly ttl?: number;
  /** RFC 5082: packets that arrive with a smaller TTL are dropped by the kernel. */
  readonly minimumTtl?: number;
  readonly tcpAo?: TcpAoKey;
}

export interface ConnectOptions extends PeerSocketOptions {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress?: string;
  /** Interface or VRF that the connection goes through. */
  readonly device?: string;
}

export interface Transport {
  /** Starts a connection; exactly one of the callbacks is called, once, later. */
  connect(
    options: ConnectOptions,
    connected: (connection: Connection) => void,
    failed: (error: Error) => void,
  ): { cancel(): void };
  /** Listens; rejects when the address cannot be bound. */
  listen(
    options: { readonly address: string; readonly port: number; readonly device?: string },
    accept: (connection: Connection) => void,
  ): Promise<Listener>;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /**
   * Sets or clears the options of connections that come from `remoteAddress`, for a password also a prefix of addresses.
   * Throws when they cannot be set.
   */
  setPeerOptions(remoteAddress: string, options: PeerSocketOptions | undefined): void;
  close(): Promise<void>;
}
