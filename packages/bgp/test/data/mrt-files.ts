/** The MRT files among the public data, decompressed, and bgpdump's reading of their bytes. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { formatAddress, parseAddress } from '../../src/address.ts';
import { type MrtError, type MrtOptions, type MrtRecord, readMrt, recordLines } from '../../src/mrt/index.ts';
import { dataPath } from './data.ts';

/** Some of the files are cut inside the compression: what is before the cut is used. */
export function decompressed(path: string): Uint8Array {
  const file = dataPath(path);
  if (path.endsWith('.gz')) return gunzipSync(readFileSync(file));
  if (!path.endsWith('.bz2')) return readFileSync(file);
  return spawnSync('bzip2', ['-dc', file], { maxBuffer: 1 << 30 }).stdout;
}

export interface Reading {
  readonly records: Map<string, number>;
  readonly lines: readonly string[];
  readonly errors: readonly MrtError[];
  /** The error that ended the stream. */
  readonly ended: unknown;
}

/** All records of a file, which comes in chunks of `chunkBytes`. */
export async function readAll(
  bytes: Uint8Array,
  { chunkBytes = 65536, ...options }: MrtOptions & { chunkBytes?: number } = {},
): Promise<Reading> {
  const records = new Map<string, number>();
  const lines: string[] = [];
  const errors: MrtError[] = [];
  const keep = (record: MrtRecord): void => {
    records.set(record.kind, (records.get(record.kind) ?? 0) + 1);
    lines.push(...recordLines(record));
    if (record.kind === 'malformed') errors.push(record.error);
  };
  const chunks = function* (): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  try {
    for await (const record of readMrt(chunks(), options)) keep(record);
  } catch (error) {
    return { records, lines, errors, ended: error };
  }
  return { records, lines, errors, ended: undefined };
}

/** Lines of `bgpdump -m` for the same bytes. */
export function bgpdump(bytes: Uint8Array): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-mrt-'));
  try {
    const file = join(folder, 'file');
    writeFileSync(file, bytes);
    return splitLines(spawnSync('bgpdump', ['-m', '-q', file], { encoding: 'utf8', maxBuffer: 1 << 30 }).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function splitLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** bgpdump shortens IPv6 addresses in its own way: every field that is an address or a prefix is written as RFC 5952 has it. */
export function canonical(line: string): string {
  return line.replaceAll(/(?<=\|)[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(?=[|/])/g, (text) =>
    formatAddress(parseAddress(text)),
  );
}
