/**
 * A request as a value: its type and flags, the object it is about and the codec of that object. It can be written more
 * than once with the same bytes, which is how an offset in an error is turned into a name.
 */
import type { NamedAttributes } from '../attribute/kind.ts';
import { locateAttribute } from '../attribute/locate.ts';
import { errnoName } from '../constants/errno.ts';
import { NLMSG_HDRLEN } from '../constants/netlink.ts';
import { NetlinkError } from '../errors.ts';
import { Writer } from '../wire/writer.ts';
import type { Acknowledgement } from './acknowledgement.ts';
import { writeMessage } from './header.ts';

/** Writes one kind of message body: a fixed header and attributes behind it. */
export interface BodyEncoder<T> {
  /** Bytes of the fixed header (struct rtmsg …), aligned. */
  readonly headerBytes: number;
  readonly attributes: NamedAttributes;
  encode(writer: Writer, object: T): void;
  /** The object in words, for error messages. */
  describe(object: T): string;
  /** Name of an error code that is the family's own; undefined for an errno. */
  errorName?(code: number): string | undefined;
}

/** What a connection needs of a request. */
export interface Request {
  readonly type: number;
  /** NLM_F_* beside NLM_F_REQUEST and NLM_F_ACK, which the connection adds. */
  readonly flags: number;
  encodeBody(writer: Writer): void;
  describe(): string;
  /** The typed error of the kernel's answer to this request. */
  refusal(answer: Acknowledgement): NetlinkError;
}

class ObjectRequest<T> implements Request {
  readonly type: number;
  readonly flags: number;
  readonly #verb: string;
  readonly #encoder: BodyEncoder<T>;
  readonly #object: T;

  constructor(type: number, flags: number, verb: string, encoder: BodyEncoder<T>, object: T) {
    this.type = type;
    this.flags = flags;
    this.#verb = verb;
    this.#encoder = encoder;
    this.#object = object;
  }

  encodeBody(writer: Writer): void {
    this.#encoder.encode(writer, this.#object);
  }

  describe(): string {
    return `${this.#verb} ${this.#encoder.describe(this.#object)}`;
  }

  refusal({ errno, extended }: Acknowledgement): NetlinkError {
    const offset = extended.NLMSGERR_ATTR_OFFS;
    const missing = extended.NLMSGERR_ATTR_MISS_TYPE;
    // A type inside of a nest (NLMSGERR_ATTR_MISS_NEST) belongs to the nest's own space.
    const space = extended.NLMSGERR_ATTR_MISS_NEST === undefined ? this.#encoder.attributes : undefined;
    return new NetlinkError({
      code: this.#encoder.errorName?.(errno) ?? errnoName(errno),
      errno,
      request: this.describe(),
      kernelText: extended.NLMSGERR_ATTR_MSG,
      attribute: offset === undefined ? undefined : this.#attributeAt(offset),
      missing: missing === undefined ? undefined : (space?.nameOf(missing) ?? `attribute ${missing} of a nest`),
    });
  }

  #attributeAt(offset: number): string | undefined {
    const writer = new Writer();
    writeMessage(writer, { type: this.type, flags: this.flags, sequence: 0, portId: 0 }, (body) =>
      this.encodeBody(body),
    );
    return locateAttribute(writer.take(), NLMSG_HDRLEN + this.#encoder.headerBytes, offset, this.#encoder.attributes);
  }
}

/** @param verb What is done, for error messages: `add route`. */
export function request<T>(type: number, flags: number, verb: string, encoder: BodyEncoder<T>, object: T): Request {
  return new ObjectRequest(type, flags, verb, encoder, object);
}
