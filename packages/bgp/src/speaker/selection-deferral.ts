/**
 * RFC 4724 §4.1, the restarting speaker's Selection_Deferral_Timer: routes are selected, and sent, when every peer has
 * sent its own, so that nobody is told of half a table. A second one tells when also those peers have that restart
 * themselves.
 */
import type { Clock, Timer } from '../ports.ts';

export class SelectionDeferral {
  readonly #done: () => void;
  readonly #waiting = new Set<string>();
  #timer: Timer | undefined;

  /** `done` is called once, later: when no peer is waited for any more, or after `deferralTimeMs`. */
  constructor(clock: Clock, deferralTimeMs: number, done: () => void) {
    this.#done = done;
    this.#timer = clock.after(deferralTimeMs, () => this.#finish());
  }

  get isOver(): boolean {
    return this.#timer === undefined;
  }

  waitFor(peer: string): void {
    this.#waiting.add(peer);
  }

  /**
   * The peer has sent all, or is not waited for: it is gone, it has no graceful restart, or it restarts itself ("MUST
   * NOT wait" for it, or two restarting peers would wait for each other).
   */
  release(peer: string): void {
    if (this.#waiting.delete(peer) && this.#waiting.size === 0) this.#finish();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #finish(): void {
    if (this.#timer === undefined) return;
    this.close();
    this.#done();
  }
}
