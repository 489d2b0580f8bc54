/** A route as policy sees it. */
import type { PeerType } from '../attribute/descriptor.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { PrefixWords } from './prefix-set.ts';

/** The peer that a route came from (import) or goes to (export). */
export interface PolicyPeer {
  readonly neighbor: string;
  readonly peerType: PeerType;
}

export interface PolicyRoute extends PrefixWords, PolicyPeer {
  readonly attributes: PathAttributes;
  /** 4, 16 or 32 bytes (RFC 2545 §3: global, link-local); undefined while it is still to be set. */
  readonly nextHop: Uint8Array | undefined;
  readonly source: 'local' | PeerType;
}
