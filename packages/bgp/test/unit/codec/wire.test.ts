/** Reader and Writer keep to their windows. */

import t from 'tap';
import { Malformed } from '../../../src/errors.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { Writer } from '../../../src/wire/writer.ts';
import { bytesOf, hexOf } from './hex.ts';

t.test('a reader never leaves its window', async (t) => {
  const bytes = bytesOf('00 01 0203 04050607 08090a0b0c0d0e0f 10 11');
  const reader = new Reader(bytes, 1, 17);
  t.equal(reader.u8(), 1);
  t.equal(reader.u16(), 0x0203);
  t.equal(reader.u32(), 0x04050607);
  t.equal(reader.u64(), 0x08090a0b0c0d0e0fn);
  t.throws(() => reader.u16(), Malformed);
  t.equal(reader.remaining, 1, 'a refused read takes nothing');
  t.throws(() => reader.end(), Malformed);
  t.equal(hexOf(reader.rest()), '10');
  reader.end();
  t.throws(() => reader.u8(), Malformed);
});

t.test('an inner window ends where it ends', async (t) => {
  const reader = new Reader(bytesOf('010203040506'));
  const inner = reader.window(2);
  t.throws(() => inner.u32(), Malformed);
  t.equal(inner.u16(), 0x0102);
  inner.end();
  t.throws(() => reader.window(5), Malformed);
  t.equal(hexOf(reader.take(4)), '03040506');
  t.equal(new Reader(bytesOf('ffffffff')).u32(), 0xffff_ffff, 'unsigned');
});

t.test('a writer grows, and patches lengths from what was written', async (t) => {
  const writer = new Writer(1);
  writer.sized(2, () => {
    writer.u8(1);
    writer.sized(1, () => writer.append(bytesOf('aabb')));
    writer.u64(0x0102030405060708n);
  });
  writer.u32(0xffff_ffff);
  t.equal(hexOf(writer.finish()), '000c0102aabb0102030405060708ffffffff');
  t.throws(() => writer.sized(1, () => writer.append(new Uint8Array(256))), RangeError);
});
