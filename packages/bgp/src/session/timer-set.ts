/**
 * The running timers of one connection. Restarting one that runs only moves its deadline, since the hold timer restarts
 * with every message; the clock is asked again when the old deadline passes.
 */
import { jittered, type TimerName, timers, together } from '../fsm/timer.ts';
import type { Clock, Random, Timer } from '../ports.ts';

interface Running {
  deadline: number;
  /** When `timer` will look at the deadline. */
  wakesAt: number;
  timer: Timer;
}

export class TimerSet {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #expired: (name: TimerName) => void;
  readonly #running = new Map<TimerName, Running>();

  /** `expired` is called once for each start that was neither restarted nor stopped. */
  constructor(clock: Clock, random: Random, expired: (name: TimerName) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#expired = expired;
  }

  start(name: TimerName, ms: number): void {
    const now = this.#clock.now();
    const delay = timers[name].jitter ? jittered(ms, this.#random.next()) : ms;
    const deadline = timers[name].together ? together(now + delay, delay) : now + delay;
    const running = this.#running.get(name);
    if (running !== undefined && running.wakesAt <= deadline) {
      running.deadline = deadline;
      return;
    }
    running?.timer.cancel();
    const timer = this.#clock.after(deadline - now, () => this.#wake(name));
    this.#running.set(name, { deadline, wakesAt: deadline, timer });
  }

  /** Restarts a timer that runs. */
  extend(name: TimerName, ms: number): void {
    if (this.#running.has(name)) this.start(name, ms);
  }

  stop(name: TimerName): void {
    this.#running.get(name)?.timer.cancel();
    this.#running.delete(name);
  }

  stopAll(): void {
    for (const { timer } of this.#running.values()) timer.cancel();
    this.#running.clear();
  }

  #wake(name: TimerName): void {
    const running = this.#running.get(name);
    if (running === undefined) return;
    const left = running.deadline - this.#clock.now();
    if (left > 0) {
      running.wakesAt = running.deadline;
      running.timer = this.#clock.after(left, () => this.#wake(name));
      return;
    }
    // A process that was held up reads what came meanwhile before it calls the peer silent.
    if (name === 'HoldTimer') {
      running.timer = this.#clock.after(0, () => this.#confirm(name));
      return;
    }
    this.#running.delete(name);
    this.#expired(name);
  }

  #confirm(name: TimerName): void {
    const running = this.#running.get(name);
    if (running === undefined) return;
    if (running.deadline > this.#clock.now()) {
      this.#wake(name);
      return;
    }
    this.#running.delete(name);
    this.#expired(name);
  }
}
