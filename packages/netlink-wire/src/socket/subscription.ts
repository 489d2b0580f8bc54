/**
 * Multicast notifications over a port of their own. When the port loses some, a new one joins the groups before the
 * listener is told, so that whoever reads the tables after the word cannot miss a change.
 */
import { NLMSG_MIN_TYPE } from '../constants/netlink.ts';
import { WireError } from '../errors.ts';
import { type MessageHeader, readMessages } from '../message/header.ts';
import type { Reader } from '../wire/reader.ts';
import type { Dial, Port } from './port.ts';

export interface SubscriptionHandlers {
  readonly message: (header: MessageHeader, body: Reader) => void;
  readonly lost: (reason: 'overrun' | 'malformed') => void;
  /** Port id whose changes are not wanted, asked for at each opening of a port. */
  readonly exceptPortId?: () => number;
}

/** Between attempts to open a port when the machine has no descriptor or no memory for one. */
const REOPEN_MS = 1000;

export class MulticastSubscription {
  readonly #dial: Dial;
  readonly #groups: readonly number[];
  readonly #handlers: SubscriptionHandlers;
  #port: Port | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Joins at once. @throws the port's error. */
  constructor(dial: Dial, groups: readonly number[], handlers: SubscriptionHandlers) {
    this.#dial = dial;
    this.#groups = groups;
    this.#handlers = handlers;
    this.#open();
  }

  /** The listener is not called any more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#port?.close();
    this.#port = undefined;
  }

  #open(): void {
    const port = this.#dial(
      {
        datagram: (bytes) => this.#receive(bytes),
        failed: () => {
          this.#port?.close();
          this.#port = undefined;
          this.#reopen();
        },
      },
      { purpose: 'notifications', ...this.#except() },
    );
    try {
      for (const group of this.#groups) port.join(group);
    } catch (error) {
      port.close();
      throw error;
    }
    this.#port = port;
  }

  #except(): { exceptPortId?: number } {
    const portId = this.#handlers.exceptPortId?.();
    return portId === undefined ? {} : { exceptPortId: portId };
  }

  #reopen(): void {
    if (this.#closed) return;
    try {
      this.#open();
    } catch {
      this.#timer = setTimeout(() => this.#reopen(), REOPEN_MS);
      return;
    }
    this.#handlers.lost('overrun');
  }

  #receive(datagram: Uint8Array): void {
    try {
      readMessages(datagram, (header, body) => {
        if (this.#closed) return;
        if (header.type >= NLMSG_MIN_TYPE) this.#handlers.message(header, body);
        else this.#handlers.lost('overrun');
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#handlers.lost('malformed');
    }
  }
}
