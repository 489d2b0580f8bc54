/** What the state machine wants done. Effects are carried out in order by the session shell, which decides nothing. */
import type { NotificationContent } from '../errors.ts';
import type { DownReason } from './state.ts';
import type { TimerName } from './timer.ts';

export type FsmEffect =
  /** Start a TCP connection to the peer; ends in Tcp_CR_Acked or TcpConnectionFails. */
  | { readonly kind: 'connect' }
  /** Close the connection, or give up the attempt to connect. No event follows. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'send-open' }
  | { readonly kind: 'send-keepalive' }
  | { readonly kind: 'notify'; readonly notification: NotificationContent }
  /** Starts or restarts; `ms` is before jitter. */
  | { readonly kind: 'start-timer'; readonly timer: TimerName; readonly ms: number }
  | { readonly kind: 'stop-timer'; readonly timer: TimerName }
  | { readonly kind: 'stop-timers' }
  | { readonly kind: 'established' }
  | { readonly kind: 'deliver-update'; readonly body: Uint8Array }
  | { readonly kind: 'deliver-route-refresh'; readonly family: number; readonly subtype: number }
  /** The connection, or the attempt, came to its end. */
  | { readonly kind: 'down'; readonly reason: DownReason };
