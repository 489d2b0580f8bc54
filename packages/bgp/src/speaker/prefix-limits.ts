/**
 * Watches how many prefixes a peer has sent (RFC 4271 §6.7, RFC 4486 §4): tells once when it comes near a limit, and what
 * has to happen when it is over it.
 */
import type { FamilyKey } from '../family/model.ts';
import { afiOf, safiOf } from '../family/model.ts';
import { type FamilyName, familyNamed } from '../family/registry.ts';
import type { PeerOptions, PrefixLimit } from './api.ts';

const defaultWarnPercent = 75;
const defaultRestartAfterMs = 60_000;

/** The session has to end. */
export interface LimitExceeded {
  /** Of the CEASE: AFI, SAFI and the limit (RFC 4486 §4). */
  readonly data: Uint8Array;
  readonly text: string;
  /** Undefined: it stays down. */
  readonly restartAfterMs: number | undefined;
}

interface Watched {
  readonly name: FamilyName;
  readonly family: FamilyKey;
  readonly limit: PrefixLimit;
  /** What was told of already. */
  told: 'nothing' | 'near' | 'over';
}

export class PrefixLimits {
  readonly #watched: readonly Watched[];
  readonly #warning: (text: string) => void;

  constructor(limits: PeerOptions['prefixLimits'], warning: (text: string) => void) {
    this.#warning = warning;
    this.#watched = (Object.keys(limits ?? {}) as FamilyName[]).flatMap((name) => {
      const limit = limits?.[name];
      return limit === undefined ? [] : [{ name, family: familyNamed(name).key, limit, told: 'nothing' as const }];
    });
  }

  /** `count`: prefixes that the peer has in its table of a family. Undefined when the session may go on. */
  check(count: (family: FamilyKey) => number): LimitExceeded | undefined {
    for (const watched of this.#watched) {
      const exceeded = this.#checkFamily(watched, count(watched.family));
      if (exceeded !== undefined) return exceeded;
    }
    return undefined;
  }

  #checkFamily(watched: Watched, count: number): LimitExceeded | undefined {
    const { name, family, limit } = watched;
    const { maximum, warnPercent = defaultWarnPercent, action = 'stop' } = limit;
    if (count <= (maximum * warnPercent) / 100) {
      watched.told = 'nothing';
      return undefined;
    }
    if (count <= maximum) {
      if (watched.told === 'nothing') this.#warning(`${count} prefixes of ${name}, ${maximum} are allowed`);
      watched.told = 'near';
      return undefined;
    }
    if (watched.told !== 'over') this.#warning(`more than ${maximum} prefixes of ${name}`);
    watched.told = 'over';
    if (action === 'warn') return undefined;
    const data = new Uint8Array(7);
    const view = new DataView(data.buffer);
    view.setUint16(0, afiOf(family));
    view.setUint8(2, safiOf(family));
    view.setUint32(3, maximum);
    return {
      data,
      text: `more than ${maximum} prefixes of ${name}`,
      restartAfterMs: action === 'restart' ? (limit.restartAfterMs ?? defaultRestartAfterMs) : undefined,
    };
  }
}
