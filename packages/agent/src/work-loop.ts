/**
 * Runs one pass of work at a time. Marks made before a pass starts are one pass together; marks made during it are the
 * next one. A pass that throws is told to `failed` and the loop goes on.
 */
export class WorkLoop<Part extends string> {
  readonly #pass: (parts: ReadonlySet<Part>) => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #marked = new Set<Part>();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(pass: (parts: ReadonlySet<Part>) => Promise<void>, failed: (error: unknown) => void) {
    this.#pass = pass;
    this.#failed = failed;
  }

  mark(parts: Iterable<Part>): void {
    if (this.#stopped) return;
    for (const part of parts) this.#marked.add(part);
    if (this.#marked.size > 0) this.#running ??= this.#run();
  }

  /** Resolves when nothing is marked and no pass runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Takes no marks any more; resolves when the running pass has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#marked.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Marks of the same turn of the event loop belong to this pass.
    await Promise.resolve();
    while (this.#marked.size > 0) {
      const parts = this.#marked;
      this.#marked = new Set();
      await this.#pass(parts).catch(this.#failed);
    }
    this.#running = undefined;
  }
}
