/** The command line of `bgp` in this process, with streams in memory. */

import { runCommandLine } from '../../../src/cli/run.ts';

export interface Outcome {
  readonly code: number;
  readonly output: readonly string[];
  readonly complaints: readonly string[];
}

export async function bgp(args: readonly string[], input: Uint8Array | string = ''): Promise<Outcome> {
  const output: string[] = [];
  const complaints: string[] = [];
  const code = await runCommandLine(args, {
    print: async (line) => void output.push(line),
    complain: (line) => void complaints.push(line),
    input: (async function* () {
      yield typeof input === 'string' ? Buffer.from(input) : input;
    })(),
    signal: new AbortController().signal,
  });
  return { code, output, complaints };
}
