import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { warmUp } from '../../../src/index.ts';
import { decodeUpdate } from '../../../src/message/update.ts';
import { scanUpdate } from '../../../src/message/update-scan.ts';
import type { Clock } from '../../../src/ports.ts';
import { VirtualClock } from '../../../src/simulator/index.ts';
import { SyntheticTable } from '../../../src/speaker/synthetic-table.ts';
import { runWarmUp } from '../../../src/speaker/warm-up.ts';

const context = {
  fourOctetAs: true,
  peerType: 'ebgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
} as const;

function bodies(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
    found.push(bytes.subarray(at + 19, at + length));
    at += length;
  }
  return found;
}

/** All prefixes as text, and what is wrong with their UPDATEs. */
function contentOf(bytes: Uint8Array): { prefixes: string[]; problems: number; paths: Set<string> } {
  const prefixes: string[] = [];
  const paths = new Set<string>();
  let problems = 0;
  for (const body of bodies(bytes)) {
    const { message, problems: found } = decodeUpdate(body, context);
    problems += found.length;
    const { mpReach, mpUnreach, nlri, withdrawn, attributes } = message;
    for (const list of [nlri, withdrawn, mpReach?.nlri ?? [], mpUnreach?.nlri ?? []]) {
      if ('raw' in list) continue;
      for (const { address, length } of list) prefixes.push(`${address.join('.')}/${length}`);
    }
    if (attributes.asPath !== undefined) paths.add(JSON.stringify(attributes.asPath));
  }
  return { prefixes, problems, paths };
}

t.test('a made-up table is sound, and its blocks have other routes and paths each', async (t) => {
  const table = new SyntheticTable(64_513);
  const seen = new Set<string>();
  const paths = new Set<string>();
  for (const block of [0, 1, 127, 128, 255]) {
    const announced = contentOf(table.announced(block));
    t.equal(announced.problems, 0);
    t.equal(announced.prefixes.length, table.routes);
    for (const prefix of announced.prefixes) seen.add(prefix);
    for (const path of announced.paths) paths.add(path);
    t.same(contentOf(table.withdrawn(block)).prefixes, announced.prefixes, 'the same are withdrawn');
  }
  t.equal(seen.size, 5 * table.routes);
  t.equal(paths.size, 5 * 32);
  t.ok(bodies(table.announced(7)).some((body) => scanUpdate(body).mpReach !== undefined));
});

t.test('a warm-up ends by itself, a small piece at a time, and leaves no timer that runs', async (t) => {
  const clock = new VirtualClock();
  /** Immediate work, which the warm-up cuts itself into; a timer would keep a process. */
  let turns = 0;
  const timers = new Map<object, number>();
  const counted: Clock = {
    now: () => clock.now(),
    after: (delayMs, run) => {
      if (delayMs <= 0) {
        turns++;
        const immediate = globalThis.setImmediate(run);
        return { cancel: () => clearImmediate(immediate) };
      }
      const timer = { cancel: () => void timers.delete(timer) };
      timers.set(timer, delayMs);
      return timer;
    },
  };
  await runWarmUp(3000, { clock: counted, random: { next: () => 0.5 } });
  t.ok(turns > 50, `in ${turns} turns`);
  t.same([...timers.values()], [], 'every timer was cancelled');
});

t.test('a warm-up leaves no tables behind', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // Memory of an ArrayBuffer is freed by another thread, some time after the collection that found it.
  const kept = async (): Promise<number> => {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 20; round++) {
      collect();
      await setImmediate();
      least = Math.min(least, process.memoryUsage().arrayBuffers);
    }
    return least;
  };
  await warmUp({ routes: 2000 });
  const before = await kept();
  await warmUp({ routes: 20_000 });
  const more = (await kept()) - before;
  t.ok(more < 200_000, `${more} bytes more`);
});
