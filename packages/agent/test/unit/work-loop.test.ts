import t from 'tap';
import { WorkLoop } from '../../src/work-loop.ts';

type Part = 'a' | 'b' | 'c';

t.test('marks of one turn are one pass, marks during a pass are the next', async (t) => {
  const passes: string[] = [];
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const loop = new WorkLoop<Part>(
    async (parts) => {
      passes.push([...parts].sort().join(''));
      if (passes.length === 1) await gate;
    },
    () => t.fail('no pass fails'),
  );
  loop.mark(['b']);
  loop.mark(['a', 'b']);
  await Promise.resolve();
  await Promise.resolve();
  loop.mark(['c']);
  loop.mark(['a']);
  t.strictSame(passes, ['ab']);
  release();
  await loop.idle();
  t.strictSame(passes, ['ab', 'ac']);
});

t.test('a pass that fails is told, and the loop goes on', async (t) => {
  const errors: unknown[] = [];
  let runs = 0;
  const loop = new WorkLoop<Part>(
    async () => {
      runs++;
      throw new Error(`run ${runs}`);
    },
    (error) => errors.push(error),
  );
  loop.mark(['a']);
  await loop.idle();
  loop.mark(['a']);
  await loop.idle();
  t.match(errors, [{ message: 'run 1' }, { message: 'run 2' }]);
  await loop.stop();
  loop.mark(['a']);
  await loop.idle();
  t.equal(runs, 2);
});
