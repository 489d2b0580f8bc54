/**
 * What becomes of a peer's routes of one family when its session ends and comes back: RFC 4724 §4.2 as receiving
 * speaker, and the same marks for a route refresh with BoRR and EoRR (RFC 7313 §4). Each session, and each refresh, is a
 * generation; a path of an older one is stale until it is sent again or swept.
 */
import type { DownReason } from '../fsm/state.ts';
import { ceaseSubcode, errorCode } from '../iana.ts';
import type { Negotiated } from '../message/model.ts';
import type { Clock, Timer } from '../ports.ts';

/** RFC 4724 §4.2 lets an implementation bound the time that stale routes wait for End-of-RIB after the session is back. */
const endOfRibTimeMs = 360_000;

/** Removes the peer's paths that are `age` or more generations older than `generation`. */
export type Sweep = (generation: number, age: number) => void;

export class StaleRoutes {
  readonly #clock: Clock;
  readonly #sweep: Sweep;
  #generation = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, sweep: Sweep) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Stale routes are being kept. */
  get retains(): boolean {
    return this.#timer !== undefined;
  }

  /** The session ended. `restartTimeMs`: routes may stay for that long; undefined: they go at once. */
  down(restartTimeMs: number | undefined): void {
    this.#next();
    this.#stopTimer();
    if (restartTimeMs === undefined) {
      this.#sweep(this.#generation, 1);
      return;
    }
    // "To deal with possible consecutive restarts, a route (from the peer) previously marked as stale MUST be deleted."
    this.#sweep(this.#generation, 2);
    this.#timer = this.#clock.after(restartTimeMs, () => this.flush());
  }

  /** The session is back. `preserved`: the peer lists the family with the F bit, so that stale routes wait for End-of-RIB. */
  established(preserved: boolean): void {
    if (this.#timer === undefined) return;
    this.#stopTimer();
    if (preserved) this.#timer = this.#clock.after(endOfRibTimeMs, () => this.flush());
    else this.#sweep(this.#generation, 1);
  }

  /** End-of-RIB, or the end of a refresh: what was not sent again is gone. */
  flush(): void {
    this.#stopTimer();
    this.#sweep(this.#generation, 1);
  }

  /** BoRR: what is not sent again before EoRR is gone. */
  beginRefresh(): void {
    this.#next();
    this.#stopTimer();
    this.#timer = this.#clock.after(endOfRibTimeMs, () => this.flush());
  }

  close(): void {
    this.#stopTimer();
  }

  #next(): void {
    this.#generation = (this.#generation + 1) & 0xff;
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** RFC 4724 §4.2, RFC 8538 §4: whether this end of a session is one that a restarting peer causes. */
export function keepsRoutes(reason: DownReason, restart: NonNullable<Negotiated['gracefulRestart']>): boolean {
  if (reason.kind === 'connection-lost') return true;
  if (reason.kind === 'admin' || !restart.notification) return false;
  return !(reason.code === errorCode.cease && reason.subcode === ceaseSubcode.hardReset);
}
