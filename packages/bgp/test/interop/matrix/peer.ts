/** What the matrix asks of an implementation: how it is configured, started and what its client says. */
import type { Daemon, DaemonKind, DaemonSetup } from '../daemons.ts';
import type { PeerNamespace } from './namespace.ts';

export type PeerName = 'bird' | 'frr' | 'gobgp' | 'exabgp' | 'openbgpd';

export const peerNames: readonly PeerName[] = ['bird', 'frr', 'gobgp', 'exabgp', 'openbgpd'];

export type Family = 'ipv4' | 'ipv6';

/** Lines of a daemon's configuration, put where the name says. */
export interface Fragment {
  /** Of the whole router. */
  readonly router?: string;
  /** Of the neighbour. */
  readonly neighbor?: string;
  /** Of the neighbour's address families. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** After all else: filters and the like; where the daemon wants them first, they come first. */
  readonly policy?: string;
}

/** One neighbour and what is originated for it: 203.0.113.0/24 and 2001:db8:b::/48. */
export interface PeerSetup extends DaemonSetup {
  readonly families: readonly Family[];
  readonly fragment: Fragment;
  /** Further neighbours, with the same configuration but their own address and AS number. */
  readonly others: readonly { readonly address: string; readonly asn: number }[];
  /** It comes back after a crash, where the daemon wants to be told. */
  readonly recovering: boolean;
}

/** A path in the daemon's table as its client shows it. */
export interface SeenPath {
  readonly best: boolean;
  readonly nextHop: string;
  /** Segments as the client writes them, confederation segments in parentheses. */
  readonly asPath: string;
  readonly med?: number | undefined;
  readonly localPreference?: number | undefined;
  readonly communities: readonly string[];
  /** `rt:65001:100` */
  readonly extendedCommunities: readonly string[];
  readonly largeCommunities: readonly string[];
  readonly originatorId?: string | undefined;
  readonly clusterList: readonly string[];
  readonly stale: boolean;
}

/** A daemon that runs in a namespace. */
export interface RunningPeer {
  readonly daemon: Daemon;
  readonly setup: PeerSetup;
  readonly namespace: PeerNamespace;
}

export interface PeerImplementation {
  readonly title: string;
  kind(namespace: PeerNamespace): Omit<DaemonKind, 'files' | 'command'> & {
    files(setup: PeerSetup, folder: string): Record<string, string>;
    command(setup: PeerSetup, folder: string): readonly string[];
  };
  /** Programs that stand beside it and stay when it is restarted. */
  companions?(namespace: PeerNamespace): Promise<void>;
  /** All that its client says of the routes to a prefix. */
  route(peer: RunningPeer, prefix: string): Promise<string>;
  /** Paths learned for a prefix, the best among them marked. */
  paths(peer: RunningPeer, prefix: string): Promise<readonly SeenPath[]>;
  /** Everything its client says about the session with us. */
  neighbor(peer: RunningPeer): Promise<string>;
  /** A command of its client. */
  ask(peer: RunningPeer, ...command: string[]): Promise<string>;
}
