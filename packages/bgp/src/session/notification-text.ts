/** What a received NOTIFICATION says, for one line of a log. */
import { ceaseSubcode, describeNotification, errorCode } from '../iana.ts';
import type { NotificationMessage } from '../message/model.ts';
import { shutdownText } from '../message/notification.ts';

/** Code and subcode in words, with the operator's text (RFC 9003) or the reason inside a Hard Reset (RFC 8538 §3.1). */
export function notificationText(message: NotificationMessage): string {
  const { code, subcode, data } = message;
  const name = describeNotification(code, subcode);
  const [innerCode, innerSubcode] = data;
  if (
    code === errorCode.cease &&
    subcode === ceaseSubcode.hardReset &&
    innerCode !== undefined &&
    innerSubcode !== undefined
  ) {
    const inner = { ...message, code: innerCode, subcode: innerSubcode, data: data.subarray(2) };
    const isHardReset = innerCode === errorCode.cease && innerSubcode === ceaseSubcode.hardReset;
    return `${name} because of ${isHardReset ? describeNotification(innerCode, innerSubcode) : notificationText(inner)}`;
  }
  const text = shutdownText(message);
  return text === undefined ? name : `${name}: ${JSON.stringify(text)}`;
}
