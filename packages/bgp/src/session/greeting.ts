/**
 * The first message of a connection from a peer that is not known by address: read up to the end of its OPEN, to know who
 * it is, and given back to be read once more by the session that it then belongs to.
 */
import { BgpError, type NotificationContent, noBytes } from '../errors.ts';
import { errorCode, finiteStateMachineSubcode, messageType } from '../iana.ts';
import { asnOf } from '../message/negotiation.ts';
import { encodeNotification } from '../message/notification.ts';
import { decodeOpen } from '../message/open.ts';
import type { Clock, Connection } from '../ports.ts';
import { closeGently } from './farewell.ts';
import { Framer } from './framer.ts';

/** A peer that connects sends its OPEN at once. */
const greetingMs = 10_000;

export interface Greeting {
  readonly asn: number;
  /** Gives what was read already first. */
  readonly connection: Connection;
}

/** Calls `done` once, later: with undefined when the connection was given up; it is closed or closing then. */
export function greet(connection: Connection, clock: Clock, done: (greeting: Greeting | undefined) => void): void {
  const framer = new Framer();
  const chunks: Uint8Array[] = [];
  const end = (asn?: number): void => {
    deadline.cancel();
    connection.onData = undefined;
    connection.onClose = undefined;
    done(asn === undefined ? undefined : { asn, connection: new PrefacedConnection(connection, clock, chunks) });
  };
  const deadline = clock.after(greetingMs, () => {
    connection.destroy();
    end();
  });
  connection.onClose = () => end();
  connection.onData = (chunk) => {
    const kept = Uint8Array.from(chunk);
    chunks.push(kept);
    framer.push(kept);
    try {
      const frame = framer.next();
      if (frame === undefined) return;
      connection.pause();
      if (frame.type !== messageType.open) {
        end();
        dismiss(connection, clock, unexpectedMessage);
        return;
      }
      end(asnOf(decodeOpen(frame.body)));
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      end();
      dismiss(connection, clock, error.notification);
    }
  };
  connection.resume();
}

/** RFC 6608 §4: an FSM error, before any OPEN. */
const unexpectedMessage: NotificationContent = {
  code: errorCode.finiteStateMachine,
  subcode: finiteStateMachineSubcode.unexpectedMessageInOpenSent,
  data: noBytes,
};

/** Answers with a NOTIFICATION and closes. */
export function dismiss(connection: Connection, clock: Clock, notification: NotificationContent): void {
  connection.write(encodeNotification(notification));
  closeGently(connection, clock);
}

/** A connection whose first chunks have been read already. */
class PrefacedConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  readonly #inner: Connection;
  readonly #clock: Clock;
  readonly #preface: Uint8Array[];
  #paused = true;

  constructor(inner: Connection, clock: Clock, preface: Uint8Array[]) {
    this.localAddress = inner.localAddress;
    this.localPort = inner.localPort;
    this.remoteAddress = inner.remoteAddress;
    this.remotePort = inner.remotePort;
    this.#inner = inner;
    this.#clock = clock;
    this.#preface = preface;
    inner.onData = (chunk) => this.onData?.(chunk);
    inner.onDrain = () => this.onDrain?.();
    inner.onClose = (error) => this.onClose?.(error);
  }

  get queuedBytes(): number {
    return this.#inner.queuedBytes;
  }

  write(bytes: Uint8Array): boolean {
    return this.#inner.write(bytes);
  }

  pause(): void {
    this.#paused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#preface.length === 0) this.#inner.resume();
    else this.#clock.after(0, () => this.#readPreface());
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  #readPreface(): void {
    while (!this.#paused) {
      const chunk = this.#preface.shift();
      if (chunk === undefined) {
        this.#inner.resume();
        return;
      }
      this.onData?.(chunk);
    }
  }
}
