/**
 * A network in memory: every pair of addresses has a link with a delay, links can be cut and mended, and bytes of one
 * connection stay in order while those of different ones overtake each other.
 */
import type { Connection, ConnectOptions, Listener, Random, Transport } from '../ports.ts';
import type { Trace } from './trace.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface NetworkOptions {
  /** Delay of a chunk, drawn anew for each: at least the first, below the second. */
  readonly delayMs: readonly [number, number];
  /** Share of the chunks that are lost on the way, so that TCP sends them again; 0 or more, below 1. */
  readonly lossRate: number;
  /** Bytes on their way in one direction of a connection before the writer is told to wait. */
  readonly windowBytes: number;
}

const firstEphemeralPort = 49_152;
/** RFC 6298: the first retransmission waits so long (the least that Linux takes), each further one twice as long. */
const retransmitMs = 200;

export class Network {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #options: NetworkOptions;
  readonly #listeners = new Map<string, (connection: Connection) => void>();
  readonly #cut = new Set<string>();
  readonly #open = new Set<SimulatedConnection>();
  #nextPort = firstEphemeralPort;

  constructor(clock: VirtualClock, random: Random, trace: Trace, options: NetworkOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
    this.#options = options;
  }

  /** The transport of the machine with this address. */
  transport(address: string): Transport {
    return {
      connect: (options, connected, failed) => this.#connect(address, options, connected, failed),
      listen: (options, accept) => this.#listen(options.address, options.port, accept),
    };
  }

  /** Takes the link between two addresses down: connections break, new ones fail. */
  cut(a: string, b: string): void {
    this.#cut.add(linkOf(a, b));
    for (const connection of [...this.#open]) {
      if (linkOf(connection.localAddress, connection.remoteAddress) === linkOf(a, b)) connection.break();
    }
  }

  mend(a: string, b: string): void {
    this.#cut.delete(linkOf(a, b));
  }

  delay(): number {
    const { delayMs, lossRate } = this.#options;
    const [least, most] = delayMs;
    let lostMs = 0;
    for (let wait = retransmitMs; lossRate > 0 && this.#random.next() < lossRate; wait *= 2) lostMs += wait;
    return lostMs + least + this.#random.next() * (most - least);
  }

  get windowBytes(): number {
    return this.#options.windowBytes;
  }

  get clock(): VirtualClock {
    return this.#clock;
  }

  closed(connection: SimulatedConnection): void {
    this.#open.delete(connection);
  }

  record(kind: 'open' | 'data' | 'close' | 'refused', from: string, to: string, bytes?: Uint8Array): void {
    this.#trace.add({ at: this.#clock.now(), kind, from, to, ...(bytes !== undefined && { bytes }) });
  }

  #connect(
    address: string,
    options: ConnectOptions,
    connected: (connection: Connection) => void,
    failed: (error: Error) => void,
  ): { cancel(): void } {
    const { remoteAddress, remotePort, localAddress = address } = options;
    return this.#clock.after(this.delay(), () => {
      const accept = this.#listeners.get(`${remoteAddress} ${remotePort}`);
      if (accept === undefined || this.#cut.has(linkOf(localAddress, remoteAddress))) {
        this.record('refused', localAddress, remoteAddress);
        failed(new Error(accept === undefined ? 'connection refused' : 'network is unreachable'));
        return;
      }
      const localPort = this.#nextPort++;
      const near = new SimulatedConnection(this, localAddress, localPort, remoteAddress, remotePort);
      const far = new SimulatedConnection(this, remoteAddress, remotePort, localAddress, localPort);
      near.peer = far;
      far.peer = near;
      this.#open.add(near);
      this.#open.add(far);
      this.record('open', localAddress, remoteAddress);
      accept(far);
      connected(near);
    });
  }

  #listen(address: string, port: number, accept: (connection: Connection) => void): Promise<Listener> {
    const key = `${address} ${port}`;
    if (this.#listeners.has(key)) return Promise.reject(new Error(`${address} port ${port} is in use`));
    this.#listeners.set(key, accept);
    return Promise.resolve({
      address,
      port,
      setPeerOptions: () => {},
      close: () => {
        this.#listeners.delete(key);
        return Promise.resolve();
      },
    });
  }
}

class SimulatedConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  peer: SimulatedConnection | undefined;
  readonly #network: Network;
  /** Chunks of the peer that have arrived and were not read. */
  readonly #arrived: Uint8Array[] = [];
  #queued = 0;
  #waitsForDrain = false;
  #lastArrival = 0;
  #paused = false;
  #closed = false;
  /** The peer has ended, behind what has arrived. */
  #peerEnded = false;

  constructor(network: Network, localAddress: string, localPort: number, remoteAddress: string, remotePort: number) {
    this.#network = network;
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  write(bytes: Uint8Array): boolean {
    const { peer } = this;
    if (this.#closed || peer === undefined) return false;
    this.#queued += bytes.length;
    this.#inOrder(() => {
      this.#network.record('data', this.localAddress, this.remoteAddress, bytes);
      peer.#arrived.push(bytes);
      peer.#read();
    });
    this.#waitsForDrain = this.#queued > this.#network.windowBytes;
    return !this.#waitsForDrain;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#network.clock.after(0, () => this.#read());
  }

  end(): void {
    if (this.#closed) return;
    this.#close();
    const { peer } = this;
    this.#inOrder(() => {
      if (peer === undefined) return;
      peer.#peerEnded = true;
      peer.#read();
    });
  }

  destroy(): void {
    this.end();
    this.#arrived.length = 0;
  }

  /** The link is gone. */
  break(): void {
    if (this.#closed) return;
    this.#close();
    this.#arrived.length = 0;
    this.#network.clock.after(0, () => this.onClose?.(new Error('connection lost')));
  }

  /** Runs `arrive` at the other end, behind everything sent before; not at all when the link is cut meanwhile. */
  #inOrder(arrive: () => void): void {
    const { clock } = this.#network;
    this.#lastArrival = Math.max(this.#lastArrival, clock.now() + this.#network.delay());
    clock.after(this.#lastArrival - clock.now(), arrive);
  }

  #read(): void {
    while (!this.#paused && !this.#closed) {
      const chunk = this.#arrived.shift();
      if (chunk === undefined) break;
      if (this.peer !== undefined) this.peer.#taken(chunk.length);
      this.onData?.(chunk);
    }
    if (!this.#peerEnded || this.#closed || this.#arrived.length > 0) return;
    this.#close();
    this.onClose?.();
  }

  #taken(bytes: number): void {
    this.#queued -= bytes;
    if (!this.#waitsForDrain || this.#queued > this.#network.windowBytes / 2) return;
    this.#waitsForDrain = false;
    this.#network.clock.after(0, () => this.onDrain?.());
  }

  #close(): void {
    this.#closed = true;
    this.#network.closed(this);
    this.#network.record('close', this.localAddress, this.remoteAddress);
  }
}

/** The same text for both directions. */
function linkOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
