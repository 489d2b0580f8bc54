/** One part of the daemon with a life of its own: the daemon starts modules in order and stops them in reverse. */
export interface Module {
  readonly name: string;
  /** Resolves when the module does its work. Rejects when it can never do it; the daemon then exits. */
  start(): Promise<void>;
  /** Ends the module's work. What it programmed in the kernel stays as it is. */
  stop(): Promise<void>;
}
