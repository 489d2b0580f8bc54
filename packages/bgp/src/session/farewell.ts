/** Closing a connection so that the last bytes reach the peer. */
import { noBytes } from '../errors.ts';
import { ceaseSubcode, errorCode } from '../iana.ts';
import { encodeNotification } from '../message/notification.ts';
import type { Clock, Connection } from '../ports.ts';

/** How long a peer has to take what is queued and to close its side. */
export const lingerMs = 2_000;

/**
 * Sends what is queued and closes; what the peer still sends is read and dropped, because a close over unread bytes is a
 * TCP reset that can overtake the NOTIFICATION. `closed` is called when the connection is gone.
 */
export function closeGently(connection: Connection, clock: Clock, closed?: () => void): void {
  const deadline = clock.after(lingerMs, () => {
    connection.destroy();
    closed?.();
  });
  connection.onData = () => {};
  connection.onDrain = undefined;
  connection.onClose = () => {
    deadline.cancel();
    closed?.();
  };
  connection.end();
  connection.resume();
}

/** Answers a connection that is not wanted with CEASE, connection rejected (RFC 4486 §4), and closes it. */
export function refuse(connection: Connection, clock: Clock, closed?: () => void): void {
  const subcode = ceaseSubcode.connectionRejected;
  connection.write(encodeNotification({ code: errorCode.cease, subcode, data: noBytes }));
  closeGently(connection, clock, closed);
}
