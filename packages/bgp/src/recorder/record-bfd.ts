/** BFD of a speaker with a journal in between: what is asked of it, and the changes of its sessions. */
import type { Bfd, BfdSession, BfdSessionOptions } from '../bfd/api.ts';
import type { BfdSource } from '../speaker/api.ts';
import type { Journal } from './journal.ts';
import { toPlain } from './plain-value.ts';
import { textOf } from './record-ports.ts';

export function recordBfd(source: BfdSource, journal: Journal): BfdSource {
  let sessions = 0;
  return () => {
    journal.output({ kind: 'bfd' });
    const { promise, resolve, reject } = Promise.withResolvers<Pick<Bfd, 'session'>>();
    source().then(
      (bfd) => {
        const session = (options: BfdSessionOptions): BfdSession => recordSession(bfd, options, sessions++, journal);
        journal.input({ kind: 'bfd-ready' }, () => resolve({ session }));
      },
      (error: unknown) => journal.input({ kind: 'bfd-failed', error: textOf(error) }, () => reject(error)),
    );
    return promise;
  };
}

function recordSession(
  bfd: Pick<Bfd, 'session'>,
  options: BfdSessionOptions,
  session: number,
  journal: Journal,
): BfdSession {
  const output = { kind: 'bfd-session', session, options: toPlain(options) } as const;
  let inner: BfdSession;
  try {
    inner = bfd.session(options);
  } catch (error) {
    journal.output({ ...output, answer: { error: textOf(error) } });
    throw error;
  }
  // Between two changes the state stands still: a replay knows it from them.
  let { state } = inner;
  journal.output({ ...output, answer: { state } });
  const outer: BfdSession = {
    get state() {
      return state;
    },
    get status() {
      return inner.status;
    },
    onChange: undefined,
    close() {
      journal.output({ kind: 'close-bfd-session', session });
      inner.close();
    },
  };
  inner.onChange = (change) =>
    journal.input({ kind: 'bfd-change', session, change: toPlain(change) }, () => {
      state = change.state;
      outer.onChange?.(change);
    });
  return outer;
}
