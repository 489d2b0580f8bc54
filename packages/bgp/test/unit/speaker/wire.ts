/** What goes over the wire between two nodes of a bench, as decoded messages. */
import { messageType } from '../../../src/iana.ts';
import { headerBytes } from '../../../src/message/header.ts';
import type { UpdateContext, UpdateMessage } from '../../../src/message/model.ts';
import { decodeUpdate } from '../../../src/message/update.ts';
import type { Bench, Node } from './pair.ts';

export interface WireMessage {
  readonly type: number;
  /** Behind the header. */
  readonly body: Uint8Array;
}

/** Messages that `from` sends to `to` from now on, in order. */
export function listen({ simulation }: Bench, from: Node, to: Node): WireMessage[] {
  const messages: WireMessage[] = [];
  const before = simulation.trace.onEvent;
  simulation.trace.onEvent = (event) => {
    before?.(event);
    const { kind, bytes } = event;
    if (kind !== 'data' || bytes === undefined || event.from !== from.address || event.to !== to.address) return;
    for (let at = 0; at + headerBytes <= bytes.length; ) {
      const length = ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
      messages.push({ type: bytes[at + 18] ?? 0, body: bytes.slice(at + headerBytes, at + length) });
      at += length;
    }
  };
  return messages;
}

export function updatesOf(messages: readonly WireMessage[], context: Partial<UpdateContext> = {}): UpdateMessage[] {
  const complete: UpdateContext = {
    fourOctetAs: true,
    peerType: 'ibgp',
    addPathReceive: [],
    addPathSend: [],
    extendedMessages: true,
    ...context,
  };
  return messages
    .filter(({ type }) => type === messageType.update)
    .map(({ body }) => decodeUpdate(body, complete).message);
}
