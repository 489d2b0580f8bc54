/** What a command of `bgp` is; the list of them stands in `run.ts`. */

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { families } from '../family/registry.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /** Returns the exit code. Throws `UsageError` for a bad command line. */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** `node:util` parseArgs with its errors as `UsageError`, and at most `most` positional arguments. */
export function parseCommandLine<O extends Options>(args: readonly string[], options: O, most: number) {
  const parsed = (() => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    } catch (error) {
      if (error instanceof TypeError) throw new UsageError(error.message.split('. ')[0] ?? error.message);
      throw error;
    }
  })();
  const extra = parsed.positionals[most];
  if (extra !== undefined) throw new UsageError(`${JSON.stringify(extra)}: nothing is expected here`);
  return parsed;
}

/** `--add-path` values: names of families. */
export function familiesFrom(option: string, names: readonly string[]): number[] {
  return names.map((name) => {
    const family = families.find((candidate) => candidate.name === name);
    if (family === undefined) {
      throw new UsageError(
        `${option} ${JSON.stringify(name)}: expected ${families.map((known) => known.name).join(' or ')}`,
      );
    }
    return family.key;
  });
}

/** A whole number between two bounds. */
export function numberFrom(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: expected a number from ${least} to ${most}`);
  }
  return value;
}
