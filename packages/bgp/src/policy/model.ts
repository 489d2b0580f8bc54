/** Policy as plain data: what people write, keep in files and send over the wire. `compilePolicy` makes functions of it. */
import type { PeerType } from '../attribute/descriptor.ts';
import type { LargeCommunity } from '../attribute/large-communities.ts';
import type { Origin } from '../attribute/origin.ts';
import type { FamilyName } from '../family/registry.ts';

/** A prefix and how much longer it may be: `{ prefix: '10.0.0.0/8', ge: 8, le: 32 }`. Without bounds it matches exactly. */
export interface PrefixRange {
  readonly prefix: string;
  readonly ge?: number;
  readonly le?: number;
}

/** Both ends belong to it; an end left out is open. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** All given conditions must hold; a list holds when one of its entries does. An empty list never holds. */
export interface PolicyMatch {
  readonly prefixes?: readonly PrefixRange[];
  /** Name of one of the chain's `prefixSets`. */
  readonly prefixSet?: string;
  readonly families?: readonly FamilyName[];
  /** The peer the route came from (import) or goes to (export): addresses, or prefixes they are in. */
  readonly neighbors?: readonly string[];
  readonly peerType?: PeerType;
  readonly source?: 'local' | PeerType;
  /** Patterns over the AS numbers of AS_PATH, as `^65001 .* (1|2)$`; see `as-path-pattern.ts`. */
  readonly asPath?: readonly string[];
  /** Length as route selection counts it. */
  readonly pathLength?: NumberRange;
  readonly origins?: readonly Origin[];
  /** Next hops as prefixes of 32 or 128 bits. A route whose next hop is still to be set has none. */
  readonly nextHops?: readonly PrefixRange[];
  /** A route without the attribute is outside of every range. */
  readonly med?: NumberRange;
  readonly localPreference?: NumberRange;
  /** Numbers, or patterns: `65001:*`, `65001:100-199`, `no-export`. */
  readonly communities?: readonly (number | string)[];
  /** `65001:*:3` */
  readonly largeCommunities?: readonly (LargeCommunity | string)[];
  /** `rt:65001:*` (route target), `ro:…` (route origin), `lb:…` (link bandwidth); `0x0002fde900000064`. */
  readonly extendedCommunities?: readonly (bigint | string)[];
}

export type PolicyAction =
  | { readonly kind: 'prepend'; readonly asn: number; readonly count: number }
  /** In place of all there are. Texts as in `PolicyMatch`, without wildcards. */
  | { readonly kind: 'set-communities'; readonly communities: readonly (number | string)[] }
  | { readonly kind: 'add-communities'; readonly communities: readonly (number | string)[] }
  /** Those that match. */
  | { readonly kind: 'delete-communities'; readonly communities: readonly (number | string)[] }
  | { readonly kind: 'set-large-communities'; readonly communities: readonly (LargeCommunity | string)[] }
  | { readonly kind: 'add-large-communities'; readonly communities: readonly (LargeCommunity | string)[] }
  | { readonly kind: 'delete-large-communities'; readonly communities: readonly (LargeCommunity | string)[] }
  | { readonly kind: 'set-extended-communities'; readonly communities: readonly (bigint | string)[] }
  | { readonly kind: 'add-extended-communities'; readonly communities: readonly (bigint | string)[] }
  | { readonly kind: 'delete-extended-communities'; readonly communities: readonly (bigint | string)[] }
  | { readonly kind: 'set-origin'; readonly origin: Origin }
  | { readonly kind: 'set-local-preference'; readonly value: number }
  | { readonly kind: 'set-med'; readonly value: number }
  | { readonly kind: 'delete-med' }
  /** For routes of the address's own family; others stay as they are. It goes to eBGP peers, too. */
  | { readonly kind: 'set-next-hop'; readonly address: string }
  | { readonly kind: 'next-hop-self' }
  /** The next hop goes to an eBGP peer as it is (RFC 4271 §5.1.3, third party). */
  | { readonly kind: 'next-hop-unchanged' };

export interface PolicyStatement {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly actions?: readonly PolicyAction[];
  /** Name of one of the chain's `subchains`, gone through after the actions and before `verdict`. */
  readonly jump?: string;
  /** Without a verdict the actions are applied and the next statement is looked at. */
  readonly verdict?: 'accept' | 'reject';
}

/** Statements that others jump to. Without a default verdict the way goes back to behind the jump. */
export interface PolicySubchain {
  readonly statements: readonly PolicyStatement[];
  readonly defaultVerdict?: 'accept' | 'reject';
}

/** Statements in order; the first verdict decides, `defaultVerdict` when none did. */
export interface PolicyChain {
  readonly name: string;
  readonly statements: readonly PolicyStatement[];
  readonly defaultVerdict: 'accept' | 'reject';
  readonly prefixSets?: Readonly<Record<string, readonly PrefixRange[]>>;
  readonly subchains?: Readonly<Record<string, PolicySubchain>>;
}
