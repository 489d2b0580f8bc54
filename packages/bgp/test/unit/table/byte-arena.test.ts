import t from 'tap';
import { ByteArena } from '../../../src/table/byte-arena.ts';

function block(size: number, value: number): Uint8Array {
  return new Uint8Array(size).fill(value);
}

t.test('what is stored is found again while the first page grows and when there are more pages', async (t) => {
  const arena = new ByteArena();
  const sizes = [1, 16, 17, 300, 4000, 5000, 70_000, 900_000, 1 << 20, 1_100_000, 40];
  const handles = sizes.map((size, index) => arena.store(block(size, index + 1)));
  t.equal(new Set(handles).size, sizes.length);
  for (const [index, size] of sizes.entries()) {
    const handle = handles[index] ?? 0;
    const at = arena.offset(handle);
    t.equal(Buffer.compare(arena.page(handle).subarray(at, at + size), block(size, index + 1)), 0, `${size} bytes`);
  }
});

t.test('a small arena is small', async (t) => {
  const arena = new ByteArena();
  const handle = arena.store(block(60, 1));
  t.ok(arena.page(handle).length <= 4096);
});

t.test('a view of a block keeps its content when the page grows', async (t) => {
  const arena = new ByteArena();
  const handle = arena.store(block(60, 7));
  const view = arena.page(handle).subarray(arena.offset(handle), arena.offset(handle) + 60);
  arena.store(block(100_000, 1));
  t.same(view, block(60, 7));
});

t.test('a freed block is given out again for its size', async (t) => {
  const arena = new ByteArena();
  const handle = arena.store(block(60, 1));
  arena.store(block(5000, 2));
  arena.free(handle, 60);
  t.equal(arena.store(block(50, 3)), handle);
});
