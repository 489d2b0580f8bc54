/**
 * Puts peers into groups with one Adj-RIB-Out each: all that decides what a peer is told, and in which form, is the
 * group's key. Peers that differ only in policy conditions about themselves share a group when the outcome is the same.
 */
import { parseAddress } from '../address.ts';
import { ipv4Unicast } from '../family/registry.ts';
import type { Negotiated } from '../message/model.ts';
import { maximumBytesOf } from '../message/update.ts';
import { AdjRibOut, type ExportMember } from '../table/adj-rib-out.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import { ExportTransform } from '../table/export-transform.ts';
import type { PeerColumn } from '../table/peer-column.ts';
import type { Rib } from '../table/rib.ts';
import type { RegisteredPolicy } from './policy-registry.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the form of a peer's routes depends on. */
export interface ExportPeer {
  readonly address: string;
  readonly type: 'ibgp' | 'ebgp';
  readonly routeReflectorClient: boolean;
  readonly nextHopSelf: boolean;
  readonly exportPolicy: RegisteredPolicy | undefined;
  readonly negotiated: Negotiated;
  /** This side's address of the session. */
  readonly localAddress: string;
}

export interface ExportGroup {
  readonly key: string;
  readonly out: AdjRibOut;
  readonly wake: () => void;
}

export interface ExportGroupsOptions {
  readonly asn: number;
  readonly clusterId: number;
  readonly attributes: AttributeStore;
  readonly peers: PeerColumn;
  readonly queue: WorkQueue;
  readonly unsendable: (rib: Rib, prefixes: readonly number[]) => void;
}

export class ExportGroups {
  readonly #options: ExportGroupsOptions;
  readonly #groups = new Map<string, ExportGroup>();

  constructor(options: ExportGroupsOptions) {
    this.#options = options;
  }

  /** Puts the peer into the group it belongs to; `before`: the one it is in now. */
  join(rib: Rib, peer: ExportPeer, member: ExportMember, before?: ExportGroup): ExportGroup {
    const key = keyOf(rib, peer);
    if (before?.key === key) return before;
    const group = this.#groups.get(key) ?? this.#open(key, rib, peer);
    group.out.join(member, before?.out);
    if (before !== undefined) this.leave(before, member.peer);
    return group;
  }

  leave(group: ExportGroup, peer: number): void {
    group.out.leave(peer);
    if (!group.out.isEmpty) return;
    this.#groups.delete(group.key);
    this.#options.queue.add(() => group.out.close());
  }

  /** Lets all groups see whether there is something to do. */
  wake(): void {
    for (const { wake } of this.#groups.values()) wake();
  }

  #open(key: string, rib: Rib, peer: ExportPeer): ExportGroup {
    const { asn, clusterId, attributes, peers, queue, unsendable } = this.#options;
    const plain = rib.family === ipv4Unicast.key;
    const local = parseAddress(peer.localAddress);
    const transform = new ExportTransform({
      attributes,
      peers,
      prefixes: rib.prefixes,
      policy: peer.exportPolicy?.policy,
      neighbor: peer.address,
      clients: peer.routeReflectorClient,
      clusterId,
      fourOctetAs: peer.negotiated.fourOctetAs,
      view: {
        localAsn: asn,
        peerType: peer.type,
        nextHopAttribute: plain,
        // A session over the other family's transport has no address of ours to give (RFC 8950 is not negotiated).
        localAddress: local.length === rib.prefixes.words * 4 ? local : undefined,
        nextHopSelf: peer.nextHopSelf,
      },
    });
    const flush = (): boolean => out.flush();
    const wake = (): void => queue.add(flush);
    const out = new AdjRibOut({
      rib,
      attributes,
      peers,
      transform,
      maximumMessageBytes: maximumBytesOf(peer.negotiated),
      wake,
      unsendable: (prefixes) => unsendable(rib, prefixes),
    });
    const group = { key, out, wake };
    this.#groups.set(key, group);
    return group;
  }
}

function keyOf(rib: Rib, peer: ExportPeer): string {
  const { exportPolicy, negotiated } = peer;
  return JSON.stringify([
    rib.family,
    peer.type,
    peer.routeReflectorClient,
    peer.nextHopSelf,
    exportPolicy?.id ?? 0,
    exportPolicy?.policy.classOf({ neighbor: peer.address, peerType: peer.type }) ?? '',
    peer.localAddress,
    negotiated.fourOctetAs,
    negotiated.extendedMessages,
  ]);
}
