import { EventEmitter, once } from 'node:events';
import { Writable } from 'node:stream';
import { createLog, type Log, type LogOptions } from '../../src/log.ts';

export interface CapturedLog {
  readonly log: Log;
  /** What was written, a string a line, each with its line end. */
  readonly lines: readonly string[];
  /** Waits for a line that matches; fails after 20 s. */
  says(pattern: RegExp): Promise<string>;
}

/** A log whose lines a test reads. */
export function capturedLog(options: Partial<LogOptions> = {}): CapturedLog {
  const lines: string[] = [];
  const written = new EventEmitter();
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => {
      lines.push(chunk);
      written.emit('line');
      done();
    },
  });
  return {
    log: createLog({ verbosity: 0, format: 'json', stream, ...options }),
    lines,
    says: async (pattern) => {
      const signal = AbortSignal.timeout(20_000);
      for (;;) {
        const line = lines.find((one) => pattern.test(one));
        if (line !== undefined) return line;
        await once(written, 'line', { signal }).catch(() => {
          throw new Error(`expected ${pattern}, got:\n${lines.join('')}`);
        });
      }
    },
  };
}
