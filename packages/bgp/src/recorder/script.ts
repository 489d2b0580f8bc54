/**
 * The recording as a replay goes through it: what the speaker does is compared with what it did, and what it asks is
 * answered as it was. After the first difference nothing is compared any more.
 */
import type { Asked, Input, NestedInput, Output, Turn } from './model.ts';

/** Where a replay first went another way than its recording. */
export interface Difference {
  /** Line of the recording, from 1. */
  readonly line: number;
  /** Milliseconds of the recorded clock. */
  readonly atMs: number;
  readonly input: Input;
  /** What was recorded; undefined: nothing more. */
  readonly expected?: Output;
  readonly actual?: Output;
  /** The same in one line, or what else did not fit. */
  readonly text: string;
}

/**
 * What users of the speaker are told by promises comes when the engine gets to it, which can be before or behind the next
 * input of the same moment: it has an order of its own.
 */
interface Track {
  readonly recorded: { readonly output: Output; readonly turn: number }[];
  /** Of those, how many the replay has come to, and how many it must have by the end of this turn. */
  done: number;
  due: number;
}

export class Script {
  readonly outputs: Output[] = [];
  difference: Difference | undefined;
  readonly #turns: readonly Turn[];
  readonly #tracks = new Map<string, Track>();
  readonly #perform: (input: Input) => void;
  #at = 0;
  /** What was recorded in this turn, in order, and how much of it was seen. */
  #expected: readonly (Output | NestedInput)[] = [];
  #seen = 0;
  #answered: { [K in keyof Asked]: number } = {};

  /** `perform` carries out an input that was given from inside a turn. */
  constructor(turns: readonly Turn[], perform: (input: Input) => void) {
    this.#turns = turns;
    this.#perform = perform;
    for (const [turn, { out = [] }] of turns.entries()) {
      for (const output of out) {
        if (output.kind === 'input' || trackOf(output) === undefined) continue;
        this.#track(output)?.recorded.push({ output, turn });
      }
    }
  }

  /** Milliseconds. */
  get now(): number {
    return (this.#turns[this.#at]?.at ?? 0) / 1000;
  }

  /** All that was recorded up to this turn has happened. */
  get isComplete(): boolean {
    return this.#seen === this.#expected.length && [...this.#tracks.values()].every(({ done, due }) => done >= due);
  }

  begin(turn: number): void {
    const out = this.#turns[turn]?.out ?? [];
    this.#at = turn;
    this.#expected = out.filter((each) => each.kind === 'input' || trackOf(each) === undefined);
    this.#seen = 0;
    this.#answered = {};
    for (const track of this.#tracks.values()) {
      while ((track.recorded[track.due]?.turn ?? Number.POSITIVE_INFINITY) <= turn) track.due += 1;
    }
  }

  /** The turn is over: what it has left did not happen. */
  end(): void {
    const expected = this.#expected[this.#seen];
    if (expected?.kind === 'input') this.differ(`${nameOf(expected.input)} never had its turn`);
    else if (expected !== undefined) this.#compare(expected, undefined);
    for (const { recorded, done, due } of this.#tracks.values()) {
      if (done < due) this.#compare(recorded[done]?.output, undefined);
    }
  }

  /** Returns what was recorded, with the answer to it. */
  output<O extends Output>(actual: O): O | undefined {
    if (this.difference !== undefined) return undefined;
    const track = this.#track(actual);
    const next = track === undefined ? this.#expected[this.#seen] : track.recorded[track.done]?.output;
    const recorded = next?.kind === 'input' ? undefined : next;
    if (!this.#compare(recorded, actual)) return undefined;
    this.outputs.push(actual);
    if (track === undefined) {
      this.#seen += 1;
      this.#performNested();
    } else track.done += 1;
    return recorded as O;
  }

  /** The next answer to a question of this kind in this turn. */
  answer<K extends keyof Asked>(kind: K): NonNullable<Asked[K]>[number] | undefined {
    if (this.difference !== undefined) return undefined;
    const index = this.#answered[kind] ?? 0;
    this.#answered[kind] = index + 1;
    const answer = this.#turns[this.#at]?.asked?.[kind]?.[index];
    if (answer === undefined) this.differ(`asks (${kind}) ${index + 1} times, which the recording has no answer to`);
    return answer;
  }

  differ(text: string, between: Pick<Difference, 'expected' | 'actual'> = {}): void {
    const input = this.#turns[this.#at]?.in ?? { kind: 'create' };
    // The header is the first line.
    const line = this.#at + 2;
    this.difference ??= { line, atMs: this.now, input, ...between, text: `line ${line}, ${nameOf(input)}: ${text}` };
  }

  #performNested(): void {
    for (let next = this.#expected[this.#seen]; next?.kind === 'input'; next = this.#expected[this.#seen]) {
      this.#seen += 1;
      this.#perform(next.input);
    }
  }

  #track(output: Output): Track | undefined {
    const name = trackOf(output);
    if (name === undefined) return undefined;
    const track = this.#tracks.get(name) ?? { recorded: [], done: 0, due: 0 };
    this.#tracks.set(name, track);
    return track;
  }

  #compare(expected: Output | undefined, actual: Output | undefined): boolean {
    const [was, is] = [shown(expected), shown(actual)];
    if (was === is) return true;
    this.differ(`recorded ${was}, now ${is}`, {
      ...(expected !== undefined && { expected }),
      ...(actual !== undefined && { actual }),
    });
    return false;
  }
}

function trackOf(output: Output): string | undefined {
  if (output.kind === 'changes') return `changes of ${output.stream}`;
  return output.kind === 'settled' ? `settled ${output.command}` : undefined;
}

/** Without the answer, which is not the speaker's. */
function shown(output: Output | undefined): string {
  return output === undefined ? 'nothing' : JSON.stringify({ ...output, answer: undefined });
}

function nameOf(input: Input): string {
  if ('connection' in input) return `${input.kind} of connection ${input.connection}`;
  return input.kind === 'command' ? `command ${input.name}` : input.kind;
}
