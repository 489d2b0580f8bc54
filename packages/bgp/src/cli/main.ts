#!/usr/bin/env node
/** The process around the command line: streams, signals, exit code. */

import { once } from 'node:events';
import { runCommandLine } from './run.ts';
import type { Terminal } from './terminal.ts';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
// The reader went away (`bgp mrt FILE | head`): there is nobody left to print for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// A write a line would cost more than making the lines: they go out in blocks, the last of them when nothing else is to do.
const blockCharacters = 65536;
let block = '';
let flushing: NodeJS.Immediate | undefined;

async function flush(): Promise<void> {
  clearImmediate(flushing);
  flushing = undefined;
  const text = block;
  block = '';
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

const terminal: Terminal = {
  async print(line) {
    block += `${line}\n`;
    if (block.length >= blockCharacters) await flush();
    else flushing ??= setImmediate(flush);
  },
  complain: (line) => void process.stderr.write(`${line}\n`),
  input: process.stdin,
  signal: stop.signal,
};

process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
await flush();
