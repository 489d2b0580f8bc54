/** KEEPALIVE, RFC 4271 §4.4: a header alone; its length is checked there. */

import { messageType } from '../iana.ts';
import { frame } from './frame.ts';
import { headerBytes } from './header.ts';

export function encodeKeepalive(): Uint8Array {
  return frame(messageType.keepalive, headerBytes, () => {});
}
