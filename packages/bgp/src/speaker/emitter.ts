/** Listeners by event, typed by `SpeakerEvents`. Without node:events, which is Node's alone. */
import type { SpeakerEvents } from './api.ts';

type Listener<K extends keyof SpeakerEvents> = (...args: SpeakerEvents[K]) => void;

export class Emitter {
  readonly #listeners: { [K in keyof SpeakerEvents]: Set<Listener<K>> } = {
    'peer-state': new Set(),
    'end-of-rib': new Set(),
    'selection-complete': new Set(),
    'peers-complete': new Set(),
    warning: new Set(),
  };

  on<K extends keyof SpeakerEvents>(event: K, listener: Listener<K>): void {
    this.#listeners[event].add(listener);
  }

  off<K extends keyof SpeakerEvents>(event: K, listener: Listener<K>): void {
    this.#listeners[event].delete(listener);
  }

  emit<K extends keyof SpeakerEvents>(event: K, ...args: SpeakerEvents[K]): void {
    for (const listener of this.#listeners[event]) listener(...args);
  }
}
