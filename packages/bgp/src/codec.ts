/**
 * The codec of BGP-4 messages for tool authors: bytes to plain values and back, without a speaker, a session or a socket.
 * Everything here is pure; bad input throws `BgpError` and nothing else.
 */

export * from './address.ts';
export type { Aggregator } from './attribute/aggregator.ts';
export { type AigpTlv, aigpMetric } from './attribute/aigp.ts';
export { type AsPath, type AsPathSegment, type AsPathSegmentKind, asPathLength } from './attribute/as-path.ts';
export { formatCommunity } from './attribute/communities.ts';
export { type DecodedAttributes, decodeAttributes, passOn } from './attribute/decode.ts';
export type { AttributeContext, PeerType, RawAttribute } from './attribute/descriptor.ts';
export { encodeAttributes } from './attribute/encode.ts';
export type { LargeCommunity } from './attribute/large-communities.ts';
export { type LinkBandwidth, linkBandwidthCommunity, linkBandwidthOf } from './attribute/link-bandwidth.ts';
export type { MpReachSpan, NlriSpan } from './attribute/mp.ts';
export { exportOtc, importOtc, type OtcVerdict } from './attribute/only-to-customer.ts';
export type { Origin } from './attribute/origin.ts';
export { plainAttributes } from './attribute/plain.ts';
export { describeProblem, type UpdateProblem } from './attribute/problem.ts';
export type { PathAttributes } from './attribute/registry.ts';
export { type Capability, findCapability, type UnknownCapability } from './capability/registry.ts';
export { counterpartOf, type Role, roles } from './capability/role.ts';
export { BgpError, type BgpErrorCode, type Defect, type NotificationContent, type Reaction } from './errors.ts';
export { afiOf, familyKey, safiOf } from './family/model.ts';
export { PrefixCursor } from './family/prefix.ts';
export {
  type FamilyDescriptor,
  type FamilyName,
  families,
  familyNamed,
  familyOf,
  nameOfFamily,
} from './family/registry.ts';
export * from './iana.ts';
export { decodeHeader, headerBytes, type MessageHeader } from './message/header.ts';
export { encodeKeepalive } from './message/keepalive.ts';
export { decodeMessage, defaultContext, encodeMessage } from './message/message.ts';
export type * from './message/model.ts';
export {
  asnOf,
  type NegotiationOptions,
  negotiate,
  type OpenExpectations,
  validateOpen,
} from './message/negotiation.ts';
export { decodeNotification, encodeNotification, encodeShutdownText, shutdownText } from './message/notification.ts';
export { decodeOpen, encodeOpen } from './message/open.ts';
export { plainMessage } from './message/plain.ts';
export { decodeRouteRefresh, encodeRouteRefresh } from './message/route-refresh.ts';
export { type DecodedUpdate, decodeUpdate, encodeEndOfRib, encodeUpdate, maximumBytesOf } from './message/update.ts';
export {
  endOfRibFamily,
  judgeUpdate,
  scanUpdate,
  type UpdateSpans,
  type UpdateVerdict,
  updateError,
} from './message/update-scan.ts';
