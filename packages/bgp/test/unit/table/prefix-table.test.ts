import fc from 'fast-check';
import t from 'tap';
import { PrefixTable } from '../../../src/table/prefix-table.ts';

type Words = [number, number, number, number, number];

const word = fc.integer({ min: 0, max: 0xffff_ffff });
/** Few different prefixes, so that they meet again. */
const ipv4 = fc
  .tuple(fc.integer({ min: 0, max: 7 }), fc.constantFrom(8, 24, 32))
  .map(([high, length]): Words => [(high << 24) >>> 0, 0, 0, 0, length]);
const ipv6 = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }), fc.constantFrom(32, 64, 128))
  .map(([first, second, length]): Words => [0x2001_0db8 + first, length > 32 ? second : 0, 0, 0, length]);

for (const { name, words, prefix } of [
  { name: 'IPv4', words: 1, prefix: ipv4 },
  { name: 'IPv6', words: 4, prefix: ipv6 },
] as const) {
  t.test(`${name}: adding and removing is what a map does`, async (t) => {
    const step = fc.record({ add: fc.boolean(), prefix });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = new PrefixTable(words);
        const model = new Map<string, number>();
        for (const { add, prefix: key } of steps) {
          const known = model.get(key.join());
          if (table.find(...key) !== (known ?? -1)) return false;
          if (add) {
            const id = table.add(...key);
            if (known !== undefined ? id !== known : [...model.values()].includes(id)) return false;
            model.set(key.join(), id);
          } else if (known !== undefined) {
            table.remove(known);
            model.delete(key.join());
          }
          if (table.size !== model.size) return false;
        }
        return [...model].every(([key, id]) => {
          const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, length = 0] = key.split(',').map(Number);
          return table.find(w0, w1, w2, w3, length) === id;
        });
      }),
    );
    t.pass();
  });
}

t.test('grows to many prefixes and gives numbers out again', async (t) => {
  for (const words of [1, 4] as const) {
    const table = new PrefixTable(words);
    const count = 50_000;
    for (let index = 0; index < count; index++) table.add(index * 4096, 0, 0, 0, 24);
    const ids = [...Array(count).keys()];
    t.ok(ids.every((id) => table.find(id * 4096, 0, 0, 0, 24) === id));
    t.ok(ids.every((id) => table.wordOf(id, 0) === id * 4096 && table.lengthOf(id) === 24));
    for (let index = 0; index < count; index += 2) table.remove(index);
    t.equal(table.size, count / 2);
    t.ok(ids.every((id) => table.find(id * 4096, 0, 0, 0, 24) === (id % 2 === 0 ? -1 : id)));
    table.add(1, 0, 0, 0, 32);
    t.equal(table.limit, count, 'a freed number is used before a new one');
    t.throws(() => table.remove(0), RangeError, 'a prefix is removed once');
  }
});

t.test('finds and forgets every prefix while the hash grows', async (t) => {
  for (const words of [1, 4] as const) {
    const table = new PrefixTable(words);
    // One prefix more for each added, so that every state between two sizes is looked at.
    for (let index = 0; index < 3000; index++) {
      const id = table.add(index * 256, 0, 0, 0, 24);
      const older = (index * 7919) % (index + 1);
      if (table.find(older * 256, 0, 0, 0, 24) < 0) t.fail(`${older} is lost at ${index}`);
      if (index % 3 === 0) {
        table.remove(id);
        if (table.find(index * 256, 0, 0, 0, 24) >= 0) t.fail(`${index} is still there`);
        if (table.add(index * 256, 0, 0, 0, 24) !== id) t.fail('the number is given out again');
      }
    }
    t.equal(table.size, 3000);
    for (let index = 0; index < 3000; index++) table.remove(table.find(index * 256, 0, 0, 0, 24));
    t.equal(table.size, 0);
  }
});

t.test('writes NLRI as RFC 4271 §4.3 has it', async (t) => {
  const v4 = new PrefixTable(1);
  const v6 = new PrefixTable(4);
  const cases: [PrefixTable, Words, number[]][] = [
    [v4, [0x0a01_0200, 0, 0, 0, 23], [23, 10, 1, 2]],
    [v4, [0, 0, 0, 0, 0], [0]],
    [v4, [0xc000_0201, 0, 0, 0, 32], [32, 192, 0, 2, 1]],
    [v6, [0x2001_0db8, 0x0001_0000, 0, 0, 48], [48, 0x20, 0x01, 0x0d, 0xb8, 0, 1]],
    [v6, [0, 0, 0, 1, 128], [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ];
  for (const [table, words, expected] of cases) {
    const target = new Uint8Array(32);
    const end = table.write(table.add(...words), target, 3);
    t.strictSame([...target.subarray(3, end)], expected);
  }
});

t.test('words are whole 32-bit numbers', async (t) => {
  fc.assert(
    fc.property(word, word, word, word, (w0, w1, w2, w3) => {
      const table = new PrefixTable(4);
      const id = table.add(w0, w1, w2, w3, 128);
      return [w0, w1, w2, w3].every((value, index) => table.wordOf(id, index) === value) && table.lengthOf(id) === 128;
    }),
  );
  t.pass();
});
