/** The CEASE of an operator's or speaker's stop (RFC 4486), as text (RFC 9003) or as Hard Reset (RFC 8538). */
import { type NotificationContent, noBytes } from '../errors.ts';
import { ceaseSubcode, errorCode } from '../iana.ts';
import { encodeShutdownText } from '../message/notification.ts';

const textual: readonly number[] = [ceaseSubcode.administrativeShutdown, ceaseSubcode.administrativeReset];

/** Ends that last, after which the peer should not keep our routes (RFC 8538 §5.1). */
const final: readonly number[] = [
  ceaseSubcode.maximumPrefixesReached,
  ceaseSubcode.administrativeShutdown,
  ceaseSubcode.peerDeconfigured,
];

/**
 * `restartOnNotification`: both sides sent the N bit, so that a plain CEASE would make the peer keep stale routes; the
 * ends that are final are then wrapped in a Hard Reset (RFC 8538 §3.1).
 */
export function cease(
  subcode: number,
  { text, data: given = noBytes }: { readonly text?: string | undefined; readonly data?: Uint8Array | undefined },
  restartOnNotification: boolean,
): NotificationContent {
  const data = text !== undefined && textual.includes(subcode) ? encodeShutdownText(text) : given;
  if (!restartOnNotification || !final.includes(subcode)) return { code: errorCode.cease, subcode, data };
  return {
    code: errorCode.cease,
    subcode: ceaseSubcode.hardReset,
    data: Uint8Array.of(errorCode.cease, subcode, ...data),
  };
}
