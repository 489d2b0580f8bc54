/** What two OPENs allow together: whether the peer's is acceptable (RFC 4271 §6.2), and what the session then speaks. */

import { findCapability } from '../capability/registry.ts';
import { counterpartOf, type Role } from '../capability/role.ts';
import type { BgpError } from '../errors.ts';
import type { FamilyKey } from '../family/model.ts';
import { ipv4Unicast } from '../family/registry.ts';
import { afi, openSubcode } from '../iana.ts';
import type { Negotiated, OpenMessage, PeerType } from './model.ts';
import { openError } from './open.ts';

/** What the peer's OPEN is held against. */
export interface OpenExpectations {
  readonly localAsn: number;
  readonly localIdentifier: number;
  /** Left out: any AS number is taken. */
  readonly peerAsn?: number;
  /** RFC 7705 §4.2: numbers that are all our AS; the peer may have any of them. */
  readonly internalAsns?: readonly number[];
  /** Our role towards the peer (RFC 9234); left out: the peer's is not looked at. */
  readonly role?: Role;
  /** RFC 9234 §4.2 strict mode: a peer that names no role is refused. */
  readonly roleRequired?: boolean;
}

/** The AS number an OPEN speaks for: the four-octet capability's (RFC 6793 §4.1), else My Autonomous System. */
export function asnOf(open: OpenMessage): number {
  return findCapability(open.capabilities, 'four-octet-as')?.asn ?? open.myAs;
}

/** The first thing in the peer's OPEN that is not acceptable; undefined when all is. */
export function validateOpen(open: OpenMessage, expected: OpenExpectations): BgpError | undefined {
  const asn = asnOf(open);
  const { peerAsn, internalAsns = [] } = expected;
  const isInternal = internalAsns.includes(asn);
  // RFC 7607 §2: AS 0 in an OPEN is Bad Peer AS.
  if (asn === 0 || open.myAs === 0 || (peerAsn !== undefined && asn !== peerAsn && !isInternal)) {
    const wanted =
      peerAsn === undefined ? '' : `, expected ${internalAsns.length > 0 ? internalAsns.join(' or ') : peerAsn}`;
    return openError('BGP_OPEN_PEER_AS', `peer AS ${asn}${wanted}`, openSubcode.badPeerAs);
  }
  // RFC 6286 §2.2: zero, or our own from a peer in our own AS.
  const isOurs = open.identifier === expected.localIdentifier && (isInternal || asn === expected.localAsn);
  if (open.identifier === 0 || isOurs) {
    const text = `BGP Identifier ${open.identifier === 0 ? '0.0.0.0' : 'equal to ours'}`;
    return openError('BGP_OPEN_IDENTIFIER', text, openSubcode.badBgpIdentifier);
  }
  if (open.holdTimeSeconds === 1 || open.holdTimeSeconds === 2) {
    const text = `hold time of ${open.holdTimeSeconds} s`;
    return openError('BGP_OPEN_HOLD_TIME', text, openSubcode.unacceptableHoldTime);
  }
  const parameter = open.otherParameters?.[0];
  if (parameter !== undefined) {
    const text = `optional parameter ${parameter.type}`;
    return openError('BGP_OPEN_PARAMETER', text, openSubcode.unsupportedOptionalParameter, undefined, parameter.value);
  }
  return roleError(open, expected);
}

function roleError(open: OpenMessage, { role, roleRequired = false }: OpenExpectations): BgpError | undefined {
  if (role === undefined) return undefined;
  const theirs = rolesOf(open);
  const [peer] = theirs;
  const mismatch = (text: string): BgpError => openError('BGP_OPEN_ROLE', text, openSubcode.roleMismatch);
  if (peer === undefined) {
    return roleRequired ? mismatch(`the peer names no role, ${counterpartOf[role]} expected`) : undefined;
  }
  // RFC 9234 §4.2: several with the same value count as one, with different values are a Role Mismatch.
  if (theirs.length > 1) return mismatch(`the peer names the roles ${theirs.join(', ')}`);
  return peer === counterpartOf[role]
    ? undefined
    : mismatch(`the peer's role is ${peer}, ${counterpartOf[role]} expected`);
}

/** The different roles an OPEN names; a code that is no role is `unassigned`. */
function rolesOf(open: OpenMessage): (Role | 'unassigned')[] {
  const roles = open.capabilities.flatMap((capability) => (capability.kind === 'role' ? [capability.role] : []));
  return [...new Set(roles.map((role) => (typeof role === 'number' ? 'unassigned' : role)))];
}

export interface NegotiationOptions {
  /** Members of our confederation, by AS number (RFC 5065); `localAsn` is then our member AS. */
  readonly confederationMembers?: readonly number[];
  /** RFC 7705 §4.2: numbers that are all our AS. */
  readonly internalAsns?: readonly number[];
}

/** RFC 4760 §8: without a multiprotocol capability a speaker speaks IPv4 unicast. */
function familiesOf(open: OpenMessage): FamilyKey[] {
  const families = open.capabilities.flatMap((capability) =>
    capability.kind === 'multiprotocol' ? [capability.family] : [],
  );
  return families.length === 0 ? [ipv4Unicast.key] : [...new Set(families)];
}

function addPathFamilies(sender: OpenMessage, receiver: OpenMessage, families: readonly FamilyKey[]): FamilyKey[] {
  const sends = findCapability(sender.capabilities, 'add-path')?.families ?? [];
  const receives = findCapability(receiver.capabilities, 'add-path')?.families ?? [];
  return families.filter(
    (family) =>
      sends.some((entry) => entry.family === family && entry.send) &&
      receives.some((entry) => entry.family === family && entry.receive),
  );
}

/** What both OPENs together allow. `remote` has passed `validateOpen`. */
export function negotiate(local: OpenMessage, remote: OpenMessage, options: NegotiationOptions = {}): Negotiated {
  const both = (kind: 'route-refresh' | 'enhanced-route-refresh' | 'extended-message' | 'four-octet-as'): boolean =>
    findCapability(local.capabilities, kind) !== undefined && findCapability(remote.capabilities, kind) !== undefined;
  const localAsn = asnOf(local);
  const peerAsn = asnOf(remote);
  const theirs = familiesOf(remote);
  const families = familiesOf(local).filter((family) => theirs.includes(family));
  // RFC 4271 §4.2: "the smaller of its configured Hold Time and the Hold Time received"; §4.4: a third for KEEPALIVE.
  const holdTimeMs = Math.min(local.holdTimeSeconds, remote.holdTimeSeconds) * 1000;
  const role = roleOf(local);
  const peerRole = roleOf(remote);
  const ours = findCapability(local.capabilities, 'graceful-restart');
  const restart = ours && findCapability(remote.capabilities, 'graceful-restart');
  return {
    localAsn,
    peerAsn,
    peerType: peerTypeOf(localAsn, peerAsn, options),
    peerIdentifier: remote.identifier,
    holdTimeMs,
    keepaliveMs: Math.floor(holdTimeMs / 3),
    families,
    fourOctetAs: both('four-octet-as'),
    routeRefresh: both('route-refresh'),
    enhancedRouteRefresh: both('enhanced-route-refresh'),
    extendedMessages: both('extended-message'),
    addPathReceive: addPathFamilies(remote, local, families),
    addPathSend: addPathFamilies(local, remote, families),
    extendedNextHop: extendedNextHopFamilies(local, remote, families),
    ...(restart === undefined
      ? {}
      : {
          gracefulRestart: {
            restarting: restart.restarting,
            notification: ours?.notification === true && restart.notification,
            restartTimeMs: restart.restartTimeSeconds * 1000,
            families: restart.families,
          },
        }),
    // RFC 9494 §3.1: without the capability of RFC 4724 it "MUST be ignored".
    ...(restart === undefined ? {} : longLivedOf(local, remote)),
    ...(role === undefined ? {} : { role }),
    ...(peerRole === undefined ? {} : { peerRole }),
  };
}

/** RFC 8950 §4: in both OPENs, for an IPv6 next hop. */
function extendedNextHopFamilies(local: OpenMessage, remote: OpenMessage, families: readonly FamilyKey[]): FamilyKey[] {
  const offers = (open: OpenMessage, family: FamilyKey): boolean =>
    open.capabilities.some(
      (capability) =>
        capability.kind === 'extended-next-hop' &&
        capability.entries.some((entry) => entry.family === family && entry.nextHopAfi === afi.ipv6),
    );
  return families.filter((family) => offers(local, family) && offers(remote, family));
}

function longLivedOf(local: OpenMessage, remote: OpenMessage): Pick<Negotiated, 'longLivedGracefulRestart'> {
  const theirs = findCapability(remote.capabilities, 'long-lived-graceful-restart');
  if (theirs === undefined || findCapability(local.capabilities, 'long-lived-graceful-restart') === undefined)
    return {};
  const longLivedGracefulRestart = theirs.families.map(({ family, forwardingPreserved, staleTimeSeconds }) => ({
    family,
    forwardingPreserved,
    staleTimeMs: staleTimeSeconds * 1000,
  }));
  return { longLivedGracefulRestart };
}

function roleOf(open: OpenMessage): Role | undefined {
  const role = findCapability(open.capabilities, 'role')?.role;
  return typeof role === 'number' ? undefined : role;
}

function peerTypeOf(
  localAsn: number,
  peerAsn: number,
  { confederationMembers, internalAsns }: NegotiationOptions,
): PeerType {
  if (localAsn === peerAsn || internalAsns?.includes(peerAsn) === true) return 'ibgp';
  return confederationMembers?.includes(peerAsn) ? 'confederation' : 'ebgp';
}
