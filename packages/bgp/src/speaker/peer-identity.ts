/**
 * Who this speaker and a peer are to each other: the peer's type, the AS number that the session is opened with, and what
 * AS paths get in front (RFC 4271 §5.1.2, RFC 5065, RFC 7705, RFC 7947).
 */
import { parseAddress } from '../address.ts';
import type { PeerType } from '../attribute/descriptor.ts';
import type { ConfederationOptions, LocalAsOptions, PeerOptions } from './api.ts';

export interface SpeakerNumbers {
  readonly asn: number;
  readonly confederation?: ConfederationOptions | undefined;
  readonly longLivedPartialDeployment?: boolean;
}

export interface PeerIdentity {
  readonly type: PeerType;
  /** In our OPEN. */
  readonly localAsn: number;
  /** In our OPEN when the peer does not know us by `localAsn` (RFC 7705 §4.2). */
  readonly otherLocalAsn?: number;
  /** What is said for paths in both directions, where `localAsn` is another number than ours. */
  readonly localAs?: LocalAsOptions;
  /** In front of AS_PATH on the way to the peer. */
  readonly prepended: readonly number[];
}

/**
 * `openedAs`: our number in the session's OPEN, where there is a session. Throws `RangeError` for options that cannot hold
 * together; the text names the peer and the options. `AddressError`: no address.
 */
export function identifyPeer(peer: PeerOptions, numbers: SpeakerNumbers, openedAs?: number): PeerIdentity {
  const { asn, confederation } = numbers;
  checkPeer(peer, confederation);
  const type = typeOf(peer, numbers);
  const { localAs } = peer;
  if (type !== 'ebgp') {
    checkInside(peer, type);
    if (localAs !== undefined) return { type, ...internalNumbers(peer.asn, asn, localAs), prepended: [] };
    return { type, localAsn: asn, prepended: type === 'ibgp' ? [] : [asn] };
  }
  // RFC 5065 §4: towards the outside the confederation is one AS.
  const outer = confederation?.identifier ?? asn;
  const own = { type, localAsn: outer, prepended: isRouteServerClient(peer) ? [] : [outer] };
  if (localAs === undefined) return own;
  if (localAs.dual === true && openedAs === outer) return { ...own, otherLocalAsn: localAs.asn };
  const other = localAs.dual === true ? { otherLocalAsn: outer } : {};
  return { type, localAsn: localAs.asn, localAs, ...other, prepended: prependedOf(peer, localAs, outer) };
}

function prependedOf(peer: PeerOptions, { asn, replace }: LocalAsOptions, outer: number): readonly number[] {
  // RFC 7947 §2.2.2.1: "a route server SHOULD NOT prepend its own AS number".
  if (isRouteServerClient(peer)) return [];
  // RFC 7705 §3.2: the number of before stands in front of the real one.
  return replace === true ? [asn] : [asn, outer];
}

/** First the number that the peer has itself: it was set up when both were one AS. */
function internalNumbers(theirs: number, own: number, { asn }: LocalAsOptions) {
  return { localAsn: theirs, otherLocalAsn: theirs === own ? asn : own };
}

function typeOf({ asn, localAs }: PeerOptions, numbers: SpeakerNumbers): PeerType {
  if (asn === numbers.asn || (localAs?.dual === true && asn === localAs.asn)) return 'ibgp';
  return numbers.confederation?.members.includes(asn) === true ? 'confederation' : 'ebgp';
}

/** Options that only an eBGP peer can have. */
const externalOptions = ['role', 'localAs', 'routeServerClient', 'removePrivateAs'] as const;

/** Of each pair one at most. */
const exclusive: readonly (readonly [keyof PeerOptions, keyof PeerOptions])[] = [
  ['ttlSecurity', 'multihopTtl'],
  ['password', 'tcpAo'],
];

function checkInside(peer: PeerOptions, type: PeerType): void {
  const isMigrating = type === 'ibgp' && peer.localAs?.dual === true;
  const wrong = externalOptions.find(
    (name) => peer[name] !== undefined && peer[name] !== false && !(name === 'localAs' && isMigrating),
  );
  if (wrong !== undefined)
    throw new RangeError(`peer ${peer.address}: ${wrong} is for eBGP peers, this one is ${type}`);
}

function checkPeer(peer: PeerOptions, confederation: ConfederationOptions | undefined): void {
  const wrong = (text: string): RangeError => new RangeError(`peer ${peer.address}: ${text}`);
  // RFC 7607 §2.
  if (peer.asn === 0 || peer.localAs?.asn === 0) throw wrong('AS number 0 is nobody');
  if (confederation !== undefined && peer.asn === confederation.identifier) {
    throw wrong(`AS ${peer.asn} is our own confederation; its members are named by their member AS`);
  }
  if (peer.localAs?.asn === peer.asn && peer.localAs.dual !== true) {
    throw wrong(`localAs ${peer.asn} is the peer's own AS number`);
  }
  for (const [one, other] of exclusive) {
    if (peer[one] !== undefined && peer[other] !== undefined) throw wrong(`${one} and ${other} exclude each other`);
  }
  const paths = peer.addPath?.send;
  if (typeof paths === 'number' && !(Number.isInteger(paths) && paths >= 1)) {
    throw wrong(`addPath.send ${paths}: expected true, false, or 1 and more paths`);
  }
  for (const address of peer.nextHopAddresses ?? []) parseAddress(address);
  const hops = peer.ttlSecurity;
  if (hops !== undefined && !(Number.isInteger(hops) && hops >= 1 && hops <= 254)) {
    throw wrong(`ttlSecurity ${hops}: expected 1 to 254 hops`);
  }
}

export function isRouteServerClient({ routeServerClient = false }: PeerOptions): boolean {
  return routeServerClient !== false;
}
