/**
 * A kernel for tests: it answers over the same port as the real one, keeps tables, and does on demand what the real one
 * does rarely: parts of dumps cut at any message, dumps interrupted, answers lost, sends not taken, datagrams cut short.
 */
import { errnoNumber } from '../constants/errno.ts';
import {
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSG_NOOP,
} from '../constants/netlink.ts';
import { encodeAcknowledgement } from '../message/acknowledgement.ts';
import { type MessageHeader, readMessages, writeMessage } from '../message/header.ts';
import { families, type ObjectFamily, objectKinds } from '../rtnetlink/families.ts';
import type { ObjectByKind, ObjectKind } from '../rtnetlink/operation.ts';
import type { Dial } from '../socket/port.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { FakePort } from './fake-port.ts';
import { completeLink, linkFlags } from './link.ts';
import { FakeTable } from './tables.ts';

/** A change that was asked for. */
export interface FakeRequest {
  readonly kind: ObjectKind;
  readonly type: 'new' | 'del';
  readonly object: ObjectByKind[ObjectKind];
  readonly flags: number;
}

export interface Refusal {
  /** errno name */
  readonly code: string;
  /** NLMSGERR_ATTR_MSG */
  readonly text?: string;
  /** NLMSGERR_ATTR_OFFS */
  readonly offset?: number;
}

export interface FakeKernelOptions {
  /** SO_RCVBUF of its ports. */
  readonly receiveBufferBytes?: number;
  /** As a kernel with NETLINK_EXT_ACK and NETLINK_CAP_ACK set, or one without. */
  readonly extendedAck?: boolean;
  /** Messages in each datagram of a dump; NLMSG_DONE comes alone when they divide the table evenly. */
  readonly messagesPerPart?: number;
}

export class FakeKernel {
  readonly #options: Required<FakeKernelOptions>;
  readonly #tables = Object.fromEntries(objectKinds.map((kind) => [kind, new FakeTable(kind)])) as {
    readonly [K in ObjectKind]: FakeTable<K>;
  };
  readonly #ports = new Set<FakePort>();
  readonly #requests: FakeRequest[] = [];
  #nextPortId = 1;
  #refuse: (request: FakeRequest) => Refusal | undefined = () => undefined;
  #interruptions = 0;
  #mangle: (datagram: Uint8Array) => Uint8Array | undefined = (datagram) => datagram;
  #takesSends = true;

  constructor(options: FakeKernelOptions = {}) {
    this.#options = { receiveBufferBytes: 212_992, extendedAck: true, messagesPerPart: 3, ...options };
  }

  /** For `Rtnetlink.open({ dial })`. */
  readonly dial: Dial = (listener, use) => {
    const port = new FakePort(this.#nextPortId++, this.#options, use, listener, {
      send: (from, bytes) => this.#answer(from, bytes),
      close: (closed) => this.#ports.delete(closed),
      takesSends: () => this.#takesSends,
    });
    this.#ports.add(port);
    return port;
  };

  /** The changes asked for so far, refused ones too. */
  get requests(): readonly FakeRequest[] {
    return this.#requests;
  }

  /** What stands in a table. */
  objects<K extends ObjectKind>(kind: K): readonly ObjectByKind[K][] {
    return this.#tables[kind].objects;
  }

  /** A change by somebody else: done, and told to the subscribers. */
  change<K extends ObjectKind>(kind: K, type: 'new' | 'del', object: ObjectByKind[K]): void {
    const table = this.#tables[kind];
    // NLM_F_CREATE | NLM_F_REPLACE
    if (type === 'new') table.add(object, 0x500);
    else table.delete(object);
    this.#notify({ kind, type, object, flags: 0 }, 0);
  }

  /** Refuses the changes for which `refuse` gives a reason. */
  refuseWhen(refuse: (request: FakeRequest) => Refusal | undefined): void {
    this.#refuse = refuse;
  }

  /** The next `count` dumps come with NLM_F_DUMP_INTR. */
  interruptDumps(count: number): void {
    this.#interruptions = count;
  }

  /** Every datagram goes through `mangle`: cut, changed, or lost (undefined). */
  mangleDatagrams(mangle: (datagram: Uint8Array) => Uint8Array | undefined): void {
    this.#mangle = mangle;
  }

  /** As a kernel without memory: sends are never taken and never refused (the netlink package retries ENOBUFS). */
  stopTakingSends(): void {
    this.#takesSends = false;
  }

  /** The receive buffers of the subscribers (`notifications`) or the others (`requests`) have overrun. */
  overrun(purpose: 'requests' | 'notifications'): void {
    for (const port of [...this.#ports]) if (port.use.purpose === purpose) port.fail('ENOBUFS');
  }

  #answer(port: FakePort, sent: Uint8Array): void {
    readMessages(sent, (header, body) => {
      const message = sent.subarray(body.offset - NLMSG_HDRLEN, body.offset + body.remaining);
      for (const kind of objectKinds) {
        const family: ObjectFamily<ObjectByKind[ObjectKind]> = families[kind];
        if (header.type === family.getType && (header.flags & NLM_F_DUMP) === NLM_F_DUMP) {
          this.#dump(port, header, kind, body.u8());
          return;
        }
        const type = header.type === family.newType ? 'new' : header.type === family.deleteType ? 'del' : undefined;
        if (type === undefined) continue;
        const request: FakeRequest = { kind, type, object: family.decode(body), flags: header.flags };
        this.#acknowledge(port, header, message, this.#do(request, message, port.id));
        return;
      }
      this.#acknowledge(port, header, message, { code: 'EOPNOTSUPP' });
    });
  }

  #do(request: FakeRequest, message: Uint8Array, portId: number): Refusal | undefined {
    this.#requests.push(request);
    const refusal = this.#refuse(request);
    if (refusal !== undefined) return refusal;
    const table: FakeTable<ObjectKind> = this.#tables[request.kind];
    const change = request.kind === 'link' ? this.#linkChange(request, message) : request;
    const code = request.type === 'new' ? table.add(change.object, change.flags) : table.delete(change.object);
    if (code !== undefined) return { code };
    this.#notify({ ...change, flags: request.flags }, portId);
    return undefined;
  }

  #linkChange(request: FakeRequest, message: Uint8Array): FakeRequest {
    const object = completeLink(this.objects('link'), message, families.link.decode(new Reader(message, NLMSG_HDRLEN)));
    return { ...request, object, flags: linkFlags(request.flags) };
  }

  #acknowledge(port: FakePort, header: MessageHeader, message: Uint8Array, refusal: Refusal | undefined): void {
    if (refusal === undefined && (header.flags & NLM_F_ACK) === 0) return;
    const { extendedAck } = this.#options;
    const errno = refusal === undefined ? 0 : (errnoNumber(refusal.code) ?? 0);
    const capped = extendedAck || errno === 0;
    const extended = extendedAck ? { NLMSGERR_ATTR_MSG: refusal?.text, NLMSGERR_ATTR_OFFS: refusal?.offset } : {};
    const attributes = extended.NLMSGERR_ATTR_MSG !== undefined || extended.NLMSGERR_ATTR_OFFS !== undefined;
    const flags = (capped ? NLM_F_CAPPED : 0) | (attributes ? NLM_F_ACK_TLVS : 0);
    this.#send(port, { ...header, type: NLMSG_ERROR, flags }, (writer) =>
      encodeAcknowledgement(writer, { errno, extended }, capped ? message.subarray(0, NLMSG_HDRLEN) : message),
    );
  }

  #dump(port: FakePort, header: MessageHeader, kind: ObjectKind, addressFamily: number): void {
    const family: ObjectFamily<ObjectByKind[ObjectKind]> = families[kind];
    const interrupted = this.#interruptions > 0 ? NLM_F_DUMP_INTR : 0;
    if (this.#interruptions > 0) this.#interruptions--;
    const flags = NLM_F_MULTI | interrupted;
    const writer = new Writer();
    let inPart = 0;
    const flush = (): void => {
      if (writer.length > 0) this.#deliver(port, writer.take());
      inPart = 0;
    };
    for (const object of this.objects(kind)) {
      if (addressFamily !== 0 && 'family' in object && object.family !== addressFamily) continue;
      writeMessage(writer, { ...header, type: family.newType, flags }, (body) => family.body.encode(body, object));
      inPart++;
      if (inPart === this.#options.messagesPerPart) flush();
    }
    // Allowed anywhere, and sent by nobody: a reader that takes it for an object is wrong.
    writeMessage(writer, { ...header, type: NLMSG_NOOP, flags: 0 }, () => undefined);
    writeMessage(writer, { ...header, type: NLMSG_DONE, flags }, (body) => body.i32(0));
    flush();
  }

  #notify({ kind, type, object, flags }: FakeRequest, portId: number): void {
    const family: ObjectFamily<ObjectByKind[ObjectKind]> = families[kind];
    const header = { type: type === 'new' ? family.newType : family.deleteType, flags, sequence: 0, portId };
    for (const port of this.#ports) {
      if (!family.groups.some((group) => port.groups.has(group))) continue;
      if (portId !== 0 && port.use.exceptPortId === portId) continue;
      this.#send(port, header, (writer) => family.body.encode(writer, object));
    }
  }

  #send(port: FakePort, header: MessageHeader, writeBody: (writer: Writer) => void): void {
    const writer = new Writer();
    writeMessage(writer, header, writeBody);
    this.#deliver(port, writer.take());
  }

  #deliver(port: FakePort, datagram: Uint8Array): void {
    const mangled = this.#mangle(datagram);
    if (mangled !== undefined) port.deliver(mangled);
  }
}
