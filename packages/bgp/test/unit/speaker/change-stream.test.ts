import t from 'tap';
import type { BestPathChange } from '../../../src/speaker/api.ts';
import { Bench } from './pair.ts';

async function next(iterator: AsyncIterator<readonly BestPathChange[]>, bench: Bench): Promise<string[] | undefined> {
  const result = iterator.next();
  bench.simulation.run(10);
  const { value, done } = await result;
  return done === true
    ? undefined
    : (value as readonly BestPathChange[]).map(({ kind, prefix }) => `${kind} ${prefix}`);
}

t.test('present paths first, then the latest state of what changed', async (t) => {
  const bench = new Bench();
  const { speaker } = bench.node('10.0.0.1', 65001);
  speaker.announce({ prefix: '192.0.2.0/24' });
  const iterator = speaker.bestPathChanges()[Symbol.asyncIterator]();
  t.strictSame(await next(iterator, bench), ['best 192.0.2.0/24']);
  for (let round = 0; round < 10; round++)
    speaker.announce({ prefix: '198.51.100.0/24', attributes: { multiExitDisc: round } });
  speaker.announce({ prefix: '203.0.113.0/24' });
  speaker.withdraw('203.0.113.0/24');
  speaker.withdraw('192.0.2.0/24');
  t.strictSame(
    await next(iterator, bench),
    ['withdrawn 192.0.2.0/24', 'best 198.51.100.0/24'],
    'what came and went is not told',
  );
  const waiting = iterator.next();
  await speaker.stop();
  t.strictSame(await waiting, { done: true, value: undefined }, 'ends with the speaker');
});

t.test('a step has a bounded size, and numbers of prefixes come back', async (t) => {
  const bench = new Bench();
  const { speaker } = bench.node('10.0.0.1', 65001);
  const controller = new AbortController();
  const iterator = speaker.bestPathChanges({ signal: controller.signal })[Symbol.asyncIterator]();
  const prefixes = Array.from({ length: 3000 }, (_, index) => ({ prefix: `10.${index >> 8}.${index & 255}.0/24` }));
  speaker.setAnnouncements(prefixes);
  const seen: string[] = [];
  while (seen.length < prefixes.length) {
    const step = (await next(iterator, bench)) ?? [];
    t.ok(step.length > 0 && step.length <= 2048, `${step.length}`);
    seen.push(...step);
  }
  t.equal(new Set(seen).size, prefixes.length);
  speaker.setAnnouncements([]);
  let withdrawn = 0;
  while (withdrawn < prefixes.length) withdrawn += ((await next(iterator, bench)) ?? []).length;
  speaker.announce({ prefix: '192.0.2.0/24' });
  t.strictSame(await next(iterator, bench), ['best 192.0.2.0/24']);
  controller.abort();
  t.equal(await next(iterator, bench), undefined);
});
