/**
 * The turns of a speaker as they happen, handed on as lines. A turn begins with an input and is open until the next one, so
 * that what the speaker does in promise continuations is in it; an input from inside a running one becomes part of it.
 */
import type { Clock } from '../ports.ts';
import type { Asked, Input, NestedInput, Output, RecordingHeader, Turn } from './model.ts';

export class Journal {
  readonly #sink: (line: string) => void;
  readonly #clock: Clock;
  #at = 0;
  #input: Input | undefined;
  #asked: { -readonly [K in keyof Asked]: unknown[] } = {};
  #out: (Output | NestedInput)[] = [];
  #depth = 0;
  #ended = false;

  constructor(header: RecordingHeader, clock: Clock, sink: (line: string) => void) {
    this.#clock = clock;
    this.#sink = sink;
    this.#write(header);
  }

  /**
   * Milliseconds, whole microseconds. It stands still within a turn: how often the code reads the clock is then no part of
   * the recording.
   */
  now(): number {
    return this.#at / 1000;
  }

  input<T>(input: Input, run: () => T): T {
    if (this.#depth > 0) this.#out.push({ kind: 'input', input });
    else this.#begin(input);
    this.#depth += 1;
    try {
      return run();
    } finally {
      this.#depth -= 1;
    }
  }

  output(output: Output): void {
    this.#out.push(output);
  }

  /** Notes an answer that the speaker got, and returns it. */
  asked<T>(name: keyof Asked, answer: T, noted: unknown = answer): T {
    const answers = this.#asked[name] ?? [];
    this.#asked[name] = answers;
    answers.push(noted);
    return answer;
  }

  /** Writes the last turn; nothing is recorded after it. */
  end(): void {
    this.#close();
    this.#ended = true;
  }

  #begin(input: Input): void {
    this.#close();
    this.#input = input;
    // Up, so that a timer that has run its time is seen to have.
    this.#at = Math.ceil(this.#clock.now() * 1000);
  }

  #close(): void {
    const input = this.#input;
    if (input !== undefined) {
      const turn = {
        at: this.#at,
        in: input,
        ...(Object.keys(this.#asked).length > 0 && { asked: this.#asked }),
        ...(this.#out.length > 0 && { out: this.#out }),
      };
      this.#write(turn as Turn);
    }
    this.#input = undefined;
    this.#asked = {};
    this.#out = [];
  }

  #write(line: RecordingHeader | Turn): void {
    if (!this.#ended) this.#sink(`${JSON.stringify(line)}\n`);
  }
}
