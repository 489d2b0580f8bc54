/**
 * Drops a line that was said a moment ago. A reconcile that fails each second says so once, and the next time it is
 * heard it tells how often it was held back. Pure: the caller brings the time.
 */
export class RepeatFilter {
  readonly #windowMs: number;
  readonly #seen = new Map<string, { saidAt: number; held: number }>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Undefined to drop the line; otherwise how many equal lines were dropped since the last one was said. */
  admit(line: string, nowMs: number): number | undefined {
    const seen = this.#seen.get(line);
    if (seen !== undefined && nowMs - seen.saidAt < this.#windowMs) {
      seen.held += 1;
      return undefined;
    }
    this.#forgetOld(nowMs);
    this.#seen.delete(line);
    this.#seen.set(line, { saidAt: nowMs, held: 0 });
    return seen?.held ?? 0;
  }

  /** Insertion order is the order of `saidAt`. A line that was held back stays, so that its count is told some day. */
  #forgetOld(nowMs: number): void {
    for (const [line, { saidAt, held }] of this.#seen) {
      if (nowMs - saidAt < this.#windowMs) return;
      if (held === 0 || nowMs - saidAt > 20 * this.#windowMs) this.#seen.delete(line);
    }
  }
}
