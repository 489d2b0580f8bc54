import t from 'tap';
import { BgpError } from '../../../src/errors.ts';
import { encodeKeepalive } from '../../../src/message/keepalive.ts';
import { Framer } from '../../../src/session/framer.ts';

/** A message of `length` bytes whose body counts up. */
function message(type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).map((_, index) => index & 0xff);
  bytes.fill(0xff, 0, 16);
  bytes[16] = length >>> 8;
  bytes[17] = length & 0xff;
  bytes[18] = type;
  return bytes;
}

const messages = [
  encodeKeepalive(),
  message(2, 4096),
  message(5, 23),
  encodeKeepalive(),
  message(2, 23),
  message(3, 21),
];
const stream = Buffer.concat(messages);
const expected = messages.map((bytes) => ({ type: bytes[18], body: Buffer.from(bytes.subarray(19)).toString('hex') }));

function read(framer: Framer) {
  const frames: { type: number; body: string }[] = [];
  for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
    frames.push({ type: frame.type, body: Buffer.from(frame.body).toString('hex') });
  }
  return frames;
}

t.test('the same messages come out however the stream is cut', async (test) => {
  for (const size of [1, 2, 7, 18, 19, 20, 1_000, 4_095, 4_096, 4_097, stream.length]) {
    const framer = new Framer();
    const frames = [];
    for (let at = 0; at < stream.length; at += size) {
      framer.push(stream.subarray(at, at + size));
      frames.push(...read(framer));
    }
    test.same(frames, expected, `pieces of ${size}`);
  }
});

t.test('several chunks may be pushed before any is read', async (test) => {
  const framer = new Framer();
  for (let at = 0; at < stream.length; at += 100) framer.push(stream.subarray(at, at + 100));
  test.same(read(framer), expected);
});

t.test('a message within one chunk is a view of it, not a copy', async (test) => {
  const framer = new Framer();
  const chunk = Uint8Array.from(stream);
  framer.push(chunk);
  for (let frame = framer.next(); frame !== undefined; frame = framer.next())
    test.equal(frame.body.buffer, chunk.buffer);
});

t.test('a bad header throws as soon as it is whole, before its body', async (test) => {
  const tooLong = message(2, 4097).subarray(0, 19);
  for (const cut of [0, 10]) {
    const framer = new Framer();
    framer.push(tooLong.subarray(0, cut));
    test.equal(framer.next(), undefined);
    framer.push(tooLong.subarray(cut));
    try {
      framer.next();
      test.fail('no error');
    } catch (error) {
      test.match(error, { notification: { code: 1, subcode: 2, data: Uint8Array.of(0x10, 0x01) } });
    }
  }
});

t.test('extended messages, once allowed (RFC 8654)', async (test) => {
  const large = message(2, 65_535);
  const framer = new Framer();
  framer.extendedMessages = true;
  for (let at = 0; at < large.length; at += 1_448) framer.push(large.subarray(at, at + 1_448));
  test.equal(framer.next()?.body.length, 65_516);
  test.equal(framer.next(), undefined);
});

t.test('random bytes: a BgpError or nothing', async (test) => {
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 0x7fff_ffff);
  let errors = 0;
  for (let round = 0; round < 2_000; round++) {
    const framer = new Framer();
    const bytes = Uint8Array.from({ length: random() % 200 }, () => random() & 0xff);
    // Half of them with a marker, so that lengths and types are reached.
    if (round % 2 === 0) bytes.fill(0xff, 0, 16);
    try {
      for (let at = 0; at < bytes.length; at += 13) {
        framer.push(bytes.subarray(at, at + 13));
        while (framer.next() !== undefined);
      }
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      errors += 1;
    }
  }
  test.ok(errors > 500, `${errors} errors`);
});
