/** Keeps the metrics of the peers: the state of one at each of its changes, all of them when the set of peers changes. */
import type { PeerStatus } from '@routelet/bgp';
import type { Metrics } from '../metrics/registry.ts';

interface Labels {
  readonly address: string;
  readonly type: 'internal' | 'external';
  readonly asn: string;
  readonly state: string;
}

export class PeerMetrics {
  readonly #metrics: Metrics;
  readonly #labels = new Map<string, Labels>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** O(1): a mesh of thousands of sessions comes up at once. */
  changed(address: string, state: string): void {
    this.#metrics.bgpSessionStateChanges.inc({ address, to: state });
    const labels = this.#labels.get(address);
    if (!labels) return;
    this.#metrics.bgpPeerInfo.remove({ ...labels });
    this.#set({ ...labels, state });
  }

  replaceAll(peers: readonly PeerStatus[], external: (address: string) => boolean): void {
    this.#metrics.bgpPeerInfo.reset();
    this.#metrics.bgpPeerPrefixes.reset();
    this.#labels.clear();
    for (const { address, asn, state, prefixesAccepted, prefixesSent } of peers) {
      this.#set({ address, type: external(address) ? 'external' : 'internal', asn: String(asn), state });
      this.#metrics.bgpPeerPrefixes.set({ address, direction: 'accepted' }, prefixesAccepted);
      this.#metrics.bgpPeerPrefixes.set({ address, direction: 'sent' }, prefixesSent);
    }
  }

  #set(labels: Labels): void {
    this.#labels.set(labels.address, labels);
    this.#metrics.bgpPeerInfo.set({ ...labels }, 1);
  }
}
