/** The readers never leave their window and never hang; the writers write what the readers read. */
import fc from 'fast-check';
import t from 'tap';
import { array, be16, be32, bytes, flag, i32, string, u8, u16, u32, u64 } from '../../src/attribute/kind.ts';
import { AttributeSpace, attribute, nested } from '../../src/attribute/space.ts';
import { NLMSG_DONE, NLMSG_ERROR } from '../../src/constants/netlink.ts';
import { WireError } from '../../src/errors.ts';
import { decodeAcknowledgement, decodeDone } from '../../src/message/acknowledgement.ts';
import { readMessages } from '../../src/message/header.ts';
import { families, objectKinds } from '../../src/rtnetlink/families.ts';
import { formatAddress } from '../../src/wire/address-text.ts';
import { Reader } from '../../src/wire/reader.ts';
import { Writer } from '../../src/wire/writer.ts';
import { bytesOf, captures, fromHex } from '../fixtures/captures.ts';

const inner = new AttributeSpace('IN_', { IN_NUMBER: attribute(1, u32), IN_NAME: attribute(2, string) });
const space = new AttributeSpace('T_', {
  T_U8: attribute(1, u8),
  T_U16: attribute(2, u16),
  T_U32: attribute(3, u32),
  T_I32: attribute(4, i32),
  T_U64: attribute(5, u64),
  T_BE16: attribute(6, be16),
  T_BE32: attribute(7, be32),
  T_STRING: attribute(8, string),
  T_BYTES: attribute(9, bytes),
  T_FLAG: attribute(10, flag),
  T_NEST: attribute(11, nested(inner)),
  T_ARRAY: attribute(12, array(u16)),
});

const word = fc.integer({ min: 0, max: 0xffffffff });
const short = fc.integer({ min: 0, max: 0xffff });
const text = fc.string().map((value) => value.replaceAll('\0', ''));
const values = fc.record(
  {
    T_U8: fc.integer({ min: 0, max: 255 }),
    T_U16: short,
    T_U32: word,
    T_I32: fc.integer(),
    T_U64: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    T_BE16: short,
    T_BE32: word,
    T_STRING: text,
    T_BYTES: fc.uint8Array({ maxLength: 40 }),
    T_FLAG: fc.constant(true),
    T_ARRAY: fc.array(short, { maxLength: 5 }),
    T_NEST: fc.record({ IN_NUMBER: word, IN_NAME: text }, { requiredKeys: [], noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

t.test('attributes of every kind come back as they went', async (t) => {
  fc.assert(
    fc.property(values, (value) => {
      const writer = new Writer(1);
      space.encode(writer, value);
      const written = writer.take();
      t.equal(written.length % 4, 0);
      t.strictSame(space.decode(new Reader(written)), value);
    }),
    { numRuns: 200 },
  );
});

t.test('unknown attributes are skipped, the last of equals counts, an absent flag is not written', async (t) => {
  const known = new Writer();
  space.encode(known, { T_U8: 1, T_FLAG: false });
  const both = new Uint8Array([6, 0, 99, 0, 1, 2, 0, 0, ...known.take(), 5, 0, 1, 0, 7]);
  t.strictSame(space.decode(new Reader(both)), { T_U8: 7 });
});

t.test('network order and host order', async (t) => {
  const writer = new Writer();
  writer.u32(0x01020304);
  writer.be32(0x01020304);
  writer.u16(0x0102);
  writer.be16(0x0102);
  t.strictSame([...writer.take()], [4, 3, 2, 1, 1, 2, 3, 4, 2, 1, 1, 2]);
});

t.test('what does not fit is refused', async (t) => {
  const refused: readonly (() => void)[] = [
    () => new Writer().u8(256),
    () => new Writer().u8(-1),
    () => new Writer().u16(65536),
    () => space.encode(new Writer(), { T_BYTES: new Uint8Array(65536) }),
    () => space.encode(new Writer(), { T_STRING: 'a\0b' }),
    () => new Reader(new Uint8Array(3)).u32(),
    () => new Reader(new Uint8Array(3)).finish(),
    () => new Reader(new Uint8Array(3), 2, 9),
    () => space.decode(new Reader(new Uint8Array([3, 0, 1, 0]))),
    () => space.decode(new Reader(new Uint8Array([9, 0, 1, 0, 0, 0, 0, 0]))),
    () => space.decode(new Reader(new Uint8Array([8, 0, 1, 0, 0, 0, 0, 0]))),
  ];
  for (const action of refused) t.throws(action, { name: 'WireError' }, String(action));
});

/** Reads a datagram with everything that reads datagrams. */
function readAll(datagram: Uint8Array): void {
  readMessages(datagram, (header, body) => {
    if (header.type === NLMSG_ERROR) decodeAcknowledgement(header, body);
    else if (header.type === NLMSG_DONE) decodeDone(header, body);
    else
      for (const kind of objectKinds)
        attempt(() => families[kind].decode(new Reader(datagram, body.offset, body.offset + body.remaining)));
  });
}

/** Only the declared error may come out. */
function attempt(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

t.test('any bytes are read or refused', async (t) => {
  let read = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (datagram) => {
      if (attempt(() => readAll(datagram))) read++;
    }),
    { numRuns: 2000 },
  );
  t.ok(read > 0, 'some of it was read');
});

t.test('the kernel’s messages with bytes changed are read or refused', async (t) => {
  const real = captures.flatMap(({ received }) => received.map(fromHex)).filter(({ length }) => length < 2000);
  t.ok(real.length > 50, 'there are messages');
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...real),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      (bytes, edits) => {
        const changed = bytes.slice();
        for (const [at, value] of edits) changed[at % changed.length] = value;
        if (!attempt(() => readAll(changed))) refused++;
      },
    ),
    { numRuns: 3000 },
  );
  t.ok(refused > 0, 'some of it was refused');
});

t.test('a reader stays in its window', async (t) => {
  const whole = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  const window = new Reader(whole).window(4);
  t.equal(window.u32(), 0x04030201);
  t.throws(() => window.u8(), { code: 'truncated' });
  const copy = new Reader(whole).bytes(4);
  whole[0] = 99;
  t.equal(copy[0], 1, 'what is read is a copy');
});

t.test('addresses as text', async (t) => {
  for (const text of ['10.0.0.1', '::', '::1', 'fd00::1', '2001:db8:0:1:1:1:1:1', '2001:db8::1:0:0:1', 'fe80::']) {
    t.equal(formatAddress(bytesOf(text)), text);
  }
  t.equal(formatAddress(new Uint8Array([2, 0, 0, 0, 0, 0xab])), '02:00:00:00:00:ab');
});
