/**
 * Shares the event loop: jobs are cut into slices of some milliseconds, one slice of each in turn, and everything else
 * that waits (sockets, timers) gets its turn between two slices.
 */
import type { Clock, Timer } from '../ports.ts';

/** One slice of work; true when there is more to do at once. */
export type Job = () => boolean;

export class WorkQueue {
  readonly #clock: Clock;
  /** In order of their turn. */
  readonly #jobs = new Set<Job>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `job` soon, and again while it has more. A job that waits already is not added twice. */
  add(job: Job): void {
    this.#jobs.add(job);
    this.#timer ??= this.#clock.after(0, this.#run);
  }

  delete(job: Job): void {
    this.#jobs.delete(job);
  }

  /** Does all that waits at once, and what that adds. */
  drain(): void {
    this.#timer?.cancel();
    for (let [job] = this.#jobs; job !== undefined; [job] = this.#jobs) {
      this.#jobs.delete(job);
      if (job()) this.#jobs.add(job);
    }
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #run = (): void => {
    this.#timer = undefined;
    const [job] = this.#jobs;
    if (job === undefined) return;
    this.#jobs.delete(job);
    try {
      if (job()) this.#jobs.add(job);
    } finally {
      if (this.#jobs.size > 0) this.#timer ??= this.#clock.after(0, this.#run);
    }
  };
}
