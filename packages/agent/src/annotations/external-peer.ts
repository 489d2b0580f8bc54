/** One external peer as it is configured, wherever it was read: annotations of both generations and flags. */
import type { AddPathOptions, BfdPeerOptions, PolicyStatement, PrefixLimit } from '@routelet/bgp';
import type { Secret } from '../options/secret.ts';
import type { PathPrepend } from './node.ts';

export interface ExternalPeer {
  /** Canonical address of the neighbour. */
  readonly address: string;
  readonly asn: number;
  /** 179 when left out. */
  readonly port?: number;
  /** Canonical address to connect from. */
  readonly localAddress?: string;
  /** RFC 2385 key, decoded. */
  readonly password?: Secret;
  readonly bfd?: BfdPeerOptions;
  /** What is left out here and below: as the flags say for all peers. */
  readonly holdTimeMs?: number;
  readonly multihopTtl?: number;
  readonly ttlSecurity?: number;
  readonly gracefulRestart?: boolean;
  readonly longLivedStaleMs?: number;
  readonly addPath?: AddPathOptions;
  readonly prefixLimit?: PrefixLimit;
  /** Put in front of the statements of every peer; what none of them decides goes on to those. */
  readonly importFilter?: readonly FilterRule[];
  readonly exportFilter?: readonly FilterRule[];
  readonly pathPrepend?: PathPrepend;
  readonly nextHopSelf?: boolean;
  readonly communities?: readonly string[];
  readonly largeCommunities?: readonly string[];
  readonly extendedCommunities?: readonly string[];
  /** Of what the peer sends. */
  readonly localPreference?: number;
}

/** The first rule that a route matches decides; one without conditions matches all. */
export interface FilterRule {
  readonly verdict: 'accept' | 'reject';
  readonly match: PolicyStatement['match'];
}
