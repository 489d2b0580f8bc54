/**
 * Counts what the decoders do, in blocks of source code executed (V8's precise coverage), so that a bound on work is a number
 * that is the same on every machine. Work inside built-in functions of the language is not counted.
 */

import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';

// Compiled code does not count. Set before anything is hot.
for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug']) setFlagsFromString(flag);

const source = new URL('../../src/', import.meta.url).href;

/** For each run, how many blocks of `packages/bgp/src` were executed. */
export async function countOperations(runs: readonly (() => void)[]): Promise<number[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    const counts: number[] = [];
    for (const run of runs) {
      await session.post('Profiler.takePreciseCoverage');
      run();
      const { result } = await session.post('Profiler.takePreciseCoverage');
      let count = 0;
      for (const { url, functions } of result) {
        if (!url.startsWith(source)) continue;
        for (const { ranges } of functions) for (const range of ranges) count += range.count;
      }
      counts.push(count);
    }
    return counts;
  } finally {
    session.disconnect();
  }
}
