/** Work grows with the input and not faster, for inputs made to be expensive and for what the fuzzer makes. */

import t from 'tap';
import { checkCapture, checkMessage, checkMrt, contexts } from './check.ts';
import { fixtureMessages } from './corpus.ts';
import { countOperations } from './operations.ts';
import { fuzzInputs } from './run.ts';

const u16 = (value: number): number[] => [value >>> 8, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
const repeat = (bytes: number, ...unit: readonly number[]): number[] =>
  Array.from({ length: Math.floor(bytes / unit.length) }, () => unit).flat();

const message = (type: number, body: readonly number[]): Uint8Array =>
  Uint8Array.from([...new Array<number>(16).fill(255), ...u16(19 + body.length), type, ...body]);
const update = (withdrawn: readonly number[], block: readonly number[], nlri: readonly number[]): Uint8Array =>
  message(2, [...u16(withdrawn.length), ...withdrawn, ...u16(block.length), ...block, ...nlri]);
const attribute = (flags: number, type: number, value: readonly number[]): number[] => [
  flags | 0x10,
  type,
  ...u16(value.length),
  ...value,
];
const good = [...attribute(0x40, 1, [0]), ...attribute(0x40, 2, []), ...attribute(0x40, 3, [10, 0, 0, 1])];

const record = (type: number, subtype: number, body: readonly number[]): number[] => [
  ...u32(1),
  ...u16(type),
  ...u16(subtype),
  ...u32(body.length),
  ...body,
];
const peers = record(13, 1, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 10, 0, 0, 1, 0, 1]);
const segment = (sequence: number, syn: boolean, payload: readonly number[]): number[] => {
  const tcp = [0x9c, 0x40, 0, 179, ...u32(sequence), 0, 0, 0, 0, 0x50, syn ? 2 : 0, 0, 0, 0, 0, 0, 0, ...payload];
  const ip = [0x45, 0, ...u16(20 + tcp.length), 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, ...tcp];
  return [0, 0, 0, 0, 0, 0, 0, 0, ...u32(ip.length), ...u32(ip.length), ...ip];
};
const capture = (...packets: readonly number[][]): Uint8Array =>
  Uint8Array.from([0xa1, 0xb2, 0xc3, 0xd4, ...new Array<number>(19).fill(0), 101, ...packets.flat()]);
const many = (bytes: number, unit: (index: number) => number[]): number[][] => {
  const count = Math.floor(bytes / (16 + unit(0).length));
  return Array.from({ length: count }, (_, index) => unit(index));
};

const [modern, , twoOctet, addPath] = contexts;
const decodes =
  (bytes: Uint8Array, context = modern) =>
  (): void =>
    void checkMessage(bytes, context);

/** For a size in bytes, something to run on an input of about that size. */
const hostile: Readonly<Record<string, (bytes: number) => () => void>> = {
  'withdrawn /0': (bytes) => decodes(update(repeat(bytes, 0), [], [])),
  'NLRI /0': (bytes) => decodes(update([], good, repeat(bytes, 0))),
  'NLRI /0 with path identifiers': (bytes) => decodes(update([], good, repeat(bytes, 0, 0, 0, 0, 0)), addPath),
  'NLRI /32': (bytes) => decodes(update([], good, repeat(bytes, 32, 10, 0, 0, 1))),
  'MP_REACH_NLRI /0': (bytes) =>
    decodes(update([], [...good, ...attribute(0x80, 14, [0, 2, 1, 16, ...repeat(16, 1), 0, ...repeat(bytes, 0)])], [])),
  'an attribute again and again': (bytes) => decodes(update([], [...good, ...repeat(bytes, 0x40, 1, 1, 0)], [])),
  'unknown attributes again and again': (bytes) => decodes(update([], [...good, ...repeat(bytes, 0xc0, 200, 0)], [])),
  'AS_PATH of short segments': (bytes) =>
    decodes(update([], [...attribute(0x40, 1, [0]), ...attribute(0x40, 2, repeat(bytes, 2, 1, 0, 0, 1, 1))], [])),
  'AS4_PATH to be merged': (bytes) =>
    decodes(
      update(
        [],
        [
          ...attribute(0x40, 2, repeat(bytes / 2, 2, 1, 0x5b, 0xa0)),
          ...attribute(0xc0, 17, repeat(bytes / 2, 2, 1, 0, 1, 0, 1)),
        ],
        [],
      ),
      twoOctet,
    ),
  communities: (bytes) => decodes(update([], [...good, ...attribute(0xc0, 8, repeat(bytes, 1, 2, 3, 4))], [])),
  'large communities': (bytes) =>
    decodes(update([], [...good, ...attribute(0xc0, 32, repeat(bytes, ...repeat(12, 1)))], [])),
  'AIGP of empty TLVs': (bytes) => decodes(update([], [...good, ...attribute(0x80, 26, repeat(bytes, 2, 0, 3))], [])),
  'NOTIFICATION data': (bytes) => decodes(message(3, [6, 2, ...repeat(bytes, 65)])),
  'empty capabilities': (bytes) =>
    decodes(
      message(1, [
        4,
        0,
        1,
        0,
        90,
        1,
        1,
        1,
        1,
        255,
        255,
        ...u16(bytes / 16 + 3),
        2,
        ...u16(bytes / 16),
        ...repeat(bytes / 16, 99, 0),
      ]),
    ),
  'empty parameters': (bytes) =>
    decodes(
      message(1, [
        4,
        0,
        1,
        0,
        90,
        1,
        1,
        1,
        1,
        255,
        255,
        ...u16(3 * Math.floor(bytes / 48)),
        ...repeat(3 * Math.floor(bytes / 48), 9, 0, 0),
      ]),
    ),
  'empty MRT records': (bytes) => {
    const file = Uint8Array.from(repeat(bytes, ...record(99, 0, [])));
    return () => void checkMrt(file);
  },
  'a RIB record of empty entries': (bytes) => {
    const count = Math.floor(bytes / 8);
    const file = Uint8Array.from([
      ...peers,
      ...record(13, 2, [0, 0, 0, 0, 0, ...u16(count), ...repeat(count * 8, ...repeat(8, 0))]),
    ]);
    return () => void checkMrt(file);
  },
  'segments of one byte, the last first': (bytes) => {
    const packets = many(bytes, (index) => segment(index, false, [255])).reverse();
    const file = capture(...packets);
    return () => void checkCapture(file);
  },
  'SYN again and again': (bytes) => {
    const file = capture(...many(bytes, () => segment(0, true, [])));
    return () => void checkCapture(file);
  },
  'a connection a packet': (bytes) => {
    const file = capture(...many(bytes, () => segment(0, true, [255])));
    return () => void checkCapture(file);
  },
};

t.test('inputs made to be expensive', async (t) => {
  const sizes = [16384, 32768, 49152];
  const names = Object.keys(hostile);
  t.ok(names.length >= 20);
  for (const name of names) {
    const make = hostile[name];
    if (make === undefined) continue;
    const runs = sizes.map(make);
    // Once without counting: lazily made things are there then.
    runs[0]?.();
    const [small = 0, middle = 0, large = 0] = await countOperations(runs);
    t.ok(small > 0, `${name}: ${small}, ${middle}, ${large} blocks`);
    // A square would give 4 and 9.
    t.ok(middle < 2.2 * small && large < 3.4 * small && large > middle, `${name}: grows with the size`);
    t.ok(large < 60 * 49152, `${name}: ${(large / 49152).toFixed(1)} blocks a byte`);
  }
});

t.test('what the fuzzer makes', async (t) => {
  const corpus = fixtureMessages();
  t.ok(corpus.length > 50);
  const inputs = [...fuzzInputs(500, 7, corpus)];
  const runs = inputs.map(({ target, bytes, context }) => () => {
    if (target === 'mrt') checkMrt(bytes);
    else if (target === 'capture') checkCapture(bytes);
    else checkMessage(bytes, contexts[context] ?? modern);
  });
  const counts = await countOperations(runs);
  let worst = 0;
  for (const [index, count] of counts.entries())
    worst = Math.max(worst, count / ((inputs[index]?.bytes.length ?? 0) + 200));
  t.ok(worst > 0 && worst < 60, `at most ${worst.toFixed(1)} blocks a byte`);
});
