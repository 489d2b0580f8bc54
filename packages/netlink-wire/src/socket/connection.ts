/**
 * Requests and their answers over one port. Requests are packed into datagrams of bounded size of which only the last
 * message asks for an acknowledgement; the kernel answers a message that fails in any case, so each error finds its
 * request by its sequence number. As many datagrams are under way as the receive buffer can take answers for, were each
 * request to fail. A connection outlives its port: when that breaks, what was under way fails and the rest goes on.
 */

import { errnoNumber } from '../constants/errno.ts';
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from '../constants/netlink.ts';
import { NetlinkError, WireError } from '../errors.ts';
import { decodeAcknowledgement, decodeDone } from '../message/acknowledgement.ts';
import { addFlags, type MessageHeader, readMessages, writeMessage } from '../message/header.ts';
import type { Request } from '../message/request.ts';
import type { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { type Exchange, Job } from './exchange.ts';
import type { Dial, Port } from './port.ts';
import { StallWatch } from './stall-watch.ts';

/** Far below SO_SNDBUF (212,992 bytes by default), at which the kernel answers EMSGSIZE. */
const DATAGRAM_BYTES = 32768;

/** What an NLMSG_ERROR costs of SO_RCVBUF beside the request it repeats: sk_buff, its shared info, texts, rounding. */
const ANSWER_OVERHEAD_BYTES = 1536;

/** The kernel goes on with a dump while half of the buffer is free, with parts of up to 32 KiB. */
const DUMP_PART_BYTES = 65536;

/** Whoever changes the tables faster than five dumps in a row can read them will not stop at the sixth. */
const DUMP_ATTEMPTS = 5;

export interface ConnectionOptions {
  readonly dial: Dial;
  /** Nothing sent and nothing received for this long while something is under way: the port is given up. */
  readonly stallMs: number;
}

export class Connection {
  readonly #dial: Dial;
  readonly #portIds = new Set<number>();
  readonly #queue: Job[] = [];
  readonly #exchanges: Exchange[] = [];
  readonly #writer = new Writer(DATAGRAM_BYTES * 2);
  readonly #watch: StallWatch;
  #port: Port | undefined;
  #sequence = 0;
  #answerBytes = 0;
  #dumping = false;
  #closed = false;

  /** Opens its port at once. @throws the port's error. */
  constructor({ dial, stallMs }: ConnectionOptions) {
    this.#dial = dial;
    this.#watch = new StallWatch(stallMs, () => this.#lose('ESTALLED'));
    this.#openPort();
  }

  /** Whether errors come with the kernel's text and dumps are filtered by the kernel. */
  get extendedAck(): boolean {
    return this.#port?.extendedAck ?? false;
  }

  /** nlmsg_pid of the notifications that its requests cause from now on. */
  get portId(): number {
    return this.#port?.id ?? 0;
  }

  /** A notification with this nlmsg_pid was caused by a request of this connection. */
  ownsPortId(portId: number): boolean {
    return this.#portIds.has(portId);
  }

  /** Sends the requests in order. @returns one result for each, at its place: undefined when the kernel did it. */
  batch(requests: readonly Request[]): Promise<(NetlinkError | undefined)[]> {
    return new Promise((done) => {
      if (requests.length === 0) done([]);
      else this.#start(new Job(requests, false, { message: ignore, restart: ignore, done }));
    });
  }

  /** One request that is answered by an object. @throws NetlinkError; also when no object came. */
  async get<T>(request: Request, decode: (header: MessageHeader, body: Reader) => T): Promise<T> {
    const objects = await this.#collect(request, false, decode);
    const [object] = objects;
    if (object === undefined) throw ownError('EBADREPLY', request);
    return object;
  }

  /**
   * All objects of a kind. A dump that the kernel marks as inconsistent (NLM_F_DUMP_INTR) is done again, up to five times.
   *
   * @throws NetlinkError
   */
  dump<T>(request: Request, decode: (header: MessageHeader, body: Reader) => T): Promise<T[]> {
    return this.#collect(request, true, decode);
  }

  /** What is under way or waiting fails with ECLOSED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lose('ECLOSED');
    for (const job of this.#queue.splice(0)) this.#abandon(job, 'ECLOSED');
  }

  async #collect<T>(request: Request, dump: boolean, decode: (header: MessageHeader, body: Reader) => T): Promise<T[]> {
    let objects: T[] = [];
    const [error] = await new Promise<(NetlinkError | undefined)[]>((done) => {
      const message = (header: MessageHeader, body: Reader): void => {
        objects.push(decode(header, body));
      };
      const restart = (): void => {
        objects = [];
      };
      this.#start(new Job([request], dump, { message, restart, done }));
    });
    if (error !== undefined) throw error;
    return objects;
  }

  #start(job: Job): void {
    if (this.#closed) {
      this.#abandon(job, 'ECLOSED');
      return;
    }
    this.#queue.push(job);
    this.#pump();
  }

  #openPort(): Port {
    const port = this.#dial(
      {
        datagram: (bytes) => this.#receive(bytes),
        failed: (code) => this.#lose(code),
      },
      { purpose: 'requests' },
    );
    this.#port = port;
    this.#portIds.add(port.id);
    return port;
  }

  /** Sends what the receive buffer has room for. */
  #pump(): void {
    while (!this.#closed) {
      const [job] = this.#queue;
      // A socket runs one dump at a time (netlink_dump_start: EBUSY).
      if (job === undefined || (job.dump && this.#dumping)) break;
      const port = this.#portOrFailure();
      if (typeof port === 'string') {
        this.#queue.shift();
        this.#abandon(job, port);
        continue;
      }
      const room = Math.max(port.receiveBufferBytes / 2 - DUMP_PART_BYTES, DUMP_PART_BYTES) - this.#answerBytes;
      if (room <= 0) break;
      this.#send(port, job, room);
      if (job.next === job.requests.length) {
        this.#queue.shift();
        job.settle();
      }
    }
    this.#watch.set(this.#exchanges.length > 0);
  }

  #portOrFailure(): Port | string {
    try {
      return this.#port ?? this.#openPort();
    } catch (error) {
      return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EBADF';
    }
  }

  /** Sends the next datagram of a job. */
  #send(port: Port, job: Job, room: number): void {
    const exchange = this.#pack(port, job, room);
    if (exchange === undefined) return;
    this.#exchanges.push(exchange);
    this.#answerBytes += exchange.answerBytes;
    job.underWay++;
    if (job.dump) this.#dumping = true;
    port.send(this.#writer.take(), (code) => {
      this.#watch.progress();
      if (code !== undefined) this.#finish(exchange, code);
    });
  }

  /** Writes messages until the datagram or the room is full; at least one. */
  #pack(port: Port, job: Job, room: number): Exchange | undefined {
    const writer = this.#writer;
    const firstRequest = job.next;
    const firstSequence = (this.#sequence + 1) >>> 0;
    let answerBytes = 0;
    let last = -1;
    let lastStart = 0;
    while (job.next < job.requests.length && writer.length < DATAGRAM_BYTES && answerBytes < room) {
      const request = job.requests[job.next];
      if (request === undefined) break;
      const start = writer.length;
      this.#sequence = (this.#sequence + 1) >>> 0;
      try {
        writeMessage(
          writer,
          { type: request.type, flags: flagsOf(request, job.dump), sequence: this.#sequence, portId: port.id },
          (body) => request.encodeBody(body),
        );
        last = job.next - firstRequest;
        lastStart = start;
        answerBytes += ANSWER_OVERHEAD_BYTES + writer.length - start;
      } catch (error) {
        // The object cannot be said in netlink's format; the others go on.
        writer.truncate(start);
        job.results[job.next] = ownError('EINVAL', request, error);
      }
      job.next++;
    }
    if (last === -1) return undefined;
    const closing = job.requests[firstRequest + last];
    if (!job.dump && closing !== undefined) addFlags(writer, lastStart, flagsOf(closing, false) | NLM_F_ACK);
    const count = job.next - firstRequest;
    return { job, firstSequence, count, firstRequest, last, answerBytes, interrupted: false };
  }

  #receive(datagram: Uint8Array): void {
    this.#watch.progress();
    try {
      readMessages(datagram, (header, body) => this.#dispatch(header, body));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#lose('EBADREPLY');
    }
    this.#pump();
  }

  #dispatch(header: MessageHeader, body: Reader): void {
    if (header.type === NLMSG_NOOP) return;
    if (header.type === NLMSG_OVERRUN) {
      this.#lose('ENOBUFS');
      return;
    }
    const exchange = this.#exchanges.find(
      ({ firstSequence, count }) => (header.sequence - firstSequence) >>> 0 < count,
    );
    // Late answers to what was given up.
    if (exchange === undefined) return;
    if ((header.flags & NLM_F_DUMP_INTR) !== 0) exchange.interrupted = true;
    const offset = (header.sequence - exchange.firstSequence) >>> 0;
    const place = exchange.firstRequest + offset;
    const request = exchange.job.requests[place];
    if (request === undefined) return;
    if (header.type === NLMSG_ERROR || header.type === NLMSG_DONE) {
      const answer = header.type === NLMSG_ERROR ? decodeAcknowledgement(header, body) : decodeDone(header, body);
      if (answer.errno !== 0) exchange.job.results[place] = request.refusal(answer);
      if (offset === exchange.last) this.#finish(exchange);
      return;
    }
    try {
      exchange.job.message(header, body);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      exchange.job.results[place] = ownError('EBADREPLY', request, error);
    }
  }

  /** @param code Why its requests are not answered, where they are not. */
  #finish(exchange: Exchange, code?: string): void {
    const place = this.#exchanges.indexOf(exchange);
    if (place === -1) return;
    this.#exchanges.splice(place, 1);
    this.#answerBytes -= exchange.answerBytes;
    const { job } = exchange;
    job.underWay--;
    if (job.dump) this.#dumping = false;
    if (code !== undefined) fail(job, exchange.firstRequest, exchange.count, code);
    const [request] = job.requests;
    if (exchange.interrupted && job.results[0] === undefined && request !== undefined) {
      job.attempts++;
      if (job.attempts < DUMP_ATTEMPTS) {
        job.restart();
        this.#queue.unshift(job);
        return;
      }
      job.results[0] = ownError('EDUMPINTR', request);
    }
    job.settle();
  }

  /** The port is of no more use: nobody knows what became of the requests under way. */
  #lose(code: string): void {
    this.#port?.close();
    this.#port = undefined;
    for (const exchange of [...this.#exchanges]) this.#finish(exchange, code);
    this.#pump();
  }

  #abandon(job: Job, code: string): void {
    fail(job, job.next, job.requests.length - job.next, code);
    job.next = job.requests.length;
    job.settle();
  }
}

function ignore(): void {}

function flagsOf(request: Request, dump: boolean): number {
  return request.flags | NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0);
}

/** Fails the requests that have no result of their own. */
function fail(job: Job, first: number, count: number, code: string): void {
  for (let place = first; place < first + count; place++) {
    const request = job.requests[place];
    if (request !== undefined) job.results[place] ??= ownError(code, request);
  }
}

/** An error that is not the kernel's answer to this request. */
function ownError(code: string, request: Request, cause?: unknown): NetlinkError {
  return new NetlinkError({ code, errno: errnoNumber(code) ?? 0, request: request.describe(), cause });
}
