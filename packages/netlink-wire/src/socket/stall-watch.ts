/**
 * Watches that something moves while answers are waited for. A process that was busy elsewhere for the whole time is not
 * a stall: it is first given one turn of its event loop to read what came meanwhile.
 */
export class StallWatch {
  readonly #stallMs: number;
  readonly #stalled: () => void;
  #timer: NodeJS.Timeout | undefined;
  #moved = false;
  #on = false;

  constructor(stallMs: number, stalled: () => void) {
    this.#stallMs = stallMs;
    this.#stalled = stalled;
  }

  /** Starts or stops watching; starting again changes nothing. */
  set(on: boolean): void {
    this.#on = on;
    if (on && this.#timer === undefined) this.#arm();
    if (!on && this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  progress(): void {
    this.#moved = true;
  }

  #arm(): void {
    this.#moved = false;
    this.#timer = setTimeout(() => setImmediate(() => this.#check()), this.#stallMs);
  }

  #check(): void {
    this.#timer = undefined;
    if (!this.#on) return;
    if (this.#moved) this.#arm();
    else this.#stalled();
  }
}
