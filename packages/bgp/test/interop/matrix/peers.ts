/** The implementations, in the order of the table's columns. */
import type { PeerImplementation, PeerName } from './peer.ts';
import { birdPeer } from './peers/bird.ts';
import { exabgpPeer } from './peers/exabgp.ts';
import { frrPeer } from './peers/frr.ts';
import { gobgpPeer } from './peers/gobgp.ts';
import { openbgpdPeer } from './peers/openbgpd.ts';

export const peers: { readonly [P in PeerName]: PeerImplementation } = {
  bird: birdPeer,
  frr: frrPeer,
  gobgp: gobgpPeer,
  exabgp: exabgpPeer,
  openbgpd: openbgpdPeer,
};
