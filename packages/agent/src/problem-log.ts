/** Logs each problem once when it appears and once when it is gone, however often the plans that find it run. */
import type { Log } from './log.ts';
import type { Problem } from './problem.ts';

export class ProblemLog {
  readonly #log: Log;
  /** Standing problems of each reporter, by code and subject. */
  readonly #standing = new Map<string, Map<string, Problem>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** All that is wrong now. */
  get standing(): readonly Problem[] {
    return [...this.#standing.values()].flatMap((problems) => [...problems.values()]);
  }

  /** `problems` are all that `reporter` sees now: new ones and changed ones are logged, missing ones are gone. */
  report(reporter: string, problems: readonly Problem[]): void {
    const before = this.#standing.get(reporter) ?? new Map<string, Problem>();
    const now = new Map(problems.map((problem) => [`${problem.code} ${problem.subject}`, problem]));
    this.#standing.set(reporter, now);
    for (const [key, { code, text, level = 'error' }] of now) {
      if (before.get(key)?.text !== text) this.#log[level](text, { code });
    }
    for (const [key, { code, text }] of before) if (!now.has(key)) this.#log.info(`no longer: ${text}`, { code });
  }
}
