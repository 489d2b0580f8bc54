/**
 * The one error type that decoders throw, on any input. It names what was wrong (`code`), the bytes that were wrong, and
 * the NOTIFICATION (RFC 4271 §4.5) that answers it: thrown means that the session is reset. Defects of an UPDATE that
 * RFC 7606 answers more mildly are not thrown, they are returned with their `Reaction`.
 */

import { copyOf, noBytes } from './bytes.ts';

export { noBytes };

/** RFC 7606 §2, weakest first. (AFI/SAFI disable is not used: a session reset is always allowed instead.) */
export const reactions = ['attribute-discard', 'treat-as-withdraw', 'session-reset'] as const;
export type Reaction = (typeof reactions)[number];

/** RFC 7606 §3(h): "the strongest action" of several. */
export function strongest(a: Reaction | undefined, b: Reaction | undefined): Reaction | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return reactions.indexOf(a) >= reactions.indexOf(b) ? a : b;
}

/** Stable names of all defects; the NOTIFICATION subcode they answer with is the RFC 4271 §6 one. */
export type BgpErrorCode =
  | 'BGP_MARKER'
  | 'BGP_MESSAGE_LENGTH'
  | 'BGP_MESSAGE_TYPE'
  | 'BGP_OPEN_MALFORMED'
  | 'BGP_OPEN_VERSION'
  | 'BGP_OPEN_PEER_AS'
  | 'BGP_OPEN_IDENTIFIER'
  | 'BGP_OPEN_PARAMETER'
  | 'BGP_OPEN_HOLD_TIME'
  | 'BGP_OPEN_ROLE'
  | 'BGP_UPDATE_MALFORMED'
  | 'BGP_UPDATE_ATTRIBUTE'
  | 'BGP_UPDATE_NLRI'
  | 'BGP_ROUTE_REFRESH_LENGTH';

/** A NOTIFICATION's content. */
export interface NotificationContent {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

export interface BgpErrorDetails {
  /** NOTIFICATION code and subcode (`iana.ts`), and its data; empty when left out. */
  readonly notification: { readonly code: number; readonly subcode: number; readonly data?: Uint8Array };
  /** The offending bytes, as far as they are known. */
  readonly bytes?: Uint8Array;
}

/** What a peer sent is wrong, and the session ends with the NOTIFICATION in it. The bytes in it are copies and stay valid. */
export class BgpError extends Error {
  override readonly name = 'BgpError';
  readonly code: BgpErrorCode;
  readonly notification: NotificationContent;
  readonly bytes: Uint8Array;

  constructor(code: BgpErrorCode, text: string, details: BgpErrorDetails) {
    super(text);
    this.code = code;
    const { code: major, subcode, data } = details.notification;
    this.notification = { code: major, subcode, data: copyOf(data ?? noBytes) };
    this.bytes = copyOf(details.bytes ?? noBytes);
  }
}

/** What can be wrong with one piece of a message. */
export type Defect =
  | 'flags'
  | 'length'
  | 'value'
  | 'duplicate'
  | 'missing'
  | 'overrun'
  | 'unrecognized'
  | 'unexpected'
  | 'nlri';

/**
 * A decoder's word that its window is malformed. It never leaves the codec: whoever called the decoder knows what it was
 * decoding, and turns it into a `BgpError` or a problem with the reaction of the descriptor.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed';
  readonly defect: Defect;

  constructor(defect: Defect, text: string) {
    super(text);
    this.defect = defect;
  }
}
