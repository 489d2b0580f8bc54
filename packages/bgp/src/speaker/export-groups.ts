/**
 * Puts peers into groups with one Adj-RIB-Out each: all that decides what a peer is told, and in which form, is the
 * group's key. Peers that differ only in policy conditions about themselves share a group when the outcome is the same.
 */
import { exportOtc } from '../attribute/only-to-customer.ts';
import { ipv4Unicast } from '../family/registry.ts';
import type { Negotiated } from '../message/model.ts';
import { maximumBytesOf } from '../message/update.ts';
import { AddPathOut } from '../table/add-path-out.ts';
import type { AdjRibOut, AdjRibOutOptions, ExportMember } from '../table/adj-rib-out.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import { BestPathOut } from '../table/best-path-out.ts';
import type { ExportView } from '../table/export-encoder.ts';
import type { ExportRules } from '../table/export-rules.ts';
import { ExportTransform } from '../table/export-transform.ts';
import { OwnViewOut } from '../table/own-view-out.ts';
import type { PeerColumn } from '../table/peer-column.ts';
import { withoutPrivateAs } from '../table/private-as.ts';
import type { Rib } from '../table/rib.ts';
import type { PeerOptions } from './api.ts';
import { isRouteServerClient, type PeerIdentity } from './peer-identity.ts';
import type { RegisteredPolicy } from './policy-registry.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the form of a peer's routes depends on. */
export interface ExportPeer {
  readonly identity: PeerIdentity;
  readonly options: PeerOptions;
  readonly exportPolicy: RegisteredPolicy | undefined;
  readonly negotiated: Negotiated;
  /** This side's address that the session's routes of the family may have as next hop: 4, 16 or 32 bytes. */
  readonly nextHop: Uint8Array | undefined;
}

export interface ExportGroup {
  readonly key: string;
  readonly out: AdjRibOut;
  readonly wake: () => void;
}

export interface ExportGroupsOptions {
  readonly clusterId: number;
  /** RFC 9494 §4.6. */
  readonly longLivedPartialDeployment: boolean;
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
    const rules = exportRulesOf(peer, this.#options.longLivedPartialDeployment);
    const key = keyOf(rib, peer, rules);
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

  /** What makes of best paths the routes of a peer; `prefixes`: the numbers that it is asked about. */
  transformOf(rib: Rib, peer: ExportPeer, prefixes = rib.prefixes): ExportTransform {
    const { clusterId, attributes, peers } = this.#options;
    const { identity, options, negotiated } = peer;
    return new ExportTransform({
      attributes,
      peers,
      prefixes,
      policy: peer.exportPolicy?.policy,
      neighbor: options.address,
      clients: options.routeReflectorClient === true,
      clusterId,
      fourOctetAs: peer.negotiated.fourOctetAs,
      rules: exportRulesOf(peer, this.#options.longLivedPartialDeployment),
      view: {
        peerType: identity.type,
        prepended: identity.prepended,
        ...pathRewriting(options, identity),
        ...(isRouteServerClient(options) && { transparent: true }),
        ...onlyToCustomer(options, identity),
        nextHopAttribute: rib.family === ipv4Unicast.key,
        extendedNextHop: negotiated.extendedNextHop?.includes(rib.family) === true,
        localAddress: peer.nextHop,
        nextHopSelf: options.nextHopSelf === true,
      },
      shutsDown: shutsDown(peer),
    });
  }

  #open(key: string, rib: Rib, peer: ExportPeer): ExportGroup {
    const { attributes, queue, unsendable } = this.#options;
    const { options, negotiated } = peer;
    const extendedNextHop = negotiated.extendedNextHop?.includes(rib.family) === true;
    const transform = this.transformOf(rib, peer);
    const flush = (): boolean => out.flush();
    const wake = (): void => queue.add(flush);
    const outOptions: AdjRibOutOptions = {
      rib,
      attributes,
      transform,
      maximumMessageBytes: maximumBytesOf(negotiated),
      extendedNextHop,
      wake,
      unsendable: (prefixes) => unsendable(rib, prefixes),
    };
    const paths = pathsSent(rib, peer);
    const out = paths === undefined ? bestPathOut(outOptions, options) : new AddPathOut(outOptions, paths);
    const group = { key, out, wake };
    this.#groups.set(key, group);
    return group;
  }
}

function bestPathOut(outOptions: AdjRibOutOptions, { routeServerClient }: PeerOptions): AdjRibOut {
  return routeServerClient === 'own-view' ? new OwnViewOut(outOptions) : new BestPathOut(outOptions);
}

function exportRulesOf({ identity, options, negotiated }: ExportPeer, partial: boolean): ExportRules {
  const hasLongLived = negotiated.longLivedGracefulRestart !== undefined;
  return {
    peerType: identity.type,
    role: options.role,
    allowAsSets: options.allowAsSets === true,
    routeServer: isRouteServerClient(options),
    longLived: hasLongLived ? 'capable' : partial && identity.type !== 'ebgp' ? 'partial' : 'none',
  };
}

/** How many paths of a prefix the peer gets under path identifiers (RFC 7911); undefined: the best one, without. */
function pathsSent({ family }: Rib, { options, negotiated }: ExportPeer): number | undefined {
  if (!negotiated.addPathSend.includes(family)) return undefined;
  const { send } = options.addPath ?? {};
  return typeof send === 'number' ? send : Number.POSITIVE_INFINITY;
}

/** RFC 8326 §4.2: the initiator tells its eBGP neighbours. */
function shutsDown({ identity, options }: ExportPeer): boolean {
  return identity.type === 'ebgp' && options.gracefulShutdown === true;
}

function pathRewriting(
  { removePrivateAs, asn }: PeerOptions,
  { localAsn }: PeerIdentity,
): Pick<ExportView, 'rewriteAsPath'> {
  if (removePrivateAs === undefined) return {};
  return { rewriteAsPath: (path) => withoutPrivateAs(path, removePrivateAs, localAsn, asn) };
}

/** RFC 9234 §5: "If a route is to be advertised to a Customer, a Peer, or an RS-Client", it gets OTC with our number. */
function onlyToCustomer({ role }: PeerOptions, { localAsn }: PeerIdentity): Pick<ExportView, 'onlyToCustomer'> {
  if (role === undefined) return {};
  const verdict = exportOtc(undefined, role, localAsn);
  return verdict.leak || verdict.otc === undefined ? {} : { onlyToCustomer: verdict.otc };
}

function keyOf(rib: Rib, peer: ExportPeer, rules: ExportRules): string {
  const { exportPolicy, negotiated, identity, options } = peer;
  return JSON.stringify([
    rib.family,
    identity,
    options.routeReflectorClient === true,
    options.nextHopSelf === true,
    exportPolicy?.id ?? 0,
    exportPolicy?.policy.classOf({ neighbor: options.address, peerType: identity.type }) ?? '',
    peer.nextHop?.join() ?? '',
    negotiated.fourOctetAs,
    negotiated.extendedMessages,
    negotiated.extendedNextHop?.includes(rib.family) === true,
    String(pathsSent(rib, peer)),
    shutsDown(peer),
    rules,
    options.routeServerClient === 'own-view' ? options.address : '',
    options.removePrivateAs === undefined ? [] : [options.removePrivateAs, options.asn],
  ]);
}
