/**
 * Fuzzes the decoders of messages, MRT and captures: half of the inputs made by the generator, half mutations of a corpus and
 * of the generated. As a command:
 *
 *   node --expose-gc packages/bgp/test/fuzz/run.ts [--inputs 10000000] [--seed 1] [--corpus FOLDER]
 *
 * Prints one JSON object; exits with 1 and the input in hex at the first broken rule. `growthBytes` is the heap at the end
 * against the heap after the first tenth, both after a full collection.
 */

import { parseArgs } from 'node:util';
import type { UpdateContext } from '../../src/message/model.ts';
import { checkCapture, checkMessage, checkMrt, contexts } from './check.ts';
import { fixtureMessages, jsonLinesMessages } from './corpus.ts';
import { generateCapture, generateMessage, generateMrt, type Shape } from './generate.ts';
import { mutate, withHeader } from './mutate.ts';
import { type Numbers, numbersFrom } from './numbers.ts';

export interface FuzzReport {
  readonly inputs: number;
  readonly seed: number;
  /** Messages taken and refused, MRT records read, messages found in captures. */
  readonly taken: number;
  readonly refused: number;
  readonly records: number;
  readonly captured: number;
  readonly growthBytes: number;
  /** The longest that one input took, with what the machine did besides: a figure to look at, bounds are in `linear.test.ts`. */
  readonly slowestMs: number;
}

/** An input that broke a rule. */
export class FuzzFind extends Error {
  override readonly name = 'FuzzFind';

  constructor(target: string, input: number, bytes: Uint8Array, cause: unknown) {
    super(`input ${input} (${target}) ${Buffer.from(bytes).toString('hex')}: ${cause}`, { cause });
  }
}

const targets = ['message', 'mrt', 'capture'] as const;
type Target = (typeof targets)[number];

const generators: Readonly<Record<Target, (n: Numbers, shape: Shape) => Uint8Array>> = {
  message: generateMessage,
  mrt: generateMrt,
  capture: generateCapture,
};

const shapeOf = ({ addPathReceive, fourOctetAs, peerType }: UpdateContext): Shape => ({
  addPath: addPathReceive.length > 0,
  asnBytes: fourOctetAs ? 4 : 2,
  member: peerType === 'confederation',
});

/** The inputs of a seed, one after the other. */
export function* fuzzInputs(
  count: number,
  seed: number,
  corpus: readonly Uint8Array[],
): Generator<{ target: Target; bytes: Uint8Array; context: number }, void, undefined> {
  const n = numbersFrom(seed);
  for (let input = 0; input < count; input++) {
    const target: Target = n.oneIn(8) ? (n.oneIn(2) ? 'mrt' : 'capture') : 'message';
    const context = n.below(contexts.length);
    const seedBytes = target === 'message' ? corpus[n.below(corpus.length)] : undefined;
    let bytes =
      seedBytes !== undefined && n.oneIn(3)
        ? seedBytes
        : generators[target](n, shapeOf(contexts[context] ?? contexts[0]));
    if (n.oneIn(2) || bytes === seedBytes) {
      const type = bytes[18] ?? 2;
      bytes = mutate(n, bytes, corpus[n.below(corpus.length)] ?? bytes);
      if (target === 'message' && !n.oneIn(8)) bytes = withHeader(bytes, n.oneIn(8) ? 1 + n.below(5) : type);
    }
    yield { target, bytes, context };
  }
}

export function fuzz(inputs: number, seed: number, corpus: readonly Uint8Array[]): FuzzReport {
  const counts = { taken: 0, refused: 0, records: 0, captured: 0 };
  let heapBytes = 0;
  let slowestMs = 0;
  let done = 0;
  for (const { target, bytes, context } of fuzzInputs(inputs, seed, corpus)) {
    const start = performance.now();
    try {
      if (target === 'mrt') counts.records += checkMrt(bytes);
      else if (target === 'capture') counts.captured += checkCapture(bytes);
      else if (checkMessage(bytes, contexts[context] ?? contexts[0])) counts.taken += 1;
      else counts.refused += 1;
    } catch (error) {
      throw new FuzzFind(target, done, bytes, error);
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
    done += 1;
    if (done === Math.ceil(inputs / 10)) heapBytes = settledHeap();
  }
  return { inputs, seed, ...counts, growthBytes: settledHeap() - heapBytes, slowestMs };
}

function settledHeap(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc: memory is measured');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '10000000' },
      seed: { type: 'string', default: '1' },
      corpus: { type: 'string' },
    },
  });
  const corpus = [...fixtureMessages(), ...(values.corpus === undefined ? [] : jsonLinesMessages(values.corpus))];
  console.log(JSON.stringify(fuzz(Number(values.inputs), Number(values.seed), corpus)));
}
