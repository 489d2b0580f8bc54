/**
 * The least side of a BGP session that a speaker keeps up, over a real socket: OPEN, KEEPALIVE, and then the bytes that a
 * test wants to send. It keeps nothing of what it gets but counts, and hands on the bodies of UPDATEs.
 */
import { connect, type Socket } from 'node:net';
import { encodeKeepalive, encodeOpen, headerBytes, messageType, parseIpv4 } from '../../src/codec.ts';
import { until } from './daemons.ts';

export interface LeanPeer {
  readonly address: string;
  readonly asn: number;
  /** BGP Identifier, dotted. */
  readonly identifier: string;
}

const holdTimeSeconds = 240;

export class LeanSession {
  readonly socket: Socket;
  /** Messages received, by type. */
  readonly received = new Map<number, number>();
  /** Code and subcode of a NOTIFICATION that came. */
  notification: string | undefined;
  closed = false;
  onUpdate: ((body: Buffer) => void) | undefined;
  readonly #peer: LeanPeer;
  #rest: Buffer = Buffer.alloc(0);

  /** Connects to a speaker that expects this peer; `established` tells when the session is up. */
  constructor(peer: LeanPeer, remoteAddress: string, port = 179) {
    this.#peer = peer;
    this.socket = connect({ host: remoteAddress, port, localAddress: peer.address, noDelay: true });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('connect', () => this.socket.write(this.#open()));
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  get isEstablished(): boolean {
    return this.received.has(messageType.keepalive) && !this.closed;
  }

  #open(): Uint8Array {
    const { asn, identifier } = this.#peer;
    return encodeOpen({
      kind: 'open',
      version: 4,
      myAs: asn,
      holdTimeSeconds,
      identifier: parseIpv4(identifier),
      capabilities: [
        { kind: 'multiprotocol', family: 257 },
        { kind: 'four-octet-as', asn },
      ],
    });
  }

  #read(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length >= headerBytes && data.length >= data.readUInt16BE(16)) {
      const length = data.readUInt16BE(16);
      const type = data[headerBytes - 1] ?? 0;
      this.received.set(type, (this.received.get(type) ?? 0) + 1);
      if (type === messageType.open) this.socket.write(encodeKeepalive());
      if (type === messageType.update) this.onUpdate?.(data.subarray(headerBytes, length));
      if (type === messageType.notification) this.notification = `${data[headerBytes]}/${data[headerBytes + 1]}`;
      data = data.subarray(length);
    }
    this.#rest = data;
  }
}

/** Connects again and again, as a speaker that has just started may refuse, and resolves when the session is up. */
export async function establish(peer: LeanPeer, remoteAddress: string, port = 179): Promise<LeanSession> {
  let session = new LeanSession(peer, remoteAddress, port);
  await until(`a session from ${peer.address} to ${remoteAddress}`, () => {
    if (session.closed) session = new LeanSession(peer, remoteAddress, port);
    return session.isEstablished;
  });
  return session;
}
