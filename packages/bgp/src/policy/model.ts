import type { LargeCommunity } from '../attribute/large-communities.ts';

/** A prefix and how much longer it may be: `{ prefix: '10.0.0.0/8', ge: 8, le: 32 }`. Without bounds it matches exactly. */
export interface PrefixRange {
  readonly prefix: string;
  readonly ge?: number;
  readonly le?: number;
}

/** All given conditions must hold; a list holds when one of its entries does. An empty list never holds. */
export interface PolicyMatch {
  readonly prefixes?: readonly PrefixRange[];
  /** Peer addresses: the peer the route came from (import) or goes to (export). */
  readonly neighbors?: readonly string[];
  readonly peerType?: 'ibgp' | 'ebgp';
  readonly source?: 'local' | 'ibgp' | 'ebgp';
  readonly communities?: readonly number[];
  readonly largeCommunities?: readonly LargeCommunity[];
  readonly extendedCommunities?: readonly bigint[];
}

export type PolicyAction =
  | { readonly kind: 'prepend'; readonly asn: number; readonly count: number }
  | { readonly kind: 'add-communities'; readonly communities: readonly number[] }
  | { readonly kind: 'add-large-communities'; readonly communities: readonly LargeCommunity[] }
  | { readonly kind: 'set-local-preference'; readonly value: number }
  | { readonly kind: 'set-med'; readonly value: number }
  | { readonly kind: 'next-hop-self' };

export interface PolicyStatement {
  readonly name: string;
  readonly match: PolicyMatch;
  readonly actions?: readonly PolicyAction[];
  /** Without a verdict the actions are applied and the next statement is looked at. */
  readonly verdict?: 'accept' | 'reject';
}

/** Statements in order; the first verdict decides, `defaultVerdict` when none did. */
export interface PolicyChain {
  readonly name: string;
  readonly statements: readonly PolicyStatement[];
  readonly defaultVerdict: 'accept' | 'reject';
}
