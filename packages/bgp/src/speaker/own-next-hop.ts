/**
 * The address that this speaker gives as its own next hop (RFC 4271 §5.1.3) in a session, for each family: the session's
 * own where that is one of the family, else what is configured or what the session's interface has.
 */
import { parseAddress } from '../address.ts';
import type { LocalInterface } from '../ports.ts';
import { isLinkLocal } from '../table/next-hop.ts';

export interface NextHopSources {
  /** This side's address of the session, and the peer's, without a zone. */
  readonly localAddress: string;
  readonly peerAddress: string;
  /** The user's `nextHopAddresses`. */
  readonly configured: readonly string[];
  /** Asked only for what is not known otherwise. */
  readonly localInterface: () => LocalInterface | undefined;
}

/** 4 bytes; undefined: there is none. */
export function ownIpv4NextHop({ localAddress, configured, localInterface }: NextHopSources): Uint8Array | undefined {
  const known = [...configured, localAddress].map(parseAddress).find(isIpv4);
  return (
    known ??
    localInterface()
      ?.addresses.map(({ address }) => parseAddress(address))
      .find(isIpv4)
  );
}

/**
 * 16 bytes, or 32 where a link-local address goes with it: RFC 2545 §3 wants that when the peer is on the same subnet. A
 * session that has link-local addresses only gives that one in both places. Undefined: there is no IPv6 address.
 */
export function ownIpv6NextHop(sources: NextHopSources): Uint8Array | undefined {
  const { localAddress, peerAddress, configured } = sources;
  const known = [...configured, localAddress].map(parseAddress).filter((address) => !isIpv4(address));
  const link = sources.localInterface();
  const others = (link?.addresses ?? []).map(({ address }) => parseAddress(address)).filter((each) => !isIpv4(each));
  const all = [...known, ...others];
  const global = all.find((address) => !isLinkLocal(address, 0));
  const shared = link !== undefined && isOnLink(link, parseAddress(peerAddress));
  const linkLocal = (shared ? all : known).find((address) => isLinkLocal(address, 0));
  if (linkLocal === undefined) return global;
  const both = new Uint8Array(32);
  both.set(global ?? linkLocal);
  both.set(linkLocal, 16);
  return both;
}

function isIpv4(address: Uint8Array): boolean {
  return address.length === 4;
}

function isOnLink({ addresses }: LocalInterface, peer: Uint8Array): boolean {
  if (isLinkLocal(peer, 0)) return true;
  return addresses.some(({ address, length }) => {
    const own = parseAddress(address);
    return own.length === peer.length && sharesPrefix(own, peer, length);
  });
}

function sharesPrefix(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let bit = 0; bit < length; bit += 8) {
    const mask = length - bit >= 8 ? 0xff : (0xff00 >> (length - bit)) & 0xff;
    if ((((a[bit >> 3] ?? 0) ^ (b[bit >> 3] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}
