/** RFC 7999: routes that ask for traffic to be discarded, as a statement of an import policy. */
import { wellKnownCommunity } from '../iana.ts';
import type { PolicyStatement, PrefixRange } from './model.ts';

export interface BlackholeOptions {
  /** Prefixes that the neighbour is authorized to announce; a blackhole route lies inside of one (RFC 7999 §3.3). */
  readonly prefixes: readonly string[];
  /** Shortest prefix that may be discarded, by family; host routes when left out ("as long as possible", §3.3). */
  readonly shortest?: { readonly ipv4?: number; readonly ipv6?: number };
  /** An address that this network discards traffic to, by family. */
  readonly nextHop?: { readonly ipv4?: string; readonly ipv6?: string };
}

/**
 * Accepts what is marked with BLACKHOLE and lies inside of `prefixes`, and keeps it inside the AS (§3.2: "SHOULD add the
 * NO_ADVERTISE or NO_EXPORT community"). To be put in front of statements that refuse long prefixes.
 */
export function blackholeStatement({ prefixes, shortest = {}, nextHop = {} }: BlackholeOptions): PolicyStatement {
  const ranges = prefixes.map((prefix): PrefixRange => {
    const ipv6 = prefix.includes(':');
    const most = ipv6 ? 128 : 32;
    const own = Number(prefix.split('/')[1]);
    return { prefix, ge: Math.max(own, (ipv6 ? shortest.ipv6 : shortest.ipv4) ?? most), le: most };
  });
  const addresses = [nextHop.ipv4, nextHop.ipv6].filter((address) => address !== undefined);
  return {
    name: 'RFC 7999 blackhole',
    match: { communities: [wellKnownCommunity.blackhole], prefixes: ranges },
    actions: [
      { kind: 'add-communities', communities: [wellKnownCommunity.noExport] },
      ...addresses.map((address) => ({ kind: 'set-next-hop' as const, address })),
    ],
    verdict: 'accept',
  };
}
