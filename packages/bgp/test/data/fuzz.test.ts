/** 1,341 inputs, most of them malformed: nothing but `BgpError` is thrown, what is read reads the same again. A hang is a test that times out. */

import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { BgpError } from '../../src/errors.ts';
import { familyKey } from '../../src/family/model.ts';
import { ipv4Unicast } from '../../src/family/registry.ts';
import { decodeHeader, headerBytes } from '../../src/message/header.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../src/message/message.ts';
import type { UpdateContext } from '../../src/message/model.ts';
import { decodeNotification } from '../../src/message/notification.ts';
import { decodeOpen } from '../../src/message/open.ts';
import { decodeRouteRefresh } from '../../src/message/route-refresh.ts';
import { decodeUpdate } from '../../src/message/update.ts';
import { bytesOf } from '../unit/codec/hex.ts';
import { readLines } from './data.ts';

const addPath = [ipv4Unicast.key, familyKey(2, 1)];
const contexts: readonly UpdateContext[] = [
  defaultContext,
  { ...defaultContext, peerType: 'ebgp', extendedMessages: false },
  { ...defaultContext, fourOctetAs: false },
  { ...defaultContext, addPathReceive: addPath, addPathSend: addPath },
];

/** Runs a decoder; undefined when it refused. Anything but `BgpError` fails the test. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof BgpError) return undefined;
    throw error;
  }
}

/** The messages of a stream, as a session would slice it, up to the first header that is refused. */
function slice(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let offset = 0;
  while (offset + headerBytes <= bytes.length) {
    const header = attempt(() => decodeHeader(bytes, offset, true));
    if (header === undefined || offset + header.length > bytes.length) break;
    messages.push(bytes.subarray(offset, offset + header.length));
    offset += header.length;
  }
  return messages;
}

t.test('fuzz corpus', async (t) => {
  const lines = readLines('fuzz/corpus.jsonl').map((line): { hex: string; class: string } => JSON.parse(line));
  t.equal(lines.length, 1341);
  let taken = 0;
  let refused = 0;
  let slowest = 0;
  for (const [index, { hex, class: kind }] of lines.entries()) {
    const bytes = bytesOf(hex);
    const start = performance.now();
    try {
      for (const context of contexts) {
        for (const message of [bytes, ...slice(bytes)]) {
          const model = attempt(() => decodeMessage(message, context));
          if (model === undefined) {
            refused += 1;
            continue;
          }
          taken += 1;
          t.strictSame(decodeMessage(encodeMessage(model, context), context), model, `line ${index + 1} (${kind})`);
        }
        // Past the header: every decoder over every body, whatever the type says.
        const body = bytes.subarray(Math.min(headerBytes, bytes.length));
        attempt(() => decodeUpdate(body, context));
        if (body.length >= 10) attempt(() => decodeOpen(body));
        if (body.length >= 2) attempt(() => decodeNotification(body));
        if (body.length >= 4) attempt(() => decodeRouteRefresh(body));
      }
    } catch (error) {
      t.fail(`line ${index + 1} (${kind}): ${error}`, { hex });
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  t.ok(taken > 0 && refused > 0);
  t.comment(
    `${lines.length} inputs in ${contexts.length} contexts: ${taken} messages taken, ${refused} refused; the slowest took ${slowest.toFixed(1)} ms`,
  );
});

t.test('every way to cut and to change one byte of a good message', async (t) => {
  const lines = readLines('rfc-messages/messages.jsonl').map((line): { hex: string } => JSON.parse(line));
  const good = lines
    .map(({ hex }) => bytesOf(hex))
    .filter((bytes) => bytes.length <= 120 && attempt(() => decodeMessage(bytes)));
  t.ok(good.length > 100);
  let inputs = 0;
  for (const bytes of good) {
    for (let at = headerBytes - 3; at < bytes.length; at++) {
      attempt(() => decodeMessage(bytes.subarray(0, at)));
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff, (bytes[at] ?? 0) ^ 0x10]) {
        const changed = bytes.with(at, value);
        attempt(() => decodeMessage(changed));
        inputs += 1;
      }
    }
  }
  t.ok(inputs > 10_000, `${inputs} inputs`);
});

/** Numbers below `n` from a seed, the same in every run (Lehmer). */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state * 48271) % 0x7fff_ffff;
    return state % n;
  };
}

t.test('mutations of both collections', async (t) => {
  const files = ['fuzz/corpus.jsonl', 'rfc-messages/messages.jsonl'];
  const seeds = files.flatMap((file) => readLines(file)).map((line) => bytesOf(JSON.parse(line).hex));
  const usable = seeds.filter(({ length }) => length >= headerBytes && length < 2000);
  t.ok(usable.length > 1000);
  const next = numbers(20_260_101);
  let taken = 0;
  for (let input = 0; input < 20_000; input++) {
    const bytes = Uint8Array.from(usable[next(usable.length)] ?? []);
    for (let change = next(6); change > 0; change--) bytes[16 + next(bytes.length - 16)] = next(256);
    // Most get a good header, or nothing behind it would be looked at.
    if (next(4) > 0) bytes.set([...new Uint8Array(16).fill(0xff), bytes.length >> 8, bytes.length & 0xff, 1 + next(5)]);
    const context = contexts[next(contexts.length)] ?? defaultContext;
    const model = attempt(() => decodeMessage(bytes, context));
    if (model === undefined) continue;
    taken += 1;
    const again = decodeMessage(encodeMessage(model, context), context);
    if (!isDeepStrictEqual(again, model)) t.strictSame(again, model, Buffer.from(bytes).toString('hex'));
  }
  t.ok(taken > 1000, `${taken} messages taken`);
});
