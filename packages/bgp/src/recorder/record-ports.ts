/** The ports of a speaker with a journal in between: clock, random source and transport act as before, and are written down. */
import type { Clock, Connection, ConnectOptions, Listener, PeerSocketOptions, Random, Transport } from '../ports.ts';
import { encodeHex } from './hex.ts';
import type { Journal } from './journal.ts';
import type { ConnectionEnds } from './model.ts';
import { type Secrets, toPlain } from './plain-value.ts';

export interface RecordedPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
}

export function recordPorts(ports: RecordedPorts, journal: Journal, secrets: Secrets): RecordedPorts {
  return {
    clock: recordClock(ports.clock, journal),
    random: { next: () => journal.asked('random', ports.random.next()) },
    transport: new RecordedTransport(ports.transport, journal, secrets),
  };
}

function recordClock(clock: Clock, journal: Journal): Clock {
  let timers = 0;
  return {
    now: () => journal.now(),
    after(delayMs, run) {
      const timer = timers++;
      return clock.after(delayMs, () => journal.input({ kind: 'timer', timer, delayMs }, run));
    },
  };
}

class RecordedTransport implements Transport {
  readonly #transport: Transport;
  readonly #journal: Journal;
  readonly #secrets: Secrets;
  #connections = 0;
  #listeners = 0;

  constructor(transport: Transport, journal: Journal, secrets: Secrets) {
    this.#transport = transport;
    this.#journal = journal;
    this.#secrets = secrets;
  }

  connect(
    options: ConnectOptions,
    connected: (connection: Connection) => void,
    failed: (error: Error) => void,
  ): { cancel(): void } {
    const journal = this.#journal;
    const connection = this.#connections++;
    journal.output({ kind: 'connect', connection, options: toPlain(options, this.#secrets) });
    const attempt = this.#transport.connect(
      options,
      (inner) =>
        journal.input({ kind: 'connected', connection, ends: endsOf(inner) }, () =>
          connected(new RecordedConnection(inner, connection, journal)),
        ),
      (error) => journal.input({ kind: 'connect-failed', connection, error: error.message }, () => failed(error)),
    );
    return {
      cancel() {
        journal.output({ kind: 'cancel', connection });
        attempt.cancel();
      },
    };
  }

  listen(
    options: { readonly address: string; readonly port: number; readonly device?: string },
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    const journal = this.#journal;
    const listener = this.#listeners++;
    journal.output({ kind: 'listen', listener, options: toPlain(options) });
    const { promise, resolve, reject } = Promise.withResolvers<Listener>();
    const take = (inner: Connection): void => {
      const connection = this.#connections++;
      journal.input({ kind: 'accepted', listener, connection, ends: endsOf(inner) }, () =>
        accept(new RecordedConnection(inner, connection, journal)),
      );
    };
    this.#transport.listen(options, take).then(
      (inner) => {
        const { address, port } = inner;
        journal.input({ kind: 'listening', listener, address, port }, () => resolve(this.#listener(inner, listener)));
      },
      (error: unknown) => {
        journal.input({ kind: 'listen-failed', listener, error: textOf(error) }, () => reject(error));
      },
    );
    return promise;
  }

  #listener(inner: Listener, listener: number): Listener {
    const journal = this.#journal;
    return {
      address: inner.address,
      port: inner.port,
      setPeerOptions: (address, options: PeerSocketOptions | undefined) => {
        const output = { kind: 'peer-options', listener, address, options: toPlain(options, this.#secrets) } as const;
        try {
          inner.setPeerOptions(address, options);
        } catch (error) {
          journal.output({ ...output, answer: textOf(error) });
          throw error;
        }
        journal.output(output);
      },
      async close() {
        journal.output({ kind: 'close-listener', listener });
        const { promise, resolve } = Promise.withResolvers<void>();
        inner.close().then(() => journal.input({ kind: 'listener-closed', listener }, resolve), resolve);
        return promise;
      },
    };
  }
}

class RecordedConnection implements Connection {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #inner: Connection;
  readonly #number: number;
  readonly #journal: Journal;

  constructor(inner: Connection, number: number, journal: Journal) {
    this.#inner = inner;
    this.#number = number;
    this.#journal = journal;
    ({
      localAddress: this.localAddress,
      localPort: this.localPort,
      remoteAddress: this.remoteAddress,
      remotePort: this.remotePort,
    } = inner);
    inner.onData = (chunk) =>
      journal.input({ kind: 'data', connection: number, bytes: encodeHex(chunk) }, () => this.onData?.(chunk));
    inner.onDrain = () => journal.input({ kind: 'drained', connection: number }, () => this.onDrain?.());
    inner.onClose = (error) => {
      const cause = error === undefined ? {} : { error: error.message };
      journal.input({ kind: 'closed', connection: number, ...cause }, () => this.onClose?.(error));
    };
  }

  get queuedBytes(): number {
    return this.#journal.asked('queued', this.#inner.queuedBytes);
  }

  localInterface(): ReturnType<NonNullable<Connection['localInterface']>> {
    const found = this.#inner.localInterface?.();
    return this.#journal.asked('interface', found, toPlain(found));
  }

  write(bytes: Uint8Array): boolean {
    const hasRoom = this.#inner.write(bytes);
    const output = { kind: 'write', connection: this.#number, bytes: encodeHex(bytes) } as const;
    this.#journal.output(hasRoom ? output : { ...output, answer: false });
    return hasRoom;
  }

  pause(): void {
    this.#journal.output({ kind: 'pause', connection: this.#number });
    this.#inner.pause();
  }

  resume(): void {
    this.#journal.output({ kind: 'resume', connection: this.#number });
    this.#inner.resume();
  }

  end(): void {
    this.#journal.output({ kind: 'end', connection: this.#number });
    this.#inner.end();
  }

  destroy(): void {
    this.#journal.output({ kind: 'destroy', connection: this.#number });
    this.#inner.destroy();
  }
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Connection): ConnectionEnds {
  return { localAddress, localPort, remoteAddress, remotePort };
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
