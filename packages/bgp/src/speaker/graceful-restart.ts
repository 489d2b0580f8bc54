/** RFC 4724 as restarting speaker: what the OPENs of this run say, and how long selection is deferred. */
import type { FamilyKey } from '../family/model.ts';
import type { Clock } from '../ports.ts';
import type { GracefulRestartOffer } from '../session/model.ts';
import type { GracefulRestartOptions } from './api.ts';

/** RFC 4724 §4.1 leaves Selection_Deferral_Timer to the implementation; six minutes is what GoBGP and FRR take. */
export const defaultDeferralTimeMs = 360_000;

export interface RestartPeer {
  readonly families: readonly FamilyKey[];
  readonly wantsRestart: boolean | undefined;
  /** RFC 9494 Long-Lived Stale Time; undefined: the capability is not sent. */
  readonly longLivedMs: number | undefined;
  readonly establishedCount: number;
}

export class RestartingSpeaker {
  readonly #options: GracefulRestartOptions | undefined;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor(options: GracefulRestartOptions | undefined, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** The capability for the next OPEN to the peer; undefined: none. */
  offer(peer: RestartPeer): GracefulRestartOffer | undefined {
    const options = this.#options;
    const { wantsRestart, longLivedMs } = peer;
    if (wantsRestart === false) return undefined;
    if (options === undefined && wantsRestart !== true && longLivedMs === undefined) return undefined;
    const { restartTimeMs = 0 } = options ?? {};
    const first = peer.establishedCount === 0;
    const restarting = options?.restarting === true && first && this.#clock.now() - this.#startedAt < restartTimeMs;
    // A session that was lost in this run left the forwarding state as it was.
    const forwardingPreserved = restarting || !first;
    const families = peer.families.map((family) => ({ family, forwardingPreserved }));
    return {
      restarting,
      notification: true,
      restartTimeMs,
      // Without a restart time of its own the speaker only helps others: RFC 4724 §3 lets the list of families be empty.
      families: options === undefined ? [] : families,
      ...(longLivedMs !== undefined && { longLived: families.map((each) => ({ ...each, staleTimeMs: longLivedMs })) }),
    };
  }
}
