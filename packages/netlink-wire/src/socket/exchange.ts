/** What a connection keeps of requests: the job a caller is waiting for, and the parts of it that are under way. */
import type { NetlinkError } from '../errors.ts';
import type { MessageHeader } from '../message/header.ts';
import type { Request } from '../message/request.ts';
import type { Reader } from '../wire/reader.ts';

/** One call of a user: requests that are sent in order and answered as a whole. */
export class Job {
  readonly requests: readonly Request[];
  /** A dump is the only request of its job. */
  readonly dump: boolean;
  /** By request: undefined for success. */
  readonly results: (NetlinkError | undefined)[];
  /** First request that is not sent yet. */
  next = 0;
  /** Parts that are sent and not answered. */
  underWay = 0;
  /** Times that a dump was begun. */
  attempts = 0;
  readonly #message: (header: MessageHeader, body: Reader) => void;
  readonly #restart: () => void;
  readonly #done: (results: (NetlinkError | undefined)[]) => void;

  constructor(
    requests: readonly Request[],
    dump: boolean,
    handlers: {
      /** A reply that is not an acknowledgement. */
      readonly message: (header: MessageHeader, body: Reader) => void;
      /** What came so far is void: the dump begins again. */
      readonly restart: () => void;
      readonly done: (results: (NetlinkError | undefined)[]) => void;
    },
  ) {
    this.requests = requests;
    this.dump = dump;
    this.results = new Array<NetlinkError | undefined>(requests.length).fill(undefined);
    this.#message = handlers.message;
    this.#restart = handlers.restart;
    this.#done = handlers.done;
  }

  message(header: MessageHeader, body: Reader): void {
    this.#message(header, body);
  }

  /** Takes a dump back to its beginning. */
  restart(): void {
    this.next = 0;
    this.#restart();
  }

  /** Tells the caller, once all is sent and answered. */
  settle(): void {
    if (this.underWay === 0 && this.next === this.requests.length) this.#done(this.results);
  }
}

/** One datagram under way: requests with consecutive sequence numbers of which the last is acknowledged. */
export interface Exchange {
  readonly job: Job;
  readonly firstSequence: number;
  /** Sequence numbers used, of which some may belong to requests that could not be written. */
  readonly count: number;
  /** Place in the job of the request with the first sequence number. */
  readonly firstRequest: number;
  /** Offset of the last request that was written: its answer ends the exchange. */
  readonly last: number;
  /** Room the answers may need in the receive buffer if each request fails, in bytes. */
  readonly answerBytes: number;
  /** A part of the dump came with NLM_F_DUMP_INTR. */
  interrupted: boolean;
}
