/**
 * What the top-of-rack routers of the lab have in common, whichever daemon plays them: their peers, the prefixes they
 * announce, and a view of what they learned that is read from the daemon itself.
 */
import type { LabNode } from './node.ts';
import type { LabProcess } from './process.ts';

export interface TorNeighbor {
  readonly address: string;
  readonly as: number;
  /** TCP MD5 password (RFC 2385); none when left out. */
  readonly password?: string;
  /** Next hops for this neighbor of BIRD in place of those of all. */
  readonly nextHop4?: string;
  readonly nextHop6?: string;
  /** Lines of BIRD's protocol for this neighbor, as `ttl security on;`. */
  readonly options?: readonly string[];
}

export interface TorConfig {
  readonly routerId: string;
  readonly as: number;
  readonly neighbors: readonly TorNeighbor[];
  /** Prefixes it announces, of both families. */
  readonly announces: readonly string[];
  /** Its own addresses towards the nodes: the next hops of what it announces, also of the family that is not the session's. */
  readonly nextHop4?: string;
  readonly nextHop6?: string;
  /** BIRD hands on what it learned, too. */
  readonly transit?: boolean;
  /** BIRD restarts gracefully, its kernel routes included; as helper all of them serve in any case. */
  readonly gracefulRestart?: boolean;
  /** Whole protocols of BIRD beside those, as `protocol bfd { … }`. */
  readonly protocols?: readonly string[];
}

export interface TorRoute {
  readonly prefix: string;
  readonly nextHop: string;
  /** AS_PATH, the nearest AS first. */
  readonly asPath: readonly number[];
}

export interface Tor {
  readonly kind: 'BIRD' | 'FRR' | 'GoBGP';
  readonly node: LabNode;
  readonly process: LabProcess;
  /** State of the session with a neighbor, in the daemon's own word, lower case: `established`, `active`, `idle`. */
  sessionState(neighbor: string): Promise<string>;
  /** Routes learned from neighbors, all families, in order of prefix. */
  routes(): Promise<readonly TorRoute[]>;
}

export function isIPv6Prefix(prefix: string): boolean {
  return prefix.includes(':');
}

export function byPrefix(a: TorRoute, b: TorRoute): number {
  return a.prefix < b.prefix ? -1 : Number(a.prefix > b.prefix);
}
