/** The end of a connection as a `DownReason`, in words an operator can act on. */
import type { NotificationContent } from '../errors.ts';
import { describeNotification } from '../iana.ts';
import type { FsmEvent } from './event.ts';
import type { DownReason } from './state.ts';

/** Why `event` ended a connection; `notification` is what was sent because of it. */
export function describeEnd(event: FsmEvent, notification?: NotificationContent): DownReason {
  switch (event.name) {
    case 'ManualStop':
    case 'AutomaticStop':
      return { kind: 'admin', text: event.text, ...codes(notification) };
    case 'HoldTimer_Expires':
      return { kind: 'hold-timer', text: 'nothing received within the hold time', ...codes(notification) };
    case 'SendHoldTimer_Expires':
      return { kind: 'hold-timer', text: 'the peer took nothing within the send hold time', ...codes(notification) };
    case 'NotifMsg':
      return {
        kind: 'notification-received',
        text: `the peer sent NOTIFICATION ${event.text}`,
        code: event.code,
        subcode: event.subcode,
      };
    case 'NotifMsgVerErr':
      return { kind: 'notification-received', text: `the peer sent NOTIFICATION ${event.text}`, code: 2, subcode: 1 };
    case 'TcpConnectionFails':
      return { kind: 'connection-lost', text: event.text };
    default: {
      const cause = 'text' in event ? event.text : `unexpected ${event.name}`;
      if (notification === undefined) return { kind: 'connection-lost', text: cause };
      const { code, subcode } = notification;
      const text = `${cause}; sent NOTIFICATION ${describeNotification(code, subcode)}`;
      return { kind: 'notification-sent', text, code, subcode };
    }
  }
}

function codes(notification: NotificationContent | undefined): { code?: number; subcode?: number } {
  return notification === undefined ? {} : { code: notification.code, subcode: notification.subcode };
}
