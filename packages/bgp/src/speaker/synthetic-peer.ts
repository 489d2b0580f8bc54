/** The near end of a connection in memory whose far end agrees to every session, says what it is told to, and reads. */
import { parseIpv4 } from '../address.ts';
import { families } from '../family/registry.ts';
import { encodeKeepalive } from '../message/keepalive.ts';
import { encodeOpen } from '../message/open.ts';
import type { Clock, Connection } from '../ports.ts';

const holdTimeSeconds = 240;
/** Turns of the event loop in which the far end takes nothing after each write, so that changes gather as on a real socket. */
const busyTurns = 12;

export class SyntheticPeer implements Connection {
  readonly localAddress = '192.0.2.1';
  readonly localPort = 179;
  readonly remoteAddress: string;
  readonly remotePort = 49_152;
  readonly queuedBytes = 0;
  readonly asn: number;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  /** The owner knows that the connection is closed. */
  isGone = false;
  readonly #clock: Clock;
  /** Chunks that have arrived and were not read. */
  #arrived: Uint8Array[] = [];
  #paused = true;
  #greeted = false;
  #closed = false;
  #isBusy = false;

  constructor(address: string, asn: number, clock: Clock) {
    this.remoteAddress = address;
    this.asn = asn;
    this.#clock = clock;
  }

  write(_bytes: Uint8Array): boolean {
    if (!this.#greeted) this.#greet();
    if (!this.#isBusy) this.#wait(busyTurns);
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#arrived.length > 0) this.#clock.after(0, () => this.#read());
  }

  end(): void {
    this.lose();
  }

  destroy(): void {
    this.#closed = true;
    this.isGone = true;
  }

  /** What the far end sends; `chunk` is the reader's from then on. */
  deliver(chunk: Uint8Array): void {
    this.#arrived.push(chunk);
    this.#clock.after(0, () => this.#read());
  }

  /** Breaks the connection. */
  lose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.after(0, () => {
      this.isGone = true;
      this.onClose?.();
    });
  }

  #wait(turns: number): void {
    this.#isBusy = turns > 0;
    if (this.#closed) return;
    if (turns > 0) this.#clock.after(0, () => this.#wait(turns - 1));
    else this.onDrain?.();
  }

  #greet(): void {
    this.#greeted = true;
    const { asn } = this;
    const capabilities = [
      ...families.map(({ key: family }) => ({ kind: 'multiprotocol', family }) as const),
      { kind: 'four-octet-as', asn } as const,
    ];
    const identifier = parseIpv4(this.remoteAddress);
    this.deliver(encodeOpen({ kind: 'open', version: 4, myAs: asn, holdTimeSeconds, identifier, capabilities }));
    this.deliver(encodeKeepalive());
  }

  #read(): void {
    while (!this.#paused && !this.#closed) {
      const chunk = this.#arrived.shift();
      if (chunk === undefined) return;
      this.onData?.(chunk);
    }
  }
}
