/**
 * The real port: the raw socket of the `netlink` package and nothing else of it. What that socket does in its corners is
 * dealt with here, so that no other file has to know.
 */
import { endianness } from 'node:os';
import { RawNetlinkSocket } from 'netlink/dist/raw.js';
import { NetlinkError } from '../errors.ts';
import {
  countDrops,
  droppedDatagrams,
  excludePortId,
  findDescriptor,
  type SocketCalls,
  setNetlinkOptions,
} from './options.ts';
import type { Dial, Port, PortListener, PortUse } from './port.ts';

export interface NetlinkPortOptions {
  /** NETLINK_* */
  readonly protocol: number;
  /** SO_RCVBUF to ask for; the kernel doubles it for its own bookkeeping. */
  readonly receiveBufferBytes: number;
  /** Where koffi is loaded. */
  readonly calls: SocketCalls | undefined;
}

/** net/netlink/af_netlink.c netlink_recvmsg: the parts of a dump grow with the reader's buffer, up to this many bytes. */
const LARGEST_DUMP_PART_BYTES = 32768;

/** Opens sockets of one protocol in the network namespace of the process. */
export function netlinkDial(options: NetlinkPortOptions): Dial {
  // The codecs read and write little endian only.
  if (endianness() !== 'LE') {
    throw new NetlinkError({ code: 'ENOTSUP', errno: 0, request: 'netlink on a big endian host' });
  }
  return (listener, use) => new NetlinkPort(options, listener, use);
}

class NetlinkPort implements Port {
  readonly id: number;
  readonly receiveBufferBytes: number;
  readonly extendedAck: boolean;
  readonly #socket: RawNetlinkSocket;
  readonly #listener: PortListener;
  readonly #drops: (() => number) | undefined;
  #open = true;
  #checking = false;

  constructor({ protocol, receiveBufferBytes, calls }: NetlinkPortOptions, listener: PortListener, use: PortUse) {
    this.#listener = listener;
    this.#socket = new RawNetlinkSocket(protocol, {
      recvBufferSize: receiveBufferBytes,
      sendBufferSize: 0, // left as it is
      // With peeking each datagram costs two calls and dumps stay at small parts; without it each costs a whole buffer.
      messagePeeking: use.purpose === 'notifications',
      msgBufferSize: LARGEST_DUMP_PART_BYTES,
    });
    this.id = this.#socket.address().port;
    const descriptor = calls && findDescriptor(calls, protocol, this.id);
    if (calls !== undefined && descriptor !== undefined) {
      this.extendedAck = setNetlinkOptions(calls, descriptor, receiveBufferBytes);
      if (countDrops(calls, descriptor)) this.#drops = () => droppedDatagrams(calls, descriptor);
      if (use.exceptPortId !== undefined) excludePortId(calls, descriptor, use.exceptPortId);
    } else {
      this.extendedAck = false;
    }
    // A socket error ends the process: libuv shows it as EBADF, for which the package builds an exception out of a null
    // pointer inside of a libuv callback. A full receive buffer (ENOBUFS) is such an error. The answers to requests are
    // bounded so that they always fit; notifications have no bound.
    if (use.purpose === 'notifications' && this.#drops === undefined) {
      this.#socket.close();
      throw new NetlinkError({
        code: 'ENOTSUP',
        errno: 0,
        request: 'netlink notifications without koffi',
        kernelText: 'an overrun of the receive buffer would end the process',
      });
    }
    this.receiveBufferBytes = this.#socket.getRecvBufferSize();
    this.#socket.on('message', (message, sender) => {
      // Any process with CAP_NET_ADMIN may write to our port id; only the kernel is port 0.
      if (sender.port !== 0) return;
      const bytes = new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
      this.#call(() => listener.datagram(bytes));
      this.#checkDrops();
    });
    this.#socket.on('truncatedMessage', () => this.#call(() => listener.failed('EMSGSIZE')));
    this.#socket.on('error', (error) => this.#call(() => listener.failed(error.code)));
  }

  send(bytes: Uint8Array, sent: (code?: string) => void): void {
    // The binding wants a Buffer, though its type says Uint8Array.
    const datagram = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#socket.send(datagram, {}, (error) => this.#call(() => sent(error?.code)));
  }

  join(group: number): void {
    this.#socket.addMembership(group);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    // From inside of one of its own callbacks the package would go on with a closed handle.
    setImmediate(() => this.#socket.close());
  }

  /** What was dropped was dropped because something else was waiting to be read: a look after each burst is enough. */
  #checkDrops(): void {
    const drops = this.#drops;
    if (drops === undefined || this.#checking) return;
    this.#checking = true;
    setImmediate(() => {
      this.#checking = false;
      // A closed descriptor may be somebody else's by now.
      if (this.#open && drops() > 0) this.#call(() => this.#listener.failed('ENOBUFS'));
    });
  }

  /** An exception must not reach the package's C++ frames, where it would end the process without a word. */
  #call(action: () => void): void {
    if (!this.#open) return;
    try {
      action();
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  }
}
