/** A connected `net.Socket` as a `Connection`. */
import type { Socket } from 'node:net';
import type { Connection, LocalInterface } from '../ports.ts';
import { interfaceWith } from './node-interfaces.ts';

/** Above this, `write` asks the writer to wait. Node itself would at 16 KiB, which starves a fast link. */
const highWaterBytes = 512 * 1024;

export class NodeConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error?: Error) => void) | undefined;
  readonly #socket: Socket;
  #error: Error | undefined;
  #full = false;

  /** `socket` is connected; it is not read before `resume`. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    socket.setNoDelay(true);
    socket.pause();
    // A plain Uint8Array, as what is joined of two chunks is: code that saw both kinds is compiled twice and slower.
    socket.on('data', ({ buffer, byteOffset, byteLength }: Uint8Array) =>
      this.onData?.(new Uint8Array(buffer, byteOffset, byteLength)),
    );
    socket.on('drain', () => {
      if (!this.#full) return;
      this.#full = false;
      this.onDrain?.();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.onClose?.(this.#error));
  }

  localInterface(): LocalInterface | undefined {
    return interfaceWith(this.localAddress);
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#socket.destroyed) return false;
    this.#socket.write(bytes);
    this.#full = this.#socket.writableLength >= highWaterBytes;
    return !this.#full;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.onClose = undefined;
    this.onData = undefined;
    this.#socket.destroy();
  }
}
