/**
 * Messages out of other implementations' tests. Each line says its type and whether its length field is right; many are
 * there to be refused, so what we refuse is counted by reason and the numbers are held.
 */

import t from 'tap';
import { BgpError } from '../../src/errors.ts';
import { familyKey } from '../../src/family/model.ts';
import { errorCode, messageType, nameOf } from '../../src/iana.ts';
import { decodeHeader } from '../../src/message/header.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../src/message/message.ts';
import type { Message, UpdateContext } from '../../src/message/model.ts';
import { decodeUpdate } from '../../src/message/update.ts';
import { bytesOf } from '../unit/codec/hex.ts';
import { readLines } from './data.ts';

interface Line {
  readonly hex: string;
  readonly type: number;
  readonly length_ok: boolean;
  readonly source: readonly string[];
}

const unicast = [familyKey(1, 1), familyKey(2, 1)];
/** A line does not say what session it was in: the first context that finds nothing wrong counts. */
const contexts: readonly UpdateContext[] = [
  defaultContext,
  { ...defaultContext, fourOctetAs: false },
  { ...defaultContext, addPathReceive: unicast, addPathSend: unicast },
];

function read(bytes: Uint8Array): { message: Message; context: UpdateContext; wrong: string | undefined } | BgpError {
  let first: ReturnType<typeof read> | undefined;
  for (const context of contexts) {
    try {
      const message = decodeMessage(bytes, context);
      const problem = message.kind === 'update' ? decodeUpdate(bytes.subarray(19), context).problems[0] : undefined;
      const wrong = problem && `${problem.subject} ${problem.defect}: ${problem.reaction}`;
      if (wrong === undefined) return { message, context, wrong };
      first ??= { message, context, wrong };
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      first ??= error;
    }
  }
  return first ?? new BgpError('BGP_UPDATE_MALFORMED', 'no context', { notification: { code: 0, subcode: 0 } });
}

/** What RFC 7606 says of messages that are taken though not as they are; their sources test just these defects. */
const expectedFlaws: Readonly<Record<string, number>> = {
  'AS4_PATH unexpected: attribute-discard': 19,
  'AS_PATH length: treat-as-withdraw': 3,
  'AS_PATH missing: treat-as-withdraw': 1,
  'ATOMIC_AGGREGATE flags: treat-as-withdraw': 1,
  'NEXT_HOP flags: treat-as-withdraw': 2,
  'NEXT_HOP length: treat-as-withdraw': 1,
  'NEXT_HOP missing: treat-as-withdraw': 2,
  'NEXT_HOP value: attribute-discard': 2,
  'NEXT_HOP value: treat-as-withdraw': 7,
  'ORIGIN missing: treat-as-withdraw': 12,
};

/** What is refused: message type, error, NOTIFICATION code and subcode. */
const expectedRefusals: Readonly<Record<string, number>> = {
  '0: BGP_MESSAGE_LENGTH 1/2': 1,
  '0: BGP_MESSAGE_TYPE 1/3': 1,
  '128: BGP_MESSAGE_TYPE 1/3': 1,
  '255: BGP_MESSAGE_TYPE 1/3': 7,
  '6: BGP_MESSAGE_TYPE 1/3': 1,
  'notification: BGP_MESSAGE_LENGTH 1/2': 1,
  'open: BGP_MESSAGE_LENGTH 1/2': 9,
  'open: BGP_OPEN_MALFORMED 2/0': 5,
  'open: BGP_OPEN_VERSION 2/1': 1,
  'route refresh: BGP_MESSAGE_LENGTH 1/2': 3,
  'route refresh: BGP_ROUTE_REFRESH_LENGTH 7/1': 1,
  'update: BGP_MESSAGE_LENGTH 1/2': 13,
  'update: BGP_UPDATE_ATTRIBUTE 3/11': 1,
  'update: BGP_UPDATE_ATTRIBUTE 3/4': 1,
  'update: BGP_UPDATE_ATTRIBUTE 3/5': 3,
  'update: BGP_UPDATE_ATTRIBUTE 3/6': 1,
  'update: BGP_UPDATE_ATTRIBUTE 3/9': 4,
  'update: BGP_UPDATE_MALFORMED 3/1': 5,
  'update: BGP_UPDATE_NLRI 3/10': 4,
};

t.test('rfc-messages', async (t) => {
  const lines = readLines('rfc-messages/messages.jsonl').map((line): Line => JSON.parse(line));
  t.equal(lines.length, 369);
  const refused = new Map<string, number>();
  const flawed = new Map<string, number>();
  let good = 0;
  for (const { hex, type, length_ok, source } of lines) {
    const bytes = bytesOf(hex);
    const title = `${hex.slice(32, 80)} of ${source[0]}`;
    const result = read(bytes);
    if (result instanceof BgpError) {
      const { code, subcode } = result.notification;
      const reason = `${nameOf(messageType, type)}: ${result.code} ${code}/${subcode}`;
      refused.set(reason, (refused.get(reason) ?? 0) + 1);
      if (!length_ok) t.equal(code, errorCode.messageHeader, title);
      continue;
    }
    t.ok(length_ok, title);
    t.equal(decodeHeader(bytes, 0, true).type, type, title);
    const { message, context, wrong } = result;
    if (wrong === undefined) good += 1;
    else flawed.set(wrong, (flawed.get(wrong) ?? 0) + 1);
    t.strictSame(
      decodeMessage(encodeMessage(message, context), context),
      message,
      `${title}: decode → encode → decode`,
    );
  }
  t.comment(`${lines.length} messages: ${good} without a flaw`);
  t.strictSame(Object.fromEntries(flawed), expectedFlaws);
  t.strictSame(Object.fromEntries(refused), expectedRefusals);
  t.comment('taken with a flaw (RFC 7606):', Object.fromEntries(flawed));
  t.comment('refused:', Object.fromEntries(refused));
});
