/**
 * One session at work: feeds the state machine with packets and expired timers, and carries out what it says. It knows no
 * users and no sockets.
 */
import type { Clock, Random, Timer } from '../ports.ts';
import type { BfdChange } from './api.ts';
import { encodeControlPacket } from './control-packet.ts';
import { step } from './machine.ts';
import { type BfdConfig, type BfdEvent, type BfdState, initialState } from './state.ts';
import { jitteredUs } from './timing.ts';

export interface SessionSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  send(bytes: Uint8Array): void;
  changed(change: BfdChange): void;
}

export class RunningSession {
  readonly #surroundings: SessionSurroundings;
  #state: BfdState;
  #transmitIntervalMs = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #transmitTimer: Timer | undefined;
  #detectionTimeMs = 0;
  #heardAt = 0;
  #detectionTimer: Timer | undefined;
  /** When `#detectionTimer` looks at the deadline. */
  #detectionWakesAt = 0;

  constructor(config: BfdConfig, localDiscriminator: number, surroundings: SessionSurroundings) {
    this.#state = initialState(config, localDiscriminator);
    this.#surroundings = surroundings;
  }

  get state(): BfdState {
    return this.#state;
  }

  dispatch(event: BfdEvent): void {
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    const changes: BfdChange[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#surroundings.send(encodeControlPacket(effect.packet));
          if (effect.periodic) {
            this.#sentAt = this.#surroundings.clock.now();
            this.#scheduleTransmit();
          }
          break;
        case 'transmit-interval':
          this.#transmitIntervalMs = effect.us / 1000;
          this.#scheduleTransmit();
          break;
        case 'detection-time':
          if (effect.restart) this.#heardAt = this.#surroundings.clock.now();
          this.#detectionTimeMs = effect.us / 1000;
          this.#watch();
          break;
        case 'changed':
          changes.push(effect.change);
      }
    }
    // Last, so that whoever hears of a change finds all of it done.
    for (const change of changes) this.#surroundings.changed(change);
  }

  /** Stops sending and watching, without a word to the neighbour. */
  stop(): void {
    this.#transmitTimer?.cancel();
    this.#stopWatch();
  }

  #scheduleTransmit(): void {
    const { clock, random } = this.#surroundings;
    this.#transmitTimer?.cancel();
    this.#transmitTimer = undefined;
    if (this.#transmitIntervalMs === 0) return;
    const interval = jitteredUs(this.#transmitIntervalMs, this.#state.config.detectMultiplier, random.next());
    // RFC 5880 §6.8.3: after a shorter interval came, the next packet is due that long after the last one, or now.
    const wait = Math.max(0, this.#sentAt + interval - clock.now());
    this.#transmitTimer = clock.after(wait, () => this.dispatch({ name: 'transmit-due' }));
  }

  #watch(): void {
    const { clock } = this.#surroundings;
    if (this.#detectionTimeMs === 0) {
      this.#stopWatch();
      return;
    }
    const deadline = this.#heardAt + this.#detectionTimeMs;
    // A timer that wakes early looks at the deadline of then; each packet only moves that.
    if (this.#detectionTimer !== undefined && this.#detectionWakesAt <= deadline) return;
    this.#stopWatch();
    this.#detectionWakesAt = deadline;
    this.#detectionTimer = clock.after(Math.max(0, deadline - clock.now()), () => this.#wake(false));
  }

  #stopWatch(): void {
    this.#detectionTimer?.cancel();
    this.#detectionTimer = undefined;
  }

  #wake(confirmed: boolean): void {
    this.#detectionTimer = undefined;
    const { clock } = this.#surroundings;
    if (clock.now() < this.#heardAt + this.#detectionTimeMs) {
      this.#watch();
      return;
    }
    // A process that was held up reads what came meanwhile before it calls the neighbour silent.
    if (!confirmed) {
      this.#detectionWakesAt = clock.now();
      this.#detectionTimer = clock.after(0, () => this.#wake(true));
      return;
    }
    this.dispatch({ name: 'detection-time-expired' });
  }
}
