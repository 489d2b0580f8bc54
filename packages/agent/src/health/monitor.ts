import type { Health, Heartbeat } from './health.ts';

/** Slack of the original on top of the period, in milliseconds (H-2). */
const GRACE_MS = 1500;

interface Component {
  readonly name: string;
  readonly periodMs: number;
  lastMs: number;
  /** Time the first beat took; a component that starts slowly may go on slowly. */
  firstBeatMs: number | undefined;
}

export interface ComponentHealth {
  readonly name: string;
  readonly periodMs: number;
  readonly sinceMs: number;
  readonly hasBeaten: boolean;
  readonly isLate: boolean;
}

/**
 * Decides whether all components are alive: each must have beaten within its period, plus the time its first beat took,
 * plus a second and a half. Pure: the clock is given, monotonic, in milliseconds.
 */
export class HealthMonitor implements Health {
  readonly #now: () => number;
  readonly #onBeat: () => void;
  readonly #components = new Map<string, Component>();

  /** `onBeat` is called after each heartbeat. */
  constructor(now: () => number, onBeat: () => void = () => {}) {
    this.#now = now;
    this.#onBeat = onBeat;
  }

  register(name: string, periodMs: number): Heartbeat {
    const registeredMs = this.#now();
    const component: Component = { name, periodMs, lastMs: registeredMs, firstBeatMs: undefined };
    this.#components.set(name, component);
    return {
      beat: () => {
        component.lastMs = this.#now();
        component.firstBeatMs ??= component.lastMs - registeredMs;
        this.#onBeat();
      },
    };
  }

  /** Components that have not done their work once yet. Empty, with some registered: ready. */
  waiting(): readonly string[] {
    return [...this.#components.values()]
      .filter(({ firstBeatMs }) => firstBeatMs === undefined)
      .map(({ name }) => name);
  }

  get registered(): number {
    return this.#components.size;
  }

  /** Components whose heartbeat is late, with the time since the last one. Empty: healthy. */
  late(): readonly { readonly name: string; readonly sinceMs: number }[] {
    return this.components()
      .filter(({ isLate }) => isLate)
      .map(({ name, sinceMs }) => ({ name, sinceMs }));
  }

  /** Every component with the time since its last heartbeat, or since it was registered. */
  components(): readonly ComponentHealth[] {
    const nowMs = this.#now();
    return [...this.#components.values()].map(({ name, periodMs, lastMs, firstBeatMs }) => ({
      name,
      periodMs,
      sinceMs: nowMs - lastMs,
      hasBeaten: firstBeatMs !== undefined,
      isLate: nowMs - lastMs > periodMs + (firstBeatMs ?? 0) + GRACE_MS,
    }));
  }
}
