import type { FlagValues } from './registry.ts';
import type { Secret } from './secret.ts';

/** An external peer given by --peer-router-*. */
export interface RouterPeer {
  readonly address: string;
  readonly asn: number;
  readonly port: number;
  /** MD5 password, decoded. */
  readonly password?: Secret;
}

/** The typed and validated command line, all defaults resolved (`clusterAsn` is never 0). */
export interface AgentOptions extends Omit<FlagValues, PeerFlagKey> {
  /** Made of the --peer-router-* flags. */
  readonly routerPeers: readonly RouterPeer[];
}

/** Flags that are handed over as `routerPeers`. */
export type PeerFlagKey =
  | 'peerRouterIps'
  | 'peerRouterAsns'
  | 'peerRouterPorts'
  | 'peerRouterPasswords'
  | 'peerRouterPasswordsFile';
