/**
 * Process (with --expose-gc): `run.ts SEED MINUTES` runs churn for so many minutes of simulated time and prints one JSON
 * line for every five of them, behind a comparison with the model and a collection of garbage.
 */
import { Churn } from './churn.ts';

const [seed = 1, minutes = 60] = process.argv.slice(2).map(Number);
const pieceMinutes = 5;

/** What one piece of the run has come to. */
export interface Piece {
  readonly minutes: number;
  readonly routes: number;
  readonly differences: readonly string[];
  readonly heapBytes: number;
  readonly done: Readonly<Record<string, number>>;
}

const churn = new Churn(seed);
await churn.begin();
for (let past = pieceMinutes; past <= minutes; past += pieceMinutes) {
  await churn.run(pieceMinutes * 60_000);
  const { routes, differences } = await churn.check();
  // What the first finds dead may hold buffers that only the second frees.
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const piece: Piece = { minutes: past, routes, differences, heapBytes: heapUsed + arrayBuffers, done: churn.done };
  console.log(JSON.stringify(piece));
}
await churn.end();
