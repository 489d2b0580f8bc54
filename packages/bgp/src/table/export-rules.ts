/**
 * Which paths a kind of peer is never told of, whatever policy says, as masks over the facts of attribute sets: well-known
 * communities (RFC 1997, RFC 3765), Only to Customer (RFC 9234) and AS_SET (RFC 9774).
 */
import type { PeerType } from '../attribute/descriptor.ts';
import { exportOtc } from '../attribute/only-to-customer.ts';
import type { Role } from '../capability/role.ts';
import { factFlag } from './attribute-facts.ts';

export interface ExportRules {
  readonly peerType: PeerType;
  /** What this speaker is to the peer (RFC 9234), where that was settled. */
  readonly role: Role | undefined;
  readonly allowAsSets: boolean;
  /** The peer is a client of this route server. */
  readonly routeServer: boolean;
  /** How the peer hears of long-lived stale routes: as they are, as RFC 9494 §4.6 says for one without, or not at all. */
  readonly longLived: 'capable' | 'partial' | 'none';
}

/** Bits of `factFlag`; any of them in a path keeps it from the peer. */
export function withheldAlways({ peerType, role, allowAsSets, longLived }: ExportRules): number {
  let mask = allowAsSets ? 0 : factFlag.asSet;
  // RFC 9494 §4.3: such a route "SHOULD NOT be advertised to any neighbor from which the LLGR Capability has not been
  // received".
  if (longLived === 'none') mask |= factFlag.llgrStale;
  // RFC 9234 §5: "If a route already contains the OTC Attribute, it MUST NOT be propagated to Providers, Peers, or RSes."
  if (peerType === 'ebgp' && role !== undefined && exportOtc(1, role, 1).leak) mask |= factFlag.hasOnlyToCustomer;
  return mask;
}

/** The same for routes that were received; a community that this speaker gives its own routes is for the receiver. */
export function withheldReceived({ peerType, role, routeServer }: ExportRules): number {
  // RFC 7947 §2.2.4: a route server leaves communities to its clients.
  if (routeServer) return 0;
  let mask = factFlag.noAdvertise;
  // RFC 1997: NO_EXPORT stays in the confederation, NO_EXPORT_SUBCONFED in the member AS.
  if (peerType === 'ebgp') mask |= factFlag.noExport | factFlag.noExportSubconfed;
  if (peerType === 'confederation') mask |= factFlag.noExportSubconfed;
  // RFC 3765 §2: not over a bilateral peering.
  if (peerType === 'ebgp' && role === 'peer') mask |= factFlag.noPeer;
  return mask;
}
