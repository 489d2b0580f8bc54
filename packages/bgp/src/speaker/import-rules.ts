/**
 * What BGP itself makes of a peer's routes on their way in, before import policy: which are refused (RFC 4271 §6.3,
 * RFC 9774), which are no candidates (loops with allowances, RFC 9234 leaks), and what is added to the others (RFC 7705,
 * RFC 9234).
 */
import type { AsPath } from '../attribute/as-path.ts';
import type { PeerType } from '../attribute/descriptor.ts';
import { importOtc } from '../attribute/only-to-customer.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { Role } from '../capability/role.ts';
import { prependAs } from '../policy/actions.ts';
import { factFlag, firstAs } from '../table/attribute-facts.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import type { PeerOptions } from './api.ts';
import type { PeerIdentity, SpeakerNumbers } from './peer-identity.ts';

export interface ImportRules {
  readonly type: PeerType;
  readonly peerAsn: number;
  readonly enforceFirstAs: boolean;
  readonly allowAsSets: boolean;
  /** How often each of `own` may stand in a path. */
  readonly allowOwnAs: number;
  /** Our numbers, those that a loop comes back with. */
  readonly own: readonly number[];
  /** Our number towards this peer, where it is another one than towards the rest (RFC 7705). */
  readonly localAsn: number | undefined;
  /** Goes in front of received paths. */
  readonly prepended: number | undefined;
  readonly role: Role | undefined;
  /** RFC 8326: traffic is to leave the session. */
  readonly gracefulShutdown: boolean;
  /** RFC 9494 §4.6: long-lived stale routes have LOCAL_PREF 0. */
  readonly longLivedLast: boolean;
}

export function importRulesOf(
  peer: PeerOptions,
  { type, localAsn, localAs }: PeerIdentity,
  { asn, confederation, longLivedPartialDeployment }: SpeakerNumbers,
): ImportRules {
  const own = [asn, ...(confederation === undefined ? [] : [confederation.identifier])];
  return {
    type,
    peerAsn: peer.asn,
    enforceFirstAs: peer.enforceFirstAs === true && type !== 'ibgp',
    allowAsSets: peer.allowAsSets === true,
    allowOwnAs: peer.allowOwnAs ?? 0,
    own: own.includes(localAsn) ? own : [...own, localAsn],
    localAsn: localAs?.asn,
    prepended: localAs !== undefined && localAs.prepend !== false ? localAs.asn : undefined,
    role: type === 'ebgp' ? peer.role : undefined,
    gracefulShutdown: type === 'ebgp' && peer.gracefulShutdown === true,
    longLivedLast: longLivedPartialDeployment === true,
  };
}

/** Why routes with these attributes are withdrawn (RFC 7606 treat-as-withdraw); undefined when they are taken. */
export function refusalOf(store: AttributeStore, id: number, rules: ImportRules): string | undefined {
  // RFC 9774 §3: "Upon receipt of an UPDATE with AS_SET or AS_CONFED_SET, treat-as-withdraw".
  if (!rules.allowAsSets && (store.flagsOf(id) & factFlag.asSet) !== 0) return 'AS_PATH: an AS_SET (RFC 9774 §3)';
  if (!rules.enforceFirstAs) return undefined;
  const first = firstAs(store.bytesOf(id));
  return first === rules.peerAsn ? undefined : `AS_PATH: ${first} comes first, not ${rules.peerAsn} (RFC 4271 §6.3)`;
}

/** Bits of `factFlag` that are no obstacle by themselves for the peer's routes; `adjust` looks closer then. */
export function allowedFacts({ allowOwnAs }: ImportRules): number {
  return allowOwnAs > 0 ? factFlag.asLoop : 0;
}

/** Whether attributes with these facts have to go through `adjust`. */
export function needsAdjusting(flags: number, { allowOwnAs, localAsn, role }: ImportRules): boolean {
  if (localAsn !== undefined || (allowOwnAs > 0 && (flags & factFlag.asLoop) !== 0)) return true;
  // From below a route without OTC stays as it is.
  if (role === 'provider' || role === 'rs') return (flags & factFlag.hasOnlyToCustomer) !== 0;
  return role !== undefined;
}

/**
 * RFC 8326 §4.1, §4.3: routes with the community from another AS, and all of a session that we shut down ourselves;
 * RFC 9494 §4.6: those that are long-lived stale where they come from.
 */
export function isDrained(flags: number, { type, gracefulShutdown, longLivedLast }: ImportRules): boolean {
  if (longLivedLast && (flags & factFlag.llgrStale) !== 0) return true;
  return gracefulShutdown || (type === 'ebgp' && (flags & factFlag.gracefulShutdown) !== 0);
}

/** The attributes that import policy sees; undefined when the route is no candidate. */
export function adjust(attributes: PathAttributes, rules: ImportRules): PathAttributes | undefined {
  const path = attributes.asPath ?? [];
  if (rules.own.some((asn) => occurrences(path, asn) > rules.allowOwnAs)) return undefined;
  let adjusted = attributes;
  if (rules.role !== undefined) {
    const verdict = importOtc(attributes.onlyToCustomer, rules.role, rules.peerAsn);
    if (verdict.leak) return undefined;
    if (verdict.otc !== undefined) adjusted = { ...adjusted, onlyToCustomer: verdict.otc };
  }
  // RFC 7705 §3.2: as if the routes came through the AS of before.
  if (rules.prepended !== undefined) adjusted = { ...adjusted, asPath: prependAs(path, rules.prepended, 1) };
  return adjusted;
}

function occurrences(path: AsPath, asn: number): number {
  let count = 0;
  for (const { asns } of path) for (const each of asns) if (each === asn) count += 1;
  return count;
}
