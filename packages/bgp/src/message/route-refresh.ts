/** ROUTE-REFRESH, RFC 2918 §3, with the subtypes of RFC 7313 §3.2. */

import { copyOf } from '../bytes.ts';
import { BgpError } from '../errors.ts';
import { afiOf, familyKey, safiOf } from '../family/model.ts';
import { errorCode, messageType, routeRefreshSubcode, routeRefreshSubtype } from '../iana.ts';
import { Reader } from '../wire/reader.ts';
import { frame } from './frame.ts';
import { maximumMessageBytes } from './header.ts';
import type { RouteRefreshMessage } from './model.ts';

/** `body`: behind the header, at least four bytes (the header's length check sees to it). Throws `BgpError`. */
export function decodeRouteRefresh(body: Uint8Array): RouteRefreshMessage {
  const reader = new Reader(body);
  const afi = reader.u16();
  const subtype = reader.u8();
  const family = familyKey(afi, reader.u8());
  const data = reader.rest();
  if (data.length === 0) return { kind: 'route-refresh', family, subtype };
  // RFC 7313 §5: "If the length, excluding the fixed-size message header, of the received ROUTE-REFRESH message with
  // Message Subtype 1 and 2 is not 4, then": the data is the whole message, whose header is known.
  if (subtype === routeRefreshSubtype.beginning || subtype === routeRefreshSubtype.end) {
    const whole = frame(messageType.routeRefresh, 65535, (writer) => writer.append(body));
    throw new BgpError('BGP_ROUTE_REFRESH_LENGTH', `ROUTE-REFRESH of subtype ${subtype} with ${body.length} bytes`, {
      notification: {
        code: errorCode.routeRefreshMessage,
        subcode: routeRefreshSubcode.invalidMessageLength,
        data: whole,
      },
      bytes: body,
    });
  }
  return { kind: 'route-refresh', family, subtype, data: copyOf(data) };
}

export function encodeRouteRefresh({ family, subtype, data }: Omit<RouteRefreshMessage, 'kind'>): Uint8Array {
  return frame(messageType.routeRefresh, maximumMessageBytes, (writer) => {
    writer.u16(afiOf(family));
    writer.u8(subtype);
    writer.u8(safiOf(family));
    if (data !== undefined) writer.append(data);
  });
}
