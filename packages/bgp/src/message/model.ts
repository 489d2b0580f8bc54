/**
 * The five messages of RFC 4271, ROUTE-REFRESH, and what two OPENs agree on. Plain values: the codec makes them from
 * bytes and bytes from them, sessions and tables pass them on.
 */

import type { AttributeContext } from '../attribute/descriptor.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { Capability } from '../capability/registry.ts';
import type { Role } from '../capability/role.ts';
import type { FamilyKey, Nlri, Prefix } from '../family/model.ts';

export type { PeerType } from '../attribute/descriptor.ts';
export type { FamilyKey, Nlri, Prefix } from '../family/model.ts';

/** RFC 4271 §4.2. */
export interface OpenMessage {
  readonly kind: 'open';
  /** Only 4: an OPEN of another version is refused while decoding, for its layout is not known. */
  readonly version: 4;
  /** My Autonomous System as on the wire: 16 bits, AS_TRANS (23456) when the real number needs 32. */
  readonly myAs: number;
  readonly holdTimeSeconds: number;
  /** BGP Identifier as an unsigned 32-bit number. */
  readonly identifier: number;
  readonly capabilities: readonly Capability[];
  /** Optional parameters other than capabilities; `validateOpen` refuses them. */
  readonly otherParameters?: readonly { readonly type: number; readonly value: Uint8Array }[];
}

/** MP_REACH_NLRI (RFC 4760 §3). `nextHop` has 4, 16 or 32 bytes (RFC 2545 §3: global, link-local) for the unicast families. */
export interface MpReach {
  readonly family: FamilyKey;
  readonly nextHop: Uint8Array;
  readonly nlri: Nlri;
}

/** MP_UNREACH_NLRI (RFC 4760 §4). */
export interface MpUnreach {
  readonly family: FamilyKey;
  readonly nlri: Nlri;
}

/** RFC 4271 §4.3; MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760) stand beside the other attributes. */
export interface UpdateMessage {
  readonly kind: 'update';
  readonly withdrawn: readonly Prefix[];
  readonly attributes: PathAttributes;
  readonly nlri: readonly Prefix[];
  readonly mpReach?: MpReach;
  readonly mpUnreach?: MpUnreach;
}

/** RFC 4271 §4.5. */
export interface NotificationMessage {
  readonly kind: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** RFC 4271 §4.4. */
export interface KeepaliveMessage {
  readonly kind: 'keepalive';
}

/** RFC 2918 §3; `subtype` as in RFC 7313 §3 (0 a request, 1 BoRR, 2 EoRR). */
export interface RouteRefreshMessage {
  readonly kind: 'route-refresh';
  readonly family: FamilyKey;
  readonly subtype: number;
  /** What follows the family, such as RFC 5291 ORF entries; left out when nothing does. */
  readonly data?: Uint8Array;
}

export type Message = OpenMessage | UpdateMessage | NotificationMessage | KeepaliveMessage | RouteRefreshMessage;

/** What UPDATEs of a session need to be read and written. `Negotiated` is one. */
export interface UpdateContext extends AttributeContext {
  /** Families whose NLRI carry a path identifier (RFC 7911) from the peer to us, and from us to the peer. */
  readonly addPathReceive: readonly FamilyKey[];
  readonly addPathSend: readonly FamilyKey[];
  /** Families that may have a next hop of another family (RFC 8950), agreed by both; none when left out. */
  readonly extendedNextHop?: readonly FamilyKey[];
  readonly extendedMessages: boolean;
}

/** What both OPENs together allow in a session: the context of every later encode and decode. */
export interface Negotiated extends UpdateContext {
  readonly localAsn: number;
  /** The peer's AS number: from the four-octet capability where there is one. */
  readonly peerAsn: number;
  readonly peerIdentifier: number;
  readonly holdTimeMs: number;
  readonly keepaliveMs: number;
  readonly families: readonly FamilyKey[];
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** The peer's graceful restart capability (RFC 4724 §3), absent when either side did not send one. */
  readonly gracefulRestart?: {
    readonly restarting: boolean;
    /** RFC 8538 N bit, agreed by both. */
    readonly notification: boolean;
    readonly restartTimeMs: number;
    readonly families: readonly { readonly family: FamilyKey; readonly forwardingPreserved: boolean }[];
  };
  /** The peer's long-lived graceful restart capability (RFC 9494 §3.1), absent when either side did not send one. */
  readonly longLivedGracefulRestart?: readonly {
    readonly family: FamilyKey;
    readonly forwardingPreserved: boolean;
    readonly staleTimeMs: number;
  }[];
  /** Our role towards the peer (RFC 9234 §4.1), where the peer's was the counterpart or is not known. */
  readonly role?: Role;
  /** The peer's own word for its role; absent when it sent none. */
  readonly peerRole?: Role;
}
