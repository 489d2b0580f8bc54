/** A kernel that says yes: acknowledges what asks for it and does nothing, to measure the sender alone. */
import { NLM_F_ACK, NLM_F_CAPPED, NLMSG_ERROR, NLMSG_HDRLEN } from '../constants/netlink.ts';
import { encodeAcknowledgement } from '../message/acknowledgement.ts';
import { readMessages, writeMessage } from '../message/header.ts';
import type { Dial } from '../socket/port.ts';
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
      if ((header.flags & NLM_F_ACK) === 0) return;
      const request = sent.subarray(body.offset - NLMSG_HDRLEN, body.offset);
      writeMessage(writer, { ...header, type: NLMSG_ERROR, flags: NLM_F_CAPPED }, (answer) =>
        encodeAcknowledgement(answer, { errno: 0, extended: {} }, request),
      );
      port.deliver(writer.take());
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
