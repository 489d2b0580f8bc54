/**
 * What must hold for every input: nothing but the declared errors is thrown, what is read reads the same again after it was
 * written, and reading does not change the input.
 */

import { isDeepStrictEqual } from 'node:util';
import { BgpError } from '../../src/errors.ts';
import { ipv4Unicast, ipv6Unicast } from '../../src/family/registry.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../src/message/message.ts';
import type { Message, UpdateContext } from '../../src/message/model.ts';
import { plainMessage } from '../../src/message/plain.ts';
import { MrtError, MrtReader, plainRecord, recordLines } from '../../src/mrt/index.ts';
import { messagesOf, PcapError } from '../../src/pcap/index.ts';

const unicast = [ipv4Unicast.key, ipv6Unicast.key];
export const contexts: readonly [UpdateContext, ...UpdateContext[]] = [
  defaultContext,
  { ...defaultContext, peerType: 'ebgp', extendedMessages: false, extendedNextHop: [] },
  { ...defaultContext, fourOctetAs: false },
  { ...defaultContext, addPathReceive: unicast, addPathSend: unicast },
  { ...defaultContext, peerType: 'confederation', fourOctetAs: false, addPathReceive: unicast, addPathSend: unicast },
];

/** True when the message was taken. Throws what no decoder may throw, and when a rule is broken. */
export function checkMessage(bytes: Uint8Array, context: UpdateContext): boolean {
  let message: ReturnType<typeof decodeMessage>;
  try {
    message = decodeMessage(bytes, context);
  } catch (error) {
    if (error instanceof BgpError) return false;
    throw error;
  }
  plainMessage(message);
  let written: Uint8Array;
  try {
    written = encodeMessage(message, context);
  } catch (error) {
    // What two octets carried in one message may need a few bytes more (AS4_PATH); then it does not fit any more.
    if (error instanceof RangeError && bytes.length > 3800) return true;
    throw error;
  }
  const again = decodeMessage(written, context);
  if (!isDeepStrictEqual(again, message) && !losesConfederation(message, context)) {
    throw new Error('decode → encode → decode differs');
  }
  const twice = encodeMessage(again, context);
  if (!isDeepStrictEqual(decodeMessage(twice, context), again)) throw new Error('it is no fix point');
  return true;
}

/**
 * RFC 6793 §4.2.3: rebuilding a path of two octets keeps confederation segments only where they lead or stand beside what is
 * prepended. One behind an ordinary segment, where RFC 5065 has none, is lost when AS4_PATH covers its neighbours.
 */
function losesConfederation(message: Message, { fourOctetAs }: UpdateContext): boolean {
  if (fourOctetAs || message.kind !== 'update') return false;
  const kinds = (message.attributes.asPath ?? []).map(({ kind }) => kind.startsWith('confederation'));
  return kinds.lastIndexOf(true) > kinds.indexOf(false) && kinds.includes(false);
}

/** How many records were read. */
export function checkMrt(bytes: Uint8Array): number {
  let records = 0;
  try {
    const reader = new MrtReader();
    for (const record of reader.push(bytes)) {
      if (record.kind !== 'malformed') records += 1;
      plainRecord(record);
      recordLines(record);
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof MrtError)) throw error;
  }
  return records;
}

/** How many messages were found. */
export function checkCapture(bytes: Uint8Array): number {
  try {
    return messagesOf(bytes).length;
  } catch (error) {
    if (error instanceof PcapError) return 0;
    throw error;
  }
}
