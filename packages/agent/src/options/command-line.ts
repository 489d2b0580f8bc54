import { Command, Option } from 'commander';
import type { Flag } from './flag.ts';
import type { OptionProblem } from './problem.ts';
import { flags, sections } from './registry.ts';

/**
 * Reads arguments as Go's pflag does, which the original uses, and prints the help. commander does the work; what only
 * pflag understands (`--bool` without a value, `-v=1`, a value that starts with a dash) is put in its form first.
 */

const rows: readonly Flag<unknown>[] = Object.values(flags);
const byName = new Map(rows.map((flag) => [flag.name, flag]));
const byShort = new Map(rows.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])));

export interface CommandLine {
  /** The texts given for each flag, by its name, in order. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly OptionProblem[];
}

export function readCommandLine(argv: readonly string[]): CommandLine {
  const problems: OptionProblem[] = [];
  const command = createCommand();
  const { operands, unknown } = command.parseOptions(longForms(argv, problems));
  for (const word of unknown.filter((one) => one.startsWith('-') && one !== '--')) {
    problems.push({ code: 'unknown-flag', flag: word.replace(/=.*$/s, '') });
  }
  const words = [...operands, ...unknown.filter((one) => !one.startsWith('-'))];
  if (words.length > 0) problems.push({ code: 'positional', words });
  const given = new Map<string, readonly string[]>();
  for (const option of command.options) {
    const texts: readonly string[] | undefined = command.getOptionValue(option.attributeName());
    if (texts !== undefined && option.long !== undefined) given.set(option.long.slice(2), texts);
  }
  return { given, problems };
}

/** The text of --help. */
export function helpText(): string {
  return createCommand().helpInformation();
}

function createCommand(): Command {
  const command = new Command('routelet-agent')
    .description('Node routing daemon for Kubernetes')
    .helpOption(false)
    .usage('[flags]')
    .configureHelp({ helpWidth: 110 });
  for (const [heading, section] of Object.entries(sections)) {
    for (const flag of Object.values<Flag<unknown>>(section))
      command.addOption(createOption(flag).helpGroup(`${heading}:`));
  }
  return command;
}

function createOption(flag: Flag<unknown>): Option {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  const option = new Option(`${short}--${flag.name} <${flag.kind.name}>`, describe(flag));
  return option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
}

function describe(flag: Flag<unknown>): string {
  const text = flag.kind.format(flag.default);
  const notes = [...(text === '' ? [] : [`default ${text}`]), ...(flag.status === 'known' ? ['not built yet'] : [])];
  return notes.length === 0 ? flag.description : `${flag.description} (${notes.join('; ')})`;
}

/** Rewrites each known flag to `--name=value`; passes on what it does not know. */
function longForms(argv: readonly string[], problems: OptionProblem[]): string[] {
  const out: string[] = [];
  const rest = [...argv];
  const take = (flag: Flag<unknown>, inline: string | undefined) => {
    const value = inline ?? flag.kind.implied ?? rest.shift();
    if (value === undefined) problems.push({ code: 'no-value', flag: flag.name, expected: flag.kind.expected });
    else out.push(`--${flag.name}=${value}`);
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return [...out, word, ...rest];
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = name === undefined ? undefined : byName.get(name);
    if (flag !== undefined) take(flag, inline);
    else if (/^-[^-]/.test(word)) takeShort(word, take, out);
    else out.push(word);
  }
  return out;
}

/** `-v1`, `-v=1`, `-v 1`, `-V`, `-hV`. */
function takeShort(word: string, take: (flag: Flag<unknown>, inline: string | undefined) => void, out: string[]): void {
  for (let at = 1; at < word.length; at++) {
    const flag = byShort.get(word.charAt(at));
    const rest = word.slice(at + 1);
    if (flag === undefined) {
      out.push(`-${word.slice(at)}`);
      return;
    }
    const isLast = rest.startsWith('=') || flag.kind.implied === undefined;
    take(flag, isLast && rest !== '' ? rest.replace(/^=/, '') : undefined);
    if (isLast) return;
  }
}
