/**
 * Pings by the machine's own `ping`: one packet to know whether a way is open, or a steady stream whose losses are
 * counted from the sequence numbers that came back.
 */
import { LabError } from './errors.ts';
import type { LabProcess } from './process.ts';
import { within } from './wait.ts';

export interface PingStreamResult {
  readonly sent: number;
  readonly received: number;
  /** Packets that were sent and never answered; those of the last tenth of a second are still on their way and not counted. */
  readonly lost: number;
  /** The longest time between two answers, as measured by their arrival here. */
  readonly longestGapMs: number;
}

/** A running `ping -i`. */
export class PingStream {
  readonly target: string;
  readonly #process: LabProcess;
  readonly #perSecond: number;
  readonly #answered = new Set<number>();
  readonly #waiting: (() => void)[] = [];
  #lastSequence = 0;
  #lastAt: number | undefined;
  #longestGapMs = 0;

  constructor(
    target: string,
    start: (argv: readonly string[], onLine: (line: string) => void) => LabProcess,
    perSecond: number,
  ) {
    this.target = target;
    this.#perSecond = perSecond;
    const argv = ['ping', '-n', '-O', '-i', String(1 / perSecond), target];
    this.#process = start(argv, (line) => this.#read(line));
  }

  #read(line: string): void {
    const sequence = Number(/^\d+ bytes from .* icmp_seq=(\d+) /.exec(line)?.[1] ?? 0);
    if (sequence === 0) return;
    const now = performance.now();
    if (this.#lastAt !== undefined) this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAt);
    this.#lastAt = now;
    this.#answered.add(sequence);
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Answers so far. */
  get answers(): number {
    return this.#answered.size;
  }

  /** Resolves with the next answer; used to know that a stream runs before something is done to it. */
  async nextAnswer(deadlineMs = 10_000): Promise<void> {
    const next = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await within(`an answer of ${this.target}`, deadlineMs, next);
  }

  /** Ends the stream and counts. */
  async stop(): Promise<PingStreamResult> {
    await this.#process.stop('SIGINT');
    const summary = this.#process.lines.find((line) => line.includes('packets transmitted'));
    const sent = Number(/^(\d+) packets transmitted/.exec(summary ?? '')?.[1] ?? Number.NaN);
    if (Number.isNaN(sent)) {
      throw new LabError('process-ended', `ping ${this.target} ended without a summary:\n${this.#process.tail()}`);
    }
    const received = this.#answered.size;
    const unanswered = sent - this.#lastSequence;
    const onItsWay = unanswered <= Math.max(1, this.#perSecond / 10) ? unanswered : 0;
    return { sent, received, lost: sent - received - onItsWay, longestGapMs: Math.round(this.#longestGapMs) };
  }
}
