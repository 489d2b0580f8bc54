/** The surroundings of a replayed speaker: they do nothing by themselves, and say and bring what the recording has. */
import type { Bfd, BfdChange, BfdSession, BfdSessionOptions } from '../bfd/api.ts';
import type { Connection, ConnectOptions, Listener, LocalInterface, PeerSocketOptions } from '../ports.ts';
import type { SpeakerPorts } from '../speaker/speaker.ts';
import { decodeHex, encodeHex } from './hex.ts';
import type { ConnectionEnds, Input, Output } from './model.ts';
import { fromPlain, toPlain } from './plain-value.ts';
import type { Script } from './script.ts';

interface Attempt {
  connected(connection: Connection): void;
  failed(error: Error): void;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

interface ReplayedListener extends Waiting<Listener> {
  accept(connection: Connection): void;
  closed?(): void;
}

export class ReplayPorts {
  readonly ports: SpeakerPorts;
  readonly #script: Script;
  readonly #timers = new Map<number, { readonly delayMs: number; readonly run: () => void }>();
  readonly #attempts = new Map<number, Attempt>();
  readonly #connections = new Map<number, ReplayedConnection>();
  readonly #listeners = new Map<number, ReplayedListener>();
  readonly #bfdAsked: Waiting<Pick<Bfd, 'session'>>[] = [];
  readonly #bfdSessions = new Map<number, ReplayedBfdSession>();
  #nextTimer = 0;
  #nextConnection = 0;
  #nextListener = 0;
  #nextBfdSession = 0;

  constructor(script: Script) {
    this.#script = script;
    this.ports = {
      clock: { now: () => script.now, after: (delayMs, run) => this.#after(delayMs, run) },
      random: { next: () => script.answer('random') ?? 0 },
      transport: {
        connect: (options, connected, failed) => this.#connect(options, { connected, failed }),
        listen: (options, accept) => this.#listen(options, accept),
      },
      bfd: () => {
        script.output({ kind: 'bfd' });
        const { promise, ...waiting } = Promise.withResolvers<Pick<Bfd, 'session'>>();
        this.#bfdAsked.push(waiting);
        return promise;
      },
    };
  }

  /** False for an input that is none of the surroundings'. */
  perform(input: Input): boolean {
    switch (input.kind) {
      case 'timer':
        this.#fire(input.timer, input.delayMs);
        return true;
      case 'connected':
        this.#taken(this.#attempts, input.connection)?.connected(this.#open(input.connection, input.ends));
        return true;
      case 'connect-failed':
        this.#taken(this.#attempts, input.connection)?.failed(new Error(input.error));
        return true;
      case 'accepted':
        this.#nextConnection = input.connection + 1;
        this.#found(this.#listeners, input.listener)?.accept(this.#open(input.connection, input.ends));
        return true;
      case 'data':
        this.#found(this.#connections, input.connection)?.onData?.(decodeHex(input.bytes));
        return true;
      case 'drained':
        this.#found(this.#connections, input.connection)?.onDrain?.();
        return true;
      case 'closed':
        this.#taken(this.#connections, input.connection)?.onClose?.(
          input.error === undefined ? undefined : new Error(input.error),
        );
        return true;
      case 'listening':
        this.#found(this.#listeners, input.listener)?.resolve(
          this.#listener(input.listener, input.address, input.port),
        );
        return true;
      case 'listen-failed':
        this.#taken(this.#listeners, input.listener)?.reject(new Error(input.error));
        return true;
      case 'listener-closed':
        this.#taken(this.#listeners, input.listener)?.closed?.();
        return true;
      case 'bfd-ready':
        this.#bfdAsked.shift()?.resolve({ session: (options) => this.#bfdSession(options) });
        return true;
      case 'bfd-failed':
        this.#bfdAsked.shift()?.reject(new Error(input.error));
        return true;
      case 'bfd-change':
        this.#found(this.#bfdSessions, input.session)?.change(fromPlain(input.change) as BfdChange);
        return true;
      default:
        return false;
    }
  }

  #after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = this.#nextTimer++;
    this.#timers.set(timer, { delayMs, run });
    return { cancel: () => void this.#timers.delete(timer) };
  }

  #fire(timer: number, delayMs: number): void {
    const running = this.#taken(this.#timers, timer);
    if (running === undefined) return;
    if (running.delayMs === delayMs) running.run();
    else this.#script.differ(`the timer was of ${delayMs} ms, now it is of ${running.delayMs} ms`);
  }

  #connect(options: ConnectOptions, attempt: Attempt): { cancel(): void } {
    const connection = this.#nextConnection++;
    this.#script.output({ kind: 'connect', connection, options: toPlain(options) });
    this.#attempts.set(connection, attempt);
    return {
      cancel: () => {
        this.#script.output({ kind: 'cancel', connection });
        this.#attempts.delete(connection);
      },
    };
  }

  #open(connection: number, ends: ConnectionEnds): Connection {
    const opened = new ReplayedConnection(connection, ends, this.#script);
    this.#connections.set(connection, opened);
    return opened;
  }

  #listen(
    options: { readonly address: string; readonly port: number },
    accept: ReplayedListener['accept'],
  ): Promise<Listener> {
    const listener = this.#nextListener++;
    this.#script.output({ kind: 'listen', listener, options: toPlain(options) });
    const { promise, ...waiting } = Promise.withResolvers<Listener>();
    this.#listeners.set(listener, { ...waiting, accept });
    return promise;
  }

  #listener(listener: number, address: string, port: number): Listener {
    return {
      address,
      port,
      setPeerOptions: (peer, options: PeerSocketOptions | undefined) => {
        const output: Output = { kind: 'peer-options', listener, address: peer, options: toPlain(options) };
        const recorded = this.#script.output(output);
        if (recorded?.answer !== undefined) throw new Error(String(recorded.answer));
      },
      close: () => {
        this.#script.output({ kind: 'close-listener', listener });
        const { promise, resolve } = Promise.withResolvers<void>();
        const open = this.#listeners.get(listener);
        if (open !== undefined) open.closed = resolve;
        return promise;
      },
    };
  }

  #bfdSession(options: BfdSessionOptions): BfdSession {
    const number = this.#nextBfdSession++;
    const recorded = this.#script.output({
      kind: 'bfd-session',
      session: number,
      options: toPlain(options),
    } as BfdOutput);
    const answer = recorded?.answer ?? { state: 'Down' };
    if ('error' in answer) throw new Error(answer.error);
    const session = new ReplayedBfdSession(number, answer.state, this.#script);
    this.#bfdSessions.set(number, session);
    return session;
  }

  /** What the input is for; a difference where the speaker has none such. */
  #found<T>(known: ReadonlyMap<number, T>, number: number): T | undefined {
    const found = known.get(number);
    if (found === undefined) this.#script.differ(`the speaker has none with the number ${number}`);
    return found;
  }

  #taken<T>(known: Map<number, T>, number: number): T | undefined {
    const found = this.#found(known, number);
    known.delete(number);
    return found;
  }
}

type BfdOutput = Extract<Output, { readonly kind: 'bfd-session' }>;

class ReplayedConnection implements Connection {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #number: number;
  readonly #script: Script;

  constructor(number: number, ends: ConnectionEnds, script: Script) {
    this.#number = number;
    this.#script = script;
    this.localAddress = ends.localAddress;
    this.localPort = ends.localPort;
    this.remoteAddress = ends.remoteAddress;
    this.remotePort = ends.remotePort;
  }

  get queuedBytes(): number {
    return this.#script.answer('queued') ?? 0;
  }

  localInterface(): LocalInterface | undefined {
    const found = this.#script.answer('interface') ?? null;
    return found === null ? undefined : (fromPlain(found) as LocalInterface);
  }

  write(bytes: Uint8Array): boolean {
    const output: WriteOutput = { kind: 'write', connection: this.#number, bytes: encodeHex(bytes) };
    return this.#script.output(output)?.answer !== false;
  }

  pause(): void {
    this.#act('pause');
  }

  resume(): void {
    this.#act('resume');
  }

  end(): void {
    this.#act('end');
  }

  destroy(): void {
    this.#act('destroy');
  }

  #act(kind: 'pause' | 'resume' | 'end' | 'destroy'): void {
    this.#script.output({ kind, connection: this.#number });
  }
}

type WriteOutput = Extract<Output, { readonly kind: 'write' }>;

class ReplayedBfdSession implements BfdSession {
  onChange: ((change: BfdChange) => void) | undefined;
  #state: BfdSession['state'];
  readonly #number: number;
  readonly #script: Script;

  constructor(number: number, state: BfdSession['state'], script: Script) {
    this.#number = number;
    this.#state = state;
    this.#script = script;
  }

  get state(): BfdSession['state'] {
    return this.#state;
  }

  get status(): never {
    throw new Error('of a replayed BFD session only the state is known');
  }

  change(change: BfdChange): void {
    this.#state = change.state;
    this.onChange?.(change);
  }

  close(): void {
    this.#script.output({ kind: 'close-bfd-session', session: this.#number });
  }
}
