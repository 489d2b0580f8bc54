/** Names that leave the state machine: the states, and why a session ended. */

/** RFC 4271 §8.2.2. */
export type FsmStateName = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

/**
 * Reason for the end of a session, in words and in data. Whether routes may stay as stale (RFC 4724 §4.2, RFC 8538 §4)
 * follows from `kind`, `code` and `subcode`:
 * - `connection-lost`: TCP ended, or the peer replaced the connection, without any NOTIFICATION;
 * - `hold-timer`: the peer was silent, code 4 (or took nothing, code 8: RFC 9687);
 * - `notification-received`, `notification-sent`: with their code and subcode (6/9 is a Hard Reset);
 * - `admin`: `stop` or `reset`, with the code and subcode sent, or without when none was.
 */
export interface DownReason {
  readonly kind: 'notification-sent' | 'notification-received' | 'connection-lost' | 'admin' | 'hold-timer';
  readonly text: string;
  readonly code?: number;
  readonly subcode?: number;
}
