/** What a command needs of the process around it. Tests give their own. */

export interface Terminal {
  /** A line to standard output; resolves when it may write on. */
  print(line: string): Promise<void>;
  /** A line to standard error. */
  complain(line: string): void;
  /** Standard input, as bytes. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Aborted when the command is to stop (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
}

/** Exit codes: all is well; something of the input could not be read, or it cannot run; a bad command line. */
export const exitCode = { ok: 0, failed: 1, usage: 2 } as const;
