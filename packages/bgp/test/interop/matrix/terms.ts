/** How the two sides of one session of the matrix are set up: all that a cell needs to know of its feature. */
import type { PeerOptions, SpeakerOptions } from '../../../src/speaker/api.ts';
import type { Family } from './peer.ts';

/** What a feature asks of the two sides before anything happens. */
export interface Terms {
  readonly name: string;
  /** Left out: IPv4 unicast over IPv4, AS 65001 here and AS 65002 there. */
  readonly families?: readonly Family[];
  readonly transport?: Family;
  readonly asn?: number;
  readonly peerAsn?: number;
  readonly ours?: { readonly speaker?: Partial<SpeakerOptions>; readonly peer?: Partial<PeerOptions> };
  /** Our side starts with these options of its peer instead: what the peer has to refuse before `drive` puts them right. */
  readonly first?: (options: PeerOptions) => PeerOptions;
  /** Both sides know it. */
  readonly password?: string;
  /** AS numbers of speakers on our end that also have a session with the peer. */
  readonly feedersOfPeer?: readonly number[];
}
