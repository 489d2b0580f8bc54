/**
 * One TCP connection of a session: frames in, whole messages out. It reads a bounded piece in one turn of the event loop,
 * so that other sessions, timers and calls get theirs, and knows how much the peer has taken.
 */
import { BgpError } from '../errors.ts';
import type { Clock, Connection } from '../ports.ts';
import { closeGently } from './farewell.ts';
import { type Frame, Framer } from './framer.ts';
import type { ReadingTurns } from './reading-turns.ts';

/**
 * Most that one connection reads in one turn: with small UPDATEs half a millisecond of work; what all read together is
 * bounded by `reading-turns.ts`. Turns four times as long made a full table 5 % faster.
 */
const turnFrames = 64;
const turnBytes = 16_384;

/** Called in order, never from inside a call to the channel, and never after `close`. */
export interface ChannelListener {
  message(type: number, body: Uint8Array): void;
  /** The stream cannot be read further. */
  defective(error: BgpError): void;
  /** The connection is gone. */
  lost(text: string): void;
  drained(): void;
}

export class Channel {
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #turns: ReadingTurns;
  readonly #listener: ChannelListener;
  readonly #framer = new Framer();
  #open = true;
  /** The speaker asked to stop reading. */
  #paused = false;
  /** The rest of the input waits for the next turn. */
  #yielding = false;
  /** The connection ended behind input that is not read yet. */
  #lostText: string | undefined;
  #writtenBytes = 0;

  constructor(connection: Connection, clock: Clock, turns: ReadingTurns, listener: ChannelListener) {
    this.connection = connection;
    this.#clock = clock;
    this.#turns = turns;
    this.#listener = listener;
    connection.onData = (chunk) => {
      this.#framer.push(chunk);
      this.#read();
    };
    connection.onDrain = () => listener.drained();
    connection.onClose = (error) => {
      this.#lostText = error === undefined ? 'the peer closed the connection' : error.message;
      this.#read();
    };
  }

  /** RFC 8654: messages of up to 65535 bytes from now on. */
  allowExtendedMessages(): void {
    this.#framer.extendedMessages = true;
  }

  /** Whether input may be waiting that this side chose not to read yet. */
  get holdsBack(): boolean {
    return this.#paused || this.#yielding;
  }

  /** Bytes that the transport took from the queue since the start. */
  get takenBytes(): number {
    return this.#writtenBytes - this.connection.queuedBytes;
  }

  /** False: over the high-water mark. */
  write(bytes: Uint8Array): boolean {
    this.#writtenBytes += bytes.length;
    return this.connection.write(bytes);
  }

  pause(): void {
    this.#paused = true;
    this.connection.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#yield(false);
  }

  /** Sends what is queued and closes; the listener hears nothing more. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#lostText === undefined) closeGently(this.connection, this.#clock);
  }

  #read(): void {
    if (this.#yielding) return;
    if (this.#turns.isSpent) {
      this.#yield(false);
      return;
    }
    let frames = 0;
    let bytes = 0;
    while (this.#open && !this.#paused && frames < turnFrames && bytes < turnBytes) {
      const frame = this.#next();
      if (frame === undefined) break;
      const { type, body } = frame;
      frames += 1;
      bytes += body.length;
      this.#listener.message(type, body);
    }
    this.#turns.spend(frames, bytes);
    if (!this.#open || this.#paused) return;
    if (frames === turnFrames || bytes >= turnBytes) this.#yield(true);
    else if (this.#lostText !== undefined) this.#listener.lost(this.#lostText);
    else this.connection.resume();
  }

  #next(): Frame | undefined {
    try {
      return this.#framer.next();
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.#listener.defective(error);
      return undefined;
    }
  }

  /** Goes on in the next turn. */
  #yield(hasRead: boolean): void {
    if (this.#yielding || !this.#open) return;
    this.#yielding = true;
    this.connection.pause();
    this.#turns.wait(() => {
      this.#yielding = false;
      if (this.#open) this.#read();
    }, hasRead);
  }
}
