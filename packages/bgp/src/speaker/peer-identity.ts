/**
 * Who this speaker and a peer are to each other: the peer's type, the AS number that the session is opened with, and what
 * AS paths get in front (RFC 4271 §5.1.2, RFC 5065, RFC 7705, RFC 7947).
 */
import { parseAddress } from '../address.ts';
import type { PeerType } from '../attribute/descriptor.ts';
import type { ConfederationOptions, PeerOptions } from './api.ts';

export interface SpeakerNumbers {
  readonly asn: number;
  readonly confederation?: ConfederationOptions | undefined;
  readonly longLivedPartialDeployment?: boolean;
}

export interface PeerIdentity {
  readonly type: PeerType;
  /** In our OPEN. */
  readonly localAsn: number;
  /** In front of AS_PATH on the way to the peer. */
  readonly prepended: readonly number[];
}

/** Throws `RangeError` for options that cannot hold together; the text names the peer and the options. `AddressError`: no address. */
export function identifyPeer(peer: PeerOptions, numbers: SpeakerNumbers): PeerIdentity {
  const { asn, confederation } = numbers;
  checkPeer(peer, confederation);
  const type = typeOf(peer, numbers);
  if (type !== 'ebgp') {
    checkInside(peer, type);
    return { type, localAsn: asn, prepended: type === 'ibgp' ? [] : [asn] };
  }
  // RFC 5065 §4: towards the outside the confederation is one AS.
  const outer = confederation?.identifier ?? asn;
  const { localAs } = peer;
  const localAsn = localAs?.asn ?? outer;
  // RFC 7947 §2.2.2.1: "a route server SHOULD NOT prepend its own AS number".
  if (isRouteServerClient(peer)) return { type, localAsn, prepended: [] };
  if (localAs === undefined || localAs.replace === true) return { type, localAsn, prepended: [localAsn] };
  // RFC 7705 §3.2: the number of before stands in front of the real one.
  return { type, localAsn, prepended: [localAsn, outer] };
}

function typeOf({ asn }: PeerOptions, numbers: SpeakerNumbers): PeerType {
  if (asn === numbers.asn) return 'ibgp';
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
  const wrong = externalOptions.find((name) => peer[name] !== undefined && peer[name] !== false);
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
  if (peer.localAs?.asn === peer.asn) throw wrong(`localAs ${peer.asn} is the peer's own AS number`);
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
