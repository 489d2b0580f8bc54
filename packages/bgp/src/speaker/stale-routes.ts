/**
 * What becomes of a peer's routes of one family when its session ends and comes back: RFC 4724 §4.2 and RFC 9494 §4.2 as
 * receiving speaker, and the same marks for a route refresh with BoRR and EoRR (RFC 7313 §4). Each session, and each
 * refresh, is a generation; a path of an older one is stale until it is sent again or swept.
 */
import type { DownReason } from '../fsm/state.ts';
import { ceaseSubcode, errorCode } from '../iana.ts';
import type { Negotiated } from '../message/model.ts';
import type { Clock, Timer } from '../ports.ts';

/**
 * RFC 4724 §4.2 lets an implementation bound the time that stale routes wait for End-of-RIB after the session is back,
 * RFC 7313 §4 that for EoRR.
 */
const endOfRibTimeMs = 360_000;
/** Generations count round in eight bits: none may become this old. */
const oldestAge = 100;

export interface StaleActions {
  /** Removes the peer's paths that are `age` or more generations older than `generation`. */
  sweep(generation: number, age: number): void;
  /** Makes all paths older than `generation` long-lived stale (RFC 9494 §4.2). */
  markLongLived(generation: number): void;
}

/** For how long routes stay without their peer. */
export interface Retention {
  /** RFC 4724 Restart Time. */
  readonly restartTimeMs: number;
  /** RFC 9494 Long-Lived Stale Time, which begins when that is over. */
  readonly longLivedMs: number;
}

export class StaleRoutes {
  readonly #clock: Clock;
  readonly #actions: StaleActions;
  #generation = 0;
  /** Runs while routes wait for the peer, and then for its End-of-RIB. */
  #restart: Timer | undefined;
  /** Runs from the end of the restart time until End-of-RIB, whatever the session does meanwhile. */
  #longLived: Timer | undefined;
  #longLivedMs = 0;
  /** Paths older than this are long-lived stale while `#longLived` runs. */
  #marked = 0;
  /** Runs from BoRR to EoRR. */
  #refresh: Timer | undefined;
  #isUp = false;
  /** The Long-Lived Stale Time ended in this session, before its End-of-RIB. */
  #unsynchronized = false;

  constructor(clock: Clock, actions: StaleActions) {
    this.#clock = clock;
    this.#actions = actions;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Routes wait for their peer, or for its End-of-RIB. */
  get retains(): boolean {
    return this.#restart !== undefined || this.#longLived !== undefined;
  }

  /** The generation that all older paths of are long-lived stale; undefined: none is. */
  get longLivedBefore(): number | undefined {
    return this.#longLived === undefined ? undefined : this.#marked;
  }

  /** The session ended. Undefined: the routes go at once. */
  down(retention: Retention | undefined): void {
    this.#isUp = false;
    this.#next();
    this.#refresh = stopped(this.#refresh);
    // RFC 9494 §4.2: the session "resets prior to becoming synchronized", with its stale time over.
    if (retention === undefined || this.#unsynchronized) {
      this.#unsynchronized = false;
      this.#flush();
      return;
    }
    this.#longLivedMs = retention.longLivedMs;
    this.#keepFromBefore();
    this.#wait(retention.restartTimeMs, () => this.#restartTimeOver());
  }

  /**
   * The session is back. `preserved`: the peer lists the family with the F bit, so that stale routes wait for End-of-RIB;
   * `longLivedPreserved`: in the capability of RFC 9494.
   */
  established(preserved: boolean, longLivedPreserved: boolean): void {
    this.#isUp = true;
    if (this.#longLived !== undefined) {
      this.#restart = stopped(this.#restart);
      // RFC 9494 §4.2: without the family, or its F bit, in the new capability all stale routes go.
      if (!longLivedPreserved) this.#flush();
    } else if (this.#restart !== undefined) {
      if (preserved) this.#wait(endOfRibTimeMs, () => this.#flush());
      else this.#flush();
    }
  }

  /** End-of-RIB: what was not sent again is gone. */
  endOfRib(): void {
    this.#unsynchronized = false;
    if (this.retains) this.#flush();
  }

  /** BoRR: what is not sent again before EoRR is gone. */
  beginRefresh(): void {
    // RFC 7313 §4: a speaker that restarts sends none before End-of-RIB, which then does the same.
    if (this.retains) return;
    this.#next();
    this.#refresh?.cancel();
    this.#refresh = this.#clock.after(endOfRibTimeMs, () => this.endRefresh());
  }

  /** EoRR. RFC 7313 §4: one without BoRR means nothing. */
  endRefresh(): void {
    if (this.#refresh === undefined) return;
    this.#refresh = stopped(this.#refresh);
    this.#actions.sweep(this.#generation, 1);
  }

  close(): void {
    this.#restart = stopped(this.#restart);
    this.#longLived = stopped(this.#longLived);
    this.#refresh = stopped(this.#refresh);
  }

  #restartTimeOver(): void {
    this.#restart = undefined;
    if (this.#longLivedMs === 0) {
      this.#flush();
      return;
    }
    this.#markLongLived(this.#generation);
  }

  /** What an older session left, when another one ends without End-of-RIB. */
  #keepFromBefore(): void {
    if (this.#longLived !== undefined) {
      // Neither stopped nor updated; a generation's number must not come round.
      this.#actions.sweep(this.#generation, oldestAge);
    } else if (this.#restart !== undefined && this.#longLivedMs > 0) {
      // RFC 9494 §4.2: "in the case of consecutive restarts, the previously marked stale routes MUST NOT be deleted before
      // the timer for the Long-Lived Stale Time expires"; their Restart Time is over.
      this.#markLongLived((this.#generation - 1) & 0xff);
    } else {
      // "To deal with possible consecutive restarts, a route (from the peer) previously marked as stale MUST be deleted."
      this.#actions.sweep(this.#generation, 2);
    }
  }

  /** Paths older than `generation` are a last resort from now on. */
  #markLongLived(generation: number): void {
    this.#marked = generation;
    this.#actions.markLongLived(generation);
    this.#longLived ??= this.#clock.after(this.#longLivedMs, () => this.#staleTimeOver());
  }

  #staleTimeOver(): void {
    this.#unsynchronized = this.#isUp;
    this.#flush();
  }

  #flush(): void {
    this.close();
    this.#actions.sweep(this.#generation, 1);
  }

  /** Zero: RFC 9494 §4.2, long-lived retention begins at once where there is no other. */
  #wait(ms: number, over: () => void): void {
    this.#restart?.cancel();
    if (ms > 0) this.#restart = this.#clock.after(ms, over);
    else over();
  }

  #next(): void {
    this.#generation = (this.#generation + 1) & 0xff;
  }
}

function stopped(timer: Timer | undefined): undefined {
  timer?.cancel();
  return undefined;
}

/** RFC 4724 §4.2, RFC 8538 §4: whether this end of a session is one that a restarting peer causes. */
export function keepsRoutes(reason: DownReason, restart: NonNullable<Negotiated['gracefulRestart']>): boolean {
  if (reason.kind === 'connection-lost') return true;
  if (reason.kind === 'admin' || !restart.notification) return false;
  return !(reason.code === errorCode.cease && reason.subcode === ceaseSubcode.hardReset);
}

/**
 * What the peer's capabilities promise for a family, when its session ended for `reason`; undefined: nothing. A family that
 * one of them does not list has a time of zero there (RFC 9494 §4.2).
 */
export function retentionOf(
  reason: DownReason,
  family: number,
  { gracefulRestart: restart, longLivedGracefulRestart: longLived }: Negotiated,
  maximumLongLivedMs = Number.POSITIVE_INFINITY,
): Retention | undefined {
  if (restart === undefined || !keepsRoutes(reason, restart)) return undefined;
  const restartTimeMs = restart.families.some((each) => each.family === family) ? restart.restartTimeMs : 0;
  const staleTimeMs = longLived?.find((each) => each.family === family)?.staleTimeMs ?? 0;
  // RFC 9494 §4.2: the received value "MAY be reduced by local configuration".
  const longLivedMs = Math.min(staleTimeMs, maximumLongLivedMs);
  return restartTimeMs === 0 && longLivedMs === 0 ? undefined : { restartTimeMs, longLivedMs };
}
