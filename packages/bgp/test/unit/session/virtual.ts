/** A clock that a test turns by hand, and connections in memory: what one side writes, the other reads a tick later. */
import type { Clock, Connection, ConnectOptions, Random, Timer, Transport } from '../../../src/ports.ts';

export class VirtualClock implements Clock {
  #now = 0;
  #sequence = 0;
  #due: { at: number; sequence: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { at: this.#now + Math.max(0, delayMs), sequence: this.#sequence++, run };
    this.#due.push(entry);
    return {
      cancel: () => {
        this.#due = this.#due.filter((other) => other !== entry);
      },
    };
  }

  /** Timers started so far. */
  get started(): number {
    return this.#sequence;
  }

  get pending(): number {
    return this.#due.length;
  }

  /** Runs all that is due within the next `ms` milliseconds, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (true) {
      let next = this.#due[0];
      for (const entry of this.#due) {
        if (next === undefined || entry.at < next.at || (entry.at === next.at && entry.sequence < next.sequence))
          next = entry;
      }
      if (next === undefined || next.at > end) break;
      const taken = next;
      this.#due = this.#due.filter((entry) => entry !== taken);
      this.#now = Math.max(this.#now, taken.at);
      taken.run();
    }
    this.#now = end;
  }
}

/** Random numbers that are always the same: the middle. */
export const evenRandom: Random = { next: () => 0.5 };

export class MemoryConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  other: MemoryConnection | undefined;
  readonly #clock: Clock;
  readonly #inbox: (Uint8Array | 'fin')[] = [];
  #paused = true;
  #scheduled = false;
  #ended = false;
  #gone = false;
  /** Bytes that the other side may leave unread before writes count as queued. */
  readonly window: number;
  #queuedBytes = 0;

  constructor(clock: Clock, from: readonly [string, number], to: readonly [string, number], window: number) {
    this.#clock = clock;
    [this.localAddress, this.localPort] = from;
    [this.remoteAddress, this.remotePort] = to;
    this.window = window;
  }

  get queuedBytes(): number {
    return Math.max(0, this.#queuedBytes - this.window);
  }

  get isGone(): boolean {
    return this.#gone;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone || this.#ended) return false;
    this.#queuedBytes += bytes.length;
    this.other?.receive(bytes);
    return this.queuedBytes === 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  end(): void {
    if (this.#ended || this.#gone) return;
    this.#ended = true;
    this.other?.receive('fin');
  }

  destroy(): void {
    this.onClose = undefined;
    this.onData = undefined;
    this.#end();
  }

  #end(): void {
    if (this.#gone) return;
    this.#gone = true;
    const other = this.other;
    this.#clock.after(0, () => other?.reset());
  }

  /** The other side is gone without a word. */
  reset(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.onClose?.();
  }

  receive(item: Uint8Array | 'fin'): void {
    this.#inbox.push(item);
    this.#schedule();
  }

  taken(bytes: number): void {
    const wasFull = this.queuedBytes > 0;
    this.#queuedBytes -= bytes;
    if (wasFull && this.queuedBytes === 0) this.onDrain?.();
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#inbox.length === 0) return;
    this.#scheduled = true;
    this.#clock.after(1, () => {
      this.#scheduled = false;
      if (this.#paused || this.#gone) return;
      const item = this.#inbox.shift();
      if (item === 'fin') {
        this.#gone = true;
        this.other?.reset();
        this.onClose?.();
        return;
      }
      if (item !== undefined) {
        this.other?.taken(item.length);
        this.onData?.(item);
      }
      this.#schedule();
    });
  }
}

/** Two ends of one connection. */
export function memoryPair(
  clock: Clock,
  a: readonly [string, number] = ['10.0.0.1', 40000],
  b: readonly [string, number] = ['10.0.0.2', 179],
  window = 65_536,
): [MemoryConnection, MemoryConnection] {
  const ends: [MemoryConnection, MemoryConnection] = [
    new MemoryConnection(clock, a, b, window),
    new MemoryConnection(clock, b, a, window),
  ];
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}

/** A network of listeners by address; connecting takes one millisecond. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #listeners = new Map<string, (connection: Connection) => void>();
  readonly attempts: ConnectOptions[] = [];
  #port = 40000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The transport of the host at `address`. */
  at(address: string): Transport {
    return {
      connect: (options, connected, failed) => {
        this.attempts.push(options);
        const port = this.#port++;
        return this.#clock.after(1, () => {
          const accept = this.#listeners.get(options.remoteAddress);
          if (accept === undefined) {
            failed(new Error(`connect ECONNREFUSED ${options.remoteAddress}:${options.remotePort}`));
            return;
          }
          const [near, far] = memoryPair(this.#clock, [address, port], [options.remoteAddress, options.remotePort]);
          accept(far);
          connected(near);
        });
      },
      listen: async (options, accept) => {
        this.listen(options.address, accept);
        return {
          ...options,
          setPeerOptions: () => {},
          close: async () => void this.#listeners.delete(options.address),
        };
      },
    };
  }

  listen(address: string, accept: (connection: Connection) => void): void {
    this.#listeners.set(address, accept);
  }
}
