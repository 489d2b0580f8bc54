/** A session and those who use it: each has wishes, the session runs with all of them, and its end is the last one's. */
import type { BfdChange, BfdSession, BfdStatus } from './api.ts';
import { mergeConfigs, type Neighbor } from './neighbor.ts';
import type { RunningSession } from './running-session.ts';
import type { BfdConfig } from './state.ts';
import { detectionTimeUs, transmitIntervalUs } from './timing.ts';

/** What one user wants of a session. */
export interface Wishes extends BfdConfig {
  readonly minimumTtl: number;
}

class User implements BfdSession {
  readonly wishes: Wishes;
  onChange: ((change: BfdChange) => void) | undefined;
  readonly #shared: SharedSession;
  readonly #closed: (user: User) => void;

  constructor(shared: SharedSession, wishes: Wishes, closed: (user: User) => void) {
    this.#shared = shared;
    this.wishes = wishes;
    this.#closed = closed;
  }

  get state() {
    return this.#shared.running.state.session;
  }

  get status(): BfdStatus {
    return this.#shared.status;
  }

  close(): void {
    this.onChange = undefined;
    this.#closed(this);
  }
}

export class SharedSession {
  readonly neighbor: Neighbor;
  readonly running: RunningSession;
  readonly #users = new Set<User>();

  constructor(neighbor: Neighbor, running: RunningSession) {
    this.neighbor = neighbor;
    this.running = running;
  }

  get used(): boolean {
    return this.#users.size > 0;
  }

  /** The greatest of the users', 0 without any. */
  get minimumTtl(): number {
    return Math.max(0, ...[...this.#users].map(({ wishes }) => wishes.minimumTtl));
  }

  /** `left` is called once, when the user has closed its hold. */
  add(wishes: Wishes, left: () => void): BfdSession {
    const user = new User(this, wishes, (closed) => {
      if (!this.#users.delete(closed)) return;
      if (this.used) this.#configure();
      left();
    });
    this.#users.add(user);
    this.#configure();
    return user;
  }

  changed(change: BfdChange): void {
    for (const user of [...this.#users]) user.onChange?.(change);
  }

  get status(): BfdStatus {
    const { address, localAddress, interface: device, multihop } = this.neighbor;
    const { state } = this.running;
    return {
      address,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(device === undefined ? {} : { interface: device }),
      multihop,
      state: state.session,
      // RFC 5880 §6.8.1: bfd.RemoteSessionState "MUST be initialized to Down".
      remoteState: state.remote?.state ?? 'Down',
      diagnostic: state.diagnostic,
      remoteDiagnostic: state.remote?.diagnostic ?? 0,
      localDiscriminator: state.localDiscriminator,
      remoteDiscriminator: state.remote?.discriminator ?? 0,
      transmitIntervalMs: transmitIntervalUs(state) / 1000,
      detectionTimeMs: detectionTimeUs(state) / 1000,
      polling: state.poll === 'polling',
      users: this.#users.size,
    };
  }

  #configure(): void {
    this.running.dispatch({ name: 'configured', config: mergeConfigs([...this.#users].map(({ wishes }) => wishes)) });
  }
}
