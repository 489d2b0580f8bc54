/** A command line with other flags in it: the ones given take the place of those of the same name. */
import { readCommandLine } from './command-line.ts';
import { type ParsedOptions, parseOptions } from './parse.ts';

/** What the agent's options would be. */
export function parseWithFlags(
  argv: readonly string[],
  flags: readonly string[],
  readFile: (path: string) => string,
): ParsedOptions {
  const other = readCommandLine(flags);
  if (other.problems.length > 0) return { kind: 'bad', problems: other.problems };
  const given = new Map([...readCommandLine(argv).given, ...other.given]);
  const words = [...given].flatMap(([name, texts]) => texts.map((text) => `--${name}=${text}`));
  return parseOptions(words, readFile);
}
