/**
 * A kernel that says yes: acknowledges what asks for it and does nothing, to measure the sender alone. Its tables are empty,
 * and it has each family of generic netlink that it is asked for.
 */
import { GENL_ID_CTRL } from '../constants/genetlink.ts';
import {
  NLM_F_ACK,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from '../constants/netlink.ts';
import { decodeFamilyLookup, familyBody } from '../generic/family.ts';
import { encodeAcknowledgement } from '../message/acknowledgement.ts';
import { type MessageHeader, readMessages, writeMessage } from '../message/header.ts';
import type { Dial } from '../socket/port.ts';
import type { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { FakePort } from './fake-port.ts';

/** What a sink has swallowed. */
export interface SinkCounts {
  datagrams: number;
  messages: number;
  bytes: number;
}

/** @returns a `dial` for `Rtnetlink.open`, and its counts. */
export function sink(receiveBufferBytes = 8 * 1024 * 1024): { readonly dial: Dial; readonly counts: SinkCounts } {
  const counts: SinkCounts = { datagrams: 0, messages: 0, bytes: 0 };
  const writer = new Writer();
  const swallow = (port: FakePort, sent: Uint8Array): void => {
    counts.datagrams++;
    counts.bytes += sent.length;
    readMessages(sent, (header, body) => {
      counts.messages++;
      const request = sent.subarray(body.offset - NLMSG_HDRLEN, body.offset);
      answer(writer, header, request, body);
      if (writer.length > 0) port.deliver(writer.take());
    });
  };
  const dial: Dial = (listener, use) =>
    new FakePort(1, { receiveBufferBytes, extendedAck: true }, use, listener, {
      send: swallow,
      close: () => undefined,
      takesSends: () => true,
    });
  return { dial, counts };
}

/** nlmsg_type of every family of generic netlink. */
const FAMILY_ID = 0x20;

function answer(writer: Writer, header: MessageHeader, request: Uint8Array, body: Reader): void {
  if (header.type === GENL_ID_CTRL) {
    const family = { id: FAMILY_ID, name: decodeFamilyLookup(body), version: 1 };
    writeMessage(writer, { ...header, flags: 0 }, (reply) => familyBody.encode(reply, family));
  }
  if ((header.flags & NLM_F_DUMP) === NLM_F_DUMP) {
    writeMessage(writer, { ...header, type: NLMSG_DONE, flags: NLM_F_MULTI }, (reply) => reply.i32(0));
  } else if ((header.flags & NLM_F_ACK) !== 0) {
    writeMessage(writer, { ...header, type: NLMSG_ERROR, flags: NLM_F_CAPPED }, (reply) =>
      encodeAcknowledgement(reply, { errno: 0, extended: {} }, request),
    );
  }
}
