/** Commands given to a speaker, in a recording and in its replay: what comes of them is output. */
import type { BestPathChange, Speaker } from '../speaker/api.ts';
import type { CommandName, Output } from './model.ts';
import { toPlain } from './plain-value.ts';
import { textOf } from './record-ports.ts';

export interface OutputSink {
  output(output: Output): void;
}

type Changes = AsyncIterator<readonly BestPathChange[]>;

/** Throws what the command throws. */
export function obey(speaker: Speaker, name: CommandName, args: readonly unknown[], sink: OutputSink): unknown {
  let result: unknown;
  try {
    result = Reflect.apply(speaker[name], speaker, args);
  } catch (error) {
    sink.output({ kind: 'threw', error: textOf(error) });
    throw error;
  }
  if (result instanceof Promise) {
    result.then(
      () => sink.output({ kind: 'settled', command: name }),
      (error: unknown) => sink.output({ kind: 'settled', command: name, error: textOf(error) }),
    );
  } else if (result !== undefined) sink.output({ kind: 'returned', value: toPlain(result) });
  return result;
}

export function openStream(speaker: Speaker): Changes {
  return speaker.bestPathChanges()[Symbol.asyncIterator]();
}

export function takeChanges(
  changes: Changes,
  stream: number,
  sink: OutputSink,
): Promise<IteratorResult<readonly BestPathChange[]>> {
  const next = changes.next();
  void next.then(({ done, value }) =>
    sink.output({ kind: 'changes', stream, changes: done === true ? null : toPlain(value) }),
  );
  return next;
}
