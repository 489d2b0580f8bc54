/** Answers questions about a running speaker from its tables. Nothing that it does can be seen from outside. */
import { parseAddress } from '../address.ts';
import type { FamilyKey } from '../family/model.ts';
import { familyNamed, ipv4Unicast } from '../family/registry.ts';
import type { Negotiated } from '../message/model.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import { NO_ATTRIBUTES } from '../table/attribute-store.ts';
import { type DecisionStep, explainBest } from '../table/decision.ts';
import { LOCAL_PEER, type PeerColumn } from '../table/peer-column.ts';
import type { Rib } from '../table/rib.ts';
import { NO_PATH } from '../table/route-table.ts';
import { decodeStored } from '../table/stored-attributes.ts';
import { ownTraits, storedFormOf } from './announcements.ts';
import type {
  AdvertisedRoute,
  Announcement,
  DecisionVerdict,
  ExportedPath,
  FamilyName,
  ImportVerdict,
  InspectedPath,
  PeerInspection,
  PeerOptions,
  PeerPreview,
  ProposedChange,
  SpeakerInspection,
} from './api.ts';
import { contentOf } from './content.ts';
import type { ExportGroups, ExportPeer } from './export-groups.ts';
import { bestPaths, ExportTrace, type TracedPath, tracedPath } from './export-trace.ts';
import { traceImport } from './import-trace.ts';
import type { Neighbor } from './neighbor.ts';
import { familyName, type PathView, prefixText, prefixWords } from './path-view.ts';
import { identifyPeer, type SpeakerNumbers } from './peer-identity.ts';
import { comparePeers } from './peer-options.ts';
import type { RegisteredPolicy } from './policy-registry.ts';

export interface InspectorHost {
  readonly numbers: SpeakerNumbers;
  readonly store: AttributeStore;
  readonly peers: PeerColumn;
  readonly groups: ExportGroups;
  readonly view: PathView;
  readonly ribs: ReadonlyMap<FamilyKey, Rib>;
  readonly decisionSteps: readonly DecisionStep[] | undefined;
  readonly neighbors: ReadonlyMap<string, Neighbor>;
  /** Prefixes of the own announcements. */
  announced(): Iterable<string>;
  neighborOf(peer: number): Neighbor | undefined;
  /** With what its group, and the speaker as a whole, say for the peer. */
  completed(given: PeerOptions): PeerOptions;
  exportPolicyOf(peer: Pick<Neighbor, 'type' | 'options'>): RegisteredPolicy | undefined;
}

/** Number that no peer has. */
const NOBODY = -1;

export class Inspector implements SpeakerInspection {
  readonly #host: InspectorHost;

  constructor(host: InspectorHost) {
    this.#host = host;
  }

  peer(address: string): PeerInspection | undefined {
    const neighbor = this.#host.neighbors.get(address);
    if (neighbor === undefined) return undefined;
    const { password, tcpAo, ...options } = neighbor.options;
    const { established } = neighbor;
    return {
      status: neighbor.status(),
      options,
      authentication: password !== undefined ? 'md5' : tcpAo !== undefined ? 'tcp-ao' : undefined,
      importPolicy: neighbor.importPolicy?.name,
      exportPolicy: neighbor.exportPolicy?.name,
      ...(established !== undefined && { session: established }),
    };
  }

  explain(text: string): readonly InspectedPath[] {
    const { prefix, words } = prefixWords(text);
    const rib = this.#host.ribs.get(prefix.family);
    const id = rib?.prefixes.find(...words) ?? -1;
    return rib === undefined || id < 0 ? [] : this.#inspect(rib, id, pathsOf(rib, id));
  }

  *received(address: string): Iterable<InspectedPath> {
    const peer = this.#host.neighbors.get(address)?.peer;
    if (peer === undefined) return;
    for (const rib of this.#host.ribs.values()) {
      for (let prefix = 0; prefix < rib.prefixes.limit; prefix++) {
        const own = rib.routes.pathsFrom(prefix, peer);
        if (own.length > 0) yield* this.#inspect(rib, prefix, own);
      }
    }
  }

  *exported(address: string): Iterable<ExportedPath> {
    const neighbor = this.#host.neighbors.get(address);
    if (neighbor === undefined) return;
    for (const rib of this.#negotiatedRibs(neighbor)) {
      const peer = neighbor.exportPeer(rib);
      if (peer === undefined) continue;
      const trace = this.#trace(rib, peer, neighbor.peer);
      for (const [prefix, path] of bestPaths(rib)) yield trace.trace(prefix, path);
    }
  }

  *preview({ peers, announcements }: ProposedChange): Iterable<PeerPreview> {
    const after = new Map(peers.map((peer) => [peer.address, this.#host.completed(peer)]));
    const gone = new Set<number>();
    for (const { address, peer, options } of this.#host.neighbors.values()) {
      const wanted = after.get(address);
      if (wanted === undefined || comparePeers(options, wanted) === 'session') gone.add(peer);
    }
    const proposal = new Proposal(this.#host, announcements, gone);
    try {
      for (const address of this.#host.neighbors.keys()) {
        if (!after.has(address)) yield { address, change: 'removed', options: [], announce: [], withdraw: [] };
      }
      for (const [address, options] of after) yield this.#previewPeer(address, options, proposal);
    } finally {
      proposal.close();
    }
  }

  #previewPeer(address: string, after: PeerOptions, proposal: Proposal): PeerPreview {
    const neighbor = this.#host.neighbors.get(address);
    const scope = neighbor === undefined ? 'session' : comparePeers(neighbor.options, after);
    const base = { address, options: changedOptions(neighbor?.options, after) };
    try {
      if (neighbor === undefined || scope === 'session') {
        const change = neighbor === undefined ? 'added' : 'reset';
        return { ...base, change, announce: this.#whole(after, proposal), withdraw: [] };
      }
      const change = scope === undefined ? 'kept' : 'updated';
      return { ...base, change, ...this.#differences(neighbor, after, proposal, scope !== undefined) };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return { ...base, change: 'failed', problem, announce: [], withdraw: [] };
    }
  }

  /** All that a new session is told. */
  #whole(options: PeerOptions, proposal: Proposal): AdvertisedRoute[] {
    const routes: AdvertisedRoute[] = [];
    const keys = (options.families ?? [ipv4Unicast.name]).map((name) => familyNamed(name).key);
    for (const key of keys) {
      const rib = this.#host.ribs.get(key);
      if (rib === undefined) continue;
      const trace = this.#trace(rib, this.#assumed(rib, options, keys), NOBODY);
      for (const [prefix, path] of proposal.bestPaths(rib)) {
        const route = trace.advertised(prefix, path);
        if (route !== undefined) routes.push(route);
      }
    }
    return routes;
  }

  /** What a session that goes on is told, and not told any more. */
  #differences(neighbor: Neighbor, options: PeerOptions, proposal: Proposal, all: boolean) {
    const announce: AdvertisedRoute[] = [];
    const withdraw: { prefix: string; family: FamilyName }[] = [];
    for (const rib of this.#negotiatedRibs(neighbor)) {
      const now = neighbor.exportPeer(rib);
      if (now === undefined) continue;
      const identity = identifyPeer(options, this.#host.numbers);
      const exportPolicy = this.#host.exportPolicyOf({ type: identity.type, options });
      const before = this.#trace(rib, now, neighbor.peer);
      const after = all ? this.#trace(rib, { ...now, identity, options, exportPolicy }, neighbor.peer) : before;
      for (const prefix of proposal.prefixes(rib, all)) {
        const was = before.advertised(prefix, bestPath(rib, prefix));
        const will = after.advertised(prefix, proposal.bestPath(rib, prefix));
        if (contentOf(was) === contentOf(will)) continue;
        if (will !== undefined) announce.push(will);
        else withdraw.push({ prefix, family: familyName(rib) });
      }
    }
    return { announce, withdraw };
  }

  #negotiatedRibs({ established }: Neighbor): Rib[] {
    return (established?.negotiated.families ?? []).flatMap((key) => this.#host.ribs.get(key) ?? []);
  }

  /** A peer whose session is still to come, agreeing to all that is offered. */
  #assumed(rib: Rib, options: PeerOptions, families: readonly FamilyKey[]): ExportPeer {
    const { numbers } = this.#host;
    const identity = identifyPeer(options, numbers);
    const negotiated: Negotiated = {
      localAsn: identity.localAsn,
      peerAsn: options.asn,
      peerIdentifier: 0,
      holdTimeMs: options.holdTimeMs ?? 0,
      keepaliveMs: 0,
      peerType: identity.type,
      fourOctetAs: true,
      families,
      addPathReceive: [],
      addPathSend: [],
      extendedNextHop: options.extendedNextHop === true ? families : [],
      extendedMessages: true,
      routeRefresh: true,
      enhancedRouteRefresh: true,
    };
    const exportPolicy = this.#host.exportPolicyOf({ type: identity.type, options });
    return { identity, options, exportPolicy, negotiated, nextHop: this.#assumedNextHop(rib, options) };
  }

  #assumedNextHop(rib: Rib, { localAddress, nextHopAddresses = [] }: PeerOptions): Uint8Array | undefined {
    const size = rib.prefixes.words * 4;
    const own = [...nextHopAddresses, ...(localAddress === undefined ? [] : [localAddress])].map(parseAddress);
    const fits = own.find(({ length }) => length === size);
    if (fits !== undefined) return fits;
    // Sessions that are up know the interface, which has the addresses of the other family.
    for (const neighbor of this.#host.neighbors.values()) {
      const nextHop = neighbor.exportPeer(rib)?.nextHop;
      if (nextHop !== undefined) return nextHop;
    }
    return undefined;
  }

  #trace(rib: Rib, peer: ExportPeer, number: number): ExportTrace {
    const { store, peers, groups } = this.#host;
    return new ExportTrace({ store, peers, groups, addressOf: (source) => this.#addressOf(source) }, rib, peer, number);
  }

  #addressOf(peer: number): string {
    return this.#host.neighborOf(peer)?.address ?? 'local';
  }

  #inspect(rib: Rib, prefix: number, paths: readonly number[]): InspectedPath[] {
    const decisions = this.#decide(rib, prefix);
    return paths.map((path) => ({
      ...this.#host.view.path(rib, prefix, path),
      received: decodeStored(this.#host.store.bytesOf(rib.routes.receivedOf(path))).attributes,
      import: this.#import(rib, prefix, path),
      decision: decisions.get(path) ?? { kind: 'no-candidate' },
    }));
  }

  #decide(rib: Rib, prefix: number): ReadonlyMap<number, DecisionVerdict> {
    const { routes } = rib;
    const candidates = pathsOf(rib, prefix).filter((path) => routes.usableOf(path) !== NO_ATTRIBUTES);
    if (routes.best(prefix) === NO_PATH) return new Map(candidates.map((path) => [path, { kind: 'deferred' }]));
    const explained = explainBest(routes, candidates, this.#host.decisionSteps);
    const decisions = new Map<number, DecisionVerdict>();
    if (explained === undefined) return decisions;
    decisions.set(explained.best, { kind: 'best' });
    for (const { path, lostAt } of explained.others) {
      decisions.set(path, { kind: 'lost', step: lostAt.name, source: lostAt.source });
    }
    return decisions;
  }

  #import(rib: Rib, prefix: number, path: number): ImportVerdict {
    const { routes } = rib;
    const source = routes.peerOf(path);
    if (source === LOCAL_PEER) return { kind: 'local' };
    const neighbor = this.#host.neighborOf(source);
    if (neighbor === undefined) return { kind: 'unfiltered' };
    return traceImport(this.#host.store, rib.prefixes, prefix, routes.receivedOf(path), neighbor);
  }
}

/** The tables as they would be: other announcements, and without the paths of sessions that end. */
class Proposal {
  readonly #host: InspectorHost;
  readonly #gone: ReadonlySet<number>;
  /** Held sets of the proposed announcements, by family and prefix. */
  readonly #announced = new Map<FamilyKey, Map<string, TracedPath>>();
  /** Prefixes with another best path than now, as far as can be told without looking at each. */
  readonly #touched = new Map<FamilyKey, Set<string>>();

  constructor(host: InspectorHost, announcements: readonly Announcement[], gone: ReadonlySet<number>) {
    this.#host = host;
    this.#gone = gone;
    for (const key of host.ribs.keys()) {
      this.#announced.set(key, new Map());
      this.#touched.set(key, new Set());
    }
    for (const announcement of announcements) {
      const { prefix } = prefixWords(announcement.prefix);
      const attributes = host.store.acquire(storedFormOf(announcement, prefix.family), ownTraits);
      this.#announced.get(prefix.family)?.set(announcement.prefix, { attributes, source: LOCAL_PEER });
      this.#touched.get(prefix.family)?.add(announcement.prefix);
    }
    for (const text of host.announced()) this.#touched.get(prefixWords(text).prefix.family)?.add(text);
    if (gone.size > 0) for (const rib of host.ribs.values()) this.#touchGone(rib);
  }

  close(): void {
    for (const paths of this.#announced.values()) {
      for (const { attributes } of paths.values()) this.#host.store.release(attributes);
    }
    this.#announced.clear();
  }

  bestPath(rib: Rib, text: string): TracedPath | undefined {
    const announced = this.#announced.get(rib.family)?.get(text);
    if (announced !== undefined) return announced;
    const { routes, prefixes } = rib;
    const prefix = prefixes.find(...prefixWords(text).words);
    const best = prefix < 0 ? NO_PATH : routes.best(prefix);
    if (best === NO_PATH) return undefined;
    if (this.#stays(routes.peerOf(best))) return tracedPath(rib, best);
    const left = pathsOf(rib, prefix).filter(
      (path) => routes.usableOf(path) !== NO_ATTRIBUTES && this.#stays(routes.peerOf(path)),
    );
    const explained = explainBest(routes, left, this.#host.decisionSteps);
    return explained && tracedPath(rib, explained.best);
  }

  *bestPaths(rib: Rib): Generator<[string, TracedPath]> {
    for (const prefix of this.prefixes(rib, true)) {
      const path = this.bestPath(rib, prefix);
      if (path !== undefined) yield [prefix, path];
    }
  }

  /** `all`: every prefix there is. */
  *prefixes(rib: Rib, all: boolean): Generator<string> {
    const touched = this.#touched.get(rib.family) ?? new Set();
    yield* touched;
    if (!all) return;
    for (const [prefix] of bestPaths(rib)) if (!touched.has(prefix)) yield prefix;
  }

  #stays(peer: number): boolean {
    return peer !== LOCAL_PEER && !this.#gone.has(peer);
  }

  #touchGone(rib: Rib): void {
    const touched = this.#touched.get(rib.family);
    for (let prefix = 0; prefix < rib.prefixes.limit; prefix++) {
      const best = rib.routes.best(prefix);
      if (best !== NO_PATH && this.#gone.has(rib.routes.peerOf(best))) touched?.add(prefixText(rib.prefixes, prefix));
    }
  }
}

function bestPath(rib: Rib, text: string): TracedPath | undefined {
  const prefix = rib.prefixes.find(...prefixWords(text).words);
  const path = prefix < 0 ? NO_PATH : rib.routes.best(prefix);
  return path === NO_PATH ? undefined : tracedPath(rib, path);
}

function pathsOf({ routes }: Rib, prefix: number): number[] {
  const paths: number[] = [];
  for (let path = routes.first(prefix); path !== NO_PATH; path = routes.next(path)) paths.push(path);
  return paths;
}

function changedOptions(before: PeerOptions | undefined, after: PeerOptions): string[] {
  if (before === undefined) return [];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof PeerOptions>;
  return [...names].filter((name) => contentOf(before[name]) !== contentOf(after[name]));
}
