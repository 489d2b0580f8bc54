/**
 * The least side of a BGP session that a daemon keeps up: OPEN, some routes, End-of-RIB, then KEEPALIVEs when it is told.
 * Thousands of them share one process, so that what is measured is the daemon at the other end.
 */
import { connect, type Socket } from 'node:net';
import { encodeKeepalive, encodeOpen, headerBytes, messageType } from '@routelet/bgp/codec';

/** RFC 4271 §4.2: proposed by this side. */
export const holdTimeSeconds = 90;
const retryMs = 1000;

export interface LeanSessionOptions {
  /** Local address, and BGP Identifier as a number. */
  readonly address: string;
  readonly identifier: number;
  readonly remoteAddress: string;
  readonly port: number;
  readonly asn: number;
  /** UPDATEs to write when the session is up. */
  readonly updates: () => Uint8Array;
  /** The body of an UPDATE that came. */
  readonly onUpdate: (body: Buffer) => void;
  readonly onUp?: () => void;
  readonly onLost: () => void;
}

const keepalive = encodeKeepalive();

export class LeanSession {
  readonly #options: LeanSessionOptions;
  #socket: Socket | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #up = false;

  constructor(options: LeanSessionOptions) {
    this.#options = options;
  }

  /** Connects, and again a second after each failure. */
  start(): void {
    const { address, remoteAddress, port } = this.#options;
    const socket = connect({ host: remoteAddress, port, localAddress: address, noDelay: true });
    socket.on('connect', () => this.accept(socket));
    socket.on('error', () => undefined);
    socket.on('close', () => setTimeout(() => this.start(), retryMs));
  }

  /** Speaks on a connection that is there, in the place of the one before. */
  accept(socket: Socket): void {
    const { asn, identifier } = this.#options;
    this.#socket?.destroy();
    this.#lose();
    this.#socket = socket;
    this.#rest = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket) this.#lose();
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket === socket) this.#read(chunk);
    });
    const open = { kind: 'open', version: 4, myAs: asn, holdTimeSeconds, identifier } as const;
    const capabilities = [
      { kind: 'multiprotocol', family: 257 },
      { kind: 'four-octet-as', asn },
    ] as const;
    socket.write(encodeOpen({ ...open, capabilities }));
  }

  keepAlive(): void {
    this.send(keepalive);
  }

  /** Writes messages when the session is up. */
  send(messages: Uint8Array): void {
    if (this.#up) this.#socket?.write(messages);
  }

  #lose(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#options.onLost();
  }

  #read(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length >= headerBytes) {
      const length = data.readUInt16BE(16);
      if (data.length < length) break;
      this.#take(data[headerBytes - 1] ?? 0, data.subarray(headerBytes, length));
      data = data.subarray(length);
    }
    this.#rest = data;
  }

  #take(type: number, body: Buffer): void {
    if (type === messageType.open) this.#socket?.write(keepalive);
    else if (type === messageType.update) this.#options.onUpdate(body);
    else if (type === messageType.keepalive && !this.#up) {
      this.#up = true;
      this.#socket?.write(this.#options.updates());
      this.#options.onUp?.();
    }
  }
}
