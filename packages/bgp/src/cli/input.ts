/** Bytes of the file a command line names, or of standard input. */

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Terminal } from './terminal.ts';

/** A file that cannot be read; the message names it and says why. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** `file`: "-" or none for standard input. Throws `InputError`. */
export async function* readInput(file: string | undefined, terminal: Terminal): AsyncGenerator<Uint8Array, void> {
  if (file === undefined || file === '-') {
    yield* terminal.input;
    return;
  }
  try {
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw inputError(file, error);
  }
}

/** The same, decompressed where the bytes are gzip. Throws `InputError`, also for bzip2. */
export async function* readDecompressed(
  file: string | undefined,
  terminal: Terminal,
): AsyncGenerator<Uint8Array, void> {
  const name = file ?? '-';
  const chunks = readInput(file, terminal);
  const first = await firstBytes(chunks);
  if (startsWith(first, [0x42, 0x5a, 0x68])) {
    throw new InputError(`${name}: bzip2 is not read here; use: bzip2 -dc FILE | bgp mrt -`);
  }
  const whole = (async function* (): AsyncGenerator<Uint8Array, void> {
    yield first;
    yield* chunks;
  })();
  if (!startsWith(first, [0x1f, 0x8b])) {
    yield* whole;
    return;
  }
  try {
    const unzipped = pipeline(whole, createGunzip(), () => {});
    yield* unzipped as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw inputError(name, error);
  }
}

export async function readWhole(file: string | undefined, terminal: Terminal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readInput(file, terminal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** At least three bytes where there are as many. */
async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let bytes: Uint8Array = Buffer.alloc(0);
  while (bytes.length < 3) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    bytes = Buffer.concat([bytes, value]);
  }
  return bytes;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

function inputError(name: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  return new InputError(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
