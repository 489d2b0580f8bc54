/**
 * Hands incoming connections to the session of their remote address. Strangers get CEASE, connection rejected, in a
 * bounded number at a time, and one line of log in a while.
 */
import type { Clock, Connection } from '../ports.ts';
import { refuse } from './farewell.ts';
import type { Session } from './model.ts';
import { canonicalAddress } from './peer-address.ts';
import { limitWarnings } from './warning-limit.ts';

/** Strangers' connections that may be closing at one time; more are dropped without a word. */
const maximumStrangers = 64;

export interface Acceptor {
  /** Connections from `address` go to `session`. */
  add(address: string, session: Pick<Session, 'accept'>): void;
  remove(address: string): void;
  /** For `Transport.listen`; needs no `this`. */
  readonly accept: (connection: Connection) => void;
  /** Connections refused so far. */
  readonly refused: number;
}

export interface AcceptorOptions {
  readonly clock: Clock;
  readonly warning: (text: string) => void;
  /** Takes a connection that none of the sessions is for; false when it is for nobody. */
  readonly acceptOther?: (connection: Connection) => boolean;
}

export function createAcceptor(options: AcceptorOptions): Acceptor {
  const { clock, acceptOther } = options;
  const warn = limitWarnings(clock, options.warning);
  const sessions = new Map<string, Pick<Session, 'accept'>>();
  let refused = 0;
  let strangers = 0;
  return {
    add: (address, session) => void sessions.set(canonicalAddress(address), session),
    remove: (address) => void sessions.delete(canonicalAddress(address)),
    get refused() {
      return refused;
    },
    accept: (connection) => {
      const session = sessions.get(canonicalAddress(connection.remoteAddress));
      if (session !== undefined) {
        session.accept(connection);
        return;
      }
      if (acceptOther?.(connection) === true) return;
      refused += 1;
      warn(`refused a connection from ${connection.remoteAddress}: no such peer is configured`);
      if (strangers >= maximumStrangers) {
        connection.destroy();
        return;
      }
      strangers += 1;
      refuse(connection, clock, () => {
        strangers -= 1;
      });
    },
  };
}
