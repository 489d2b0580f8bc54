/** A port of the fake kernel. As with the real one, nothing is called before the call that causes it has returned. */
import type { Port, PortListener, PortUse } from '../socket/port.ts';

export interface FakePortOwner {
  send(port: FakePort, bytes: Uint8Array): void;
  close(port: FakePort): void;
  takesSends(): boolean;
}

export class FakePort implements Port {
  readonly id: number;
  readonly receiveBufferBytes: number;
  readonly extendedAck: boolean;
  readonly use: PortUse;
  /** Groups it has joined. */
  readonly groups = new Set<number>();
  readonly #listener: PortListener;
  readonly #owner: FakePortOwner;
  #open = true;

  constructor(
    id: number,
    options: { readonly receiveBufferBytes: number; readonly extendedAck: boolean },
    use: PortUse,
    listener: PortListener,
    owner: FakePortOwner,
  ) {
    this.id = id;
    this.receiveBufferBytes = options.receiveBufferBytes;
    this.extendedAck = options.extendedAck;
    this.use = use;
    this.#listener = listener;
    this.#owner = owner;
  }

  send(bytes: Uint8Array, sent: (code?: string) => void): void {
    if (!this.#owner.takesSends()) return;
    this.#owner.send(this, bytes);
    this.#later(() => sent());
  }

  join(group: number): void {
    this.groups.add(group);
  }

  close(): void {
    this.#open = false;
    this.#owner.close(this);
  }

  deliver(datagram: Uint8Array): void {
    this.#later(() => this.#listener.datagram(datagram));
  }

  fail(code: string): void {
    this.#later(() => this.#listener.failed(code));
  }

  #later(action: () => void): void {
    queueMicrotask(() => {
      if (this.#open) action();
    });
  }
}
