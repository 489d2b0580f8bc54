import fc from 'fast-check';
import t from 'tap';
import { DirtySet } from '../../../src/table/dirty-set.ts';

t.test('is a set that is taken in order', async (t) => {
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), id: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ kind: fc.constant('delete' as const), id: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ kind: fc.constant('take' as const), id: fc.integer({ min: 1, max: 40 }) }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const set = new DirtySet();
      const model = new Set<number>();
      for (const { kind, id } of operations) {
        if (kind === 'add') {
          set.add(id);
          model.add(id);
        } else if (kind === 'delete') {
          if (set.delete(id) !== model.delete(id)) return false;
        } else {
          const into = new Int32Array(id);
          const taken = [...into.subarray(0, set.take(into))];
          const expected = [...model].sort((a, b) => a - b).slice(0, id);
          if (taken.join() !== expected.join()) return false;
          for (const each of taken) model.delete(each);
        }
        if (set.size !== model.size || set.has(id) !== model.has(id)) return false;
      }
      return true;
    }),
  );
  t.pass();
});
