/**
 * The speaker: peers, tables, originated routes and policy behind the public interface. It wires the parts together over
 * the ports it is given and reads no clock, socket or environment of its own.
 */
import { parseIpv4 } from '../address.ts';
import type { FamilyKey } from '../family/model.ts';
import { families, familyNamed } from '../family/registry.ts';
import { ceaseSubcode } from '../iana.ts';
import type { Clock, Connection, Random, Transport } from '../ports.ts';
import { type Acceptor, createAcceptor } from '../session/listener.ts';
import { ReadingTurns } from '../session/reading-turns.ts';
import { createSession } from '../session/session.ts';
import { AttributeStore } from '../table/attribute-store.ts';
import type { DecisionStep } from '../table/decision.ts';
import { LOCAL_PEER, PeerColumn } from '../table/peer-column.ts';
import { Rib } from '../table/rib.ts';
import { NO_PATH } from '../table/route-table.ts';
import { Announcements } from './announcements.ts';
import type {
  Announcement,
  BestPathChange,
  BfdSource,
  FamilyName,
  Path,
  PeerChange,
  PeerGroups,
  PeerOptions,
  PeerRange,
  PeerStatus,
  Speaker,
  SpeakerEvents,
  SpeakerInspection,
  SpeakerOptions,
} from './api.ts';
import { ChangeStream } from './change-stream.ts';
import { Emitter } from './emitter.ts';
import { ExportGroups } from './export-groups.ts';
import { defaultDeferralTimeMs, RestartingSpeaker } from './graceful-restart.ts';
import { Inspector } from './inspector.ts';
import { Listeners } from './listeners.ts';
import { Neighbor, type NeighborHost } from './neighbor.ts';
import { NextHops } from './next-hops.ts';
import { familyName, PathView, prefixText, prefixWords } from './path-view.ts';
import { comparePeers, withGroup } from './peer-options.ts';
import { checkRange, PeerRanges, peerOf } from './peer-ranges.ts';
import { PolicyRegistry, type RegisteredPolicy } from './policy-registry.ts';
import { SelectionDeferral } from './selection-deferral.ts';
import { socketOptionsOf } from './socket-options.ts';
import { TableWalks } from './table-walks.ts';
import { UpdateIntake } from './update-intake.ts';
import { WorkQueue } from './work-queue.ts';

/** For a sweep: paths of all generations. */
const anyAge = -128;

export interface SpeakerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  /** Left out: no peer has BFD. */
  readonly bfd?: BfdSource;
  /** The decision process, when it is not the standard one. */
  readonly decisionSteps?: readonly DecisionStep[];
}

export class BgpSpeaker implements Speaker {
  readonly #options: SpeakerOptions;
  readonly #ports: SpeakerPorts;
  readonly #routerId: number;
  readonly #emitter = new Emitter();
  readonly #queue: WorkQueue;
  readonly #peers = new PeerColumn();
  readonly #nextHops: NextHops;
  readonly #walks: TableWalks;
  readonly #store: AttributeStore;
  readonly #ribs: ReadonlyMap<FamilyKey, Rib>;
  readonly #groups: ExportGroups;
  readonly #policies = new PolicyRegistry();
  readonly #announcements: Announcements;
  readonly #restart: RestartingSpeaker;
  readonly #deferral: SelectionDeferral | undefined;
  /** Selection does not wait for peers that restart too; who drops what an earlier life left in the kernel should. */
  readonly #hearing: SelectionDeferral | undefined;
  readonly #acceptor: Acceptor;
  readonly #view: PathView;
  readonly #host: NeighborHost;
  readonly #neighbors = new Map<string, Neighbor>();
  /** Peers as they were given, without what their groups say. */
  readonly #given = new Map<string, PeerOptions>();
  readonly #ranges: PeerRanges;
  readonly #byPeer = new Map<number, Neighbor>();
  readonly #streams = new Set<ChangeStream>();
  readonly #listeners = new Listeners();
  #commonPolicy: Pick<SpeakerOptions, 'importPolicy' | 'exportPolicy'>;
  #peerGroups: PeerGroups;
  #running = false;

  /** Throws `AddressError` for a router id or cluster id that is no IPv4 address, `PolicyError` for a policy that is none. */
  constructor(options: SpeakerOptions, ports: SpeakerPorts) {
    const { clock } = ports;
    this.#options = options;
    this.#ports = ports;
    this.#commonPolicy = options;
    this.#peerGroups = options.peerGroups ?? {};
    this.#routerId = parseIpv4(options.routerId);
    const clusterId = options.clusterId === undefined ? this.#routerId : parseIpv4(options.clusterId);
    this.#queue = new WorkQueue(clock);
    this.#nextHops = new NextHops(options.nextHopCost);
    const confederation = options.confederation?.identifier ?? options.asn;
    const identity = { asn: options.asn, confederation, routerId: this.#routerId, clusterId };
    this.#store = new AttributeStore(identity, (bytes, at, size) => this.#nextHops.cost(bytes, at, size));
    this.#walks = new TableWalks(this.#queue, this.#store, options.longLivedPartialDeployment === true);
    this.#ribs = new Map(
      families.map(({ key, bits }) => [
        key,
        new Rib(key, bits === 32 ? 1 : 4, this.#store, this.#peers, ports.decisionSteps),
      ]),
    );
    this.#groups = new ExportGroups({
      clusterId,
      longLivedPartialDeployment: options.longLivedPartialDeployment === true,
      attributes: this.#store,
      peers: this.#peers,
      queue: this.#queue,
      unsendable: (rib, prefixes) => this.#warnUnsendable(rib, prefixes),
    });
    this.#announcements = new Announcements(this.#store, (family) => this.#rib(family));
    this.#restart = new RestartingSpeaker(options.gracefulRestart, clock);
    const warning = (text: string): void => this.#emitter.emit('warning', { text });
    this.#ranges = this.#makeRanges(warning);
    const acceptOther = (connection: Connection): boolean => this.#ranges.accept(connection);
    this.#acceptor = createAcceptor({ clock, warning, acceptOther });
    const owners = {
      addressOf: (peer: number) => this.#byPeer.get(peer)?.address ?? 'local',
      isStale: (rib: Rib, path: number) => this.#isStale(rib, path),
    };
    this.#view = new PathView(this.#store, this.#peers, owners, options.maximumPaths ?? 1);
    for (const chain of [options.importPolicy, options.exportPolicy]) {
      if (chain !== undefined) this.#policies.compile(chain);
    }
    if (options.gracefulRestart?.restarting === true) {
      for (const rib of this.#ribs.values()) {
        rib.routes.deferred = true;
        rib.isIncomplete = true;
      }
      const { deferralTimeMs = defaultDeferralTimeMs } = options.gracefulRestart;
      this.#deferral = new SelectionDeferral(clock, deferralTimeMs, () => this.#select());
      this.#hearing = new SelectionDeferral(clock, deferralTimeMs, () => this.#emitter.emit('peers-complete'));
    }
    this.#host = this.#makeHost();
  }

  async start(): Promise<void> {
    if (this.#running) return;
    await this.#listeners.open(this.#options.listen ?? [], this.#ports.transport, this.#acceptor.accept);
    this.#running = true;
    for (const { range } of this.#ranges.open) this.#listeners.setRangeOptions(range, this.#peerGroups);
    for (const neighbor of this.#neighbors.values()) this.#open(neighbor);
  }

  async stop({ graceful, text }: { readonly graceful?: boolean; readonly text?: string } = {}): Promise<void> {
    this.#running = false;
    for (const stream of [...this.#streams]) stream.close();
    for (const { session } of this.#neighbors.values()) {
      session.stop({ notify: graceful !== true, ...(text !== undefined && { text }) });
    }
    for (const neighbor of this.#neighbors.values()) {
      neighbor.close();
      for (const family of neighbor.families) {
        this.#walks.sweep(this.#rib(family), { peer: neighbor.peer, generation: 0, age: anyAge });
      }
    }
    this.#deferral?.close();
    this.#hearing?.close();
    this.#queue.drain();
    await this.#listeners.close();
  }

  setPeers(peers: readonly PeerOptions[]): readonly PeerChange[] {
    const changes: PeerChange[] = [];
    const wanted = new Map(peers.map((peer) => [peer.address, peer]));
    for (const address of [...this.#neighbors.keys()]) {
      if (wanted.has(address) || this.#ranges.has(address)) continue;
      this.removePeer(address);
      changes.push({ address, action: 'removed' });
    }
    for (const [address, peer] of wanted) {
      try {
        const action = this.#setPeer(peer);
        if (action !== undefined) changes.push({ address, action });
      } catch (error) {
        changes.push({ address, action: 'failed' });
        this.#emitter.emit('warning', { address, text: error instanceof Error ? error.message : String(error) });
      }
    }
    this.#forgetPolicies();
    return changes;
  }

  addPeer(given: PeerOptions): void {
    const peer = this.#completed(given);
    // Who came by a range is from now on who the user says.
    if (this.#ranges.has(peer.address)) this.removePeer(peer.address);
    const neighbor = this.#add(peer);
    this.#given.set(peer.address, given);
    this.#deferral?.waitFor(peer.address);
    this.#hearing?.waitFor(peer.address);
    if (!this.#running) return;
    try {
      this.#open(neighbor);
    } catch (error) {
      this.#remove(neighbor, ceaseSubcode.peerDeconfigured);
      throw error;
    }
  }

  removePeer(address: string, { text }: { readonly text?: string } = {}): void {
    // RFC 9003 §2 has texts for a shutdown, not for a removed peer.
    const subcode = text === undefined ? ceaseSubcode.peerDeconfigured : ceaseSubcode.administrativeShutdown;
    this.#remove(this.#neighbor(address), subcode, text);
  }

  refresh(address: string, family?: FamilyName): boolean {
    return this.#neighbor(address).requestRefresh(family);
  }

  reevaluateNextHops(): void {
    this.#walks.reevaluateNextHops(this.#ribs.values(), (peer) => this.#byPeer.get(peer));
  }

  addPeerRange(range: PeerRange): void {
    checkRange(range, this.#peerGroups, this.#options);
    for (const chain of [range.importPolicy, range.exportPolicy]) {
      if (chain !== undefined) this.#policies.compile(chain);
    }
    this.#ranges.add(range);
    try {
      this.#listeners.setRangeOptions(range, this.#peerGroups);
    } catch (error) {
      this.#ranges.delete(range.prefix);
      throw error;
    }
  }

  removePeerRange(prefix: string): void {
    const addresses = this.#ranges.delete(prefix);
    this.#listeners.setPeerOptions(prefix, undefined);
    for (const address of addresses) this.removePeer(address);
  }

  setPeerGroups(groups: PeerGroups): readonly PeerChange[] {
    const given = [...this.#given.values()];
    for (const peer of given) withGroup(peer, groups);
    for (const { range } of this.#ranges.open) checkRange(range, groups, this.#options);
    this.#peerGroups = groups;
    return [...this.#regroupRanges(), ...this.setPeers(given)];
  }

  setAnnouncements(routes: readonly Announcement[]): void {
    this.#announcements.replaceAll(routes);
  }

  announce(route: Announcement): void {
    this.#announcements.announce(route);
  }

  withdraw(prefix: string): void {
    this.#announcements.withdraw(prefix);
  }

  setPolicy(policy: Pick<SpeakerOptions, 'importPolicy' | 'exportPolicy'>): void {
    // All or nothing: a policy that is none changes nothing.
    for (const chain of [policy.importPolicy, policy.exportPolicy]) {
      if (chain !== undefined) this.#policies.compile(chain);
    }
    this.#commonPolicy = policy;
    for (const neighbor of this.#neighbors.values()) neighbor.applyPolicy();
    this.#forgetPolicies();
  }

  peers(): readonly PeerStatus[] {
    return Array.from(this.#neighbors.values(), (neighbor) => neighbor.status());
  }

  inspect(): SpeakerInspection {
    return new Inspector({
      numbers: this.#options,
      store: this.#store,
      peers: this.#peers,
      groups: this.#groups,
      view: this.#view,
      ribs: this.#ribs,
      decisionSteps: this.#ports.decisionSteps,
      neighbors: this.#neighbors,
      announced: () => this.#announcements.prefixes,
      neighborOf: (peer) => this.#byPeer.get(peer),
      completed: (given) => this.#completed(given),
      exportPolicyOf: (peer) => this.#exportPolicyOf(peer),
    });
  }

  bestPath(prefix: string): Path | undefined {
    const { rib, id } = this.#lookUp(prefix);
    const path = id < 0 ? NO_PATH : rib.routes.best(id);
    return path === NO_PATH ? undefined : this.#view.path(rib, id, path);
  }

  paths(prefix: string): readonly Path[] {
    const { rib, id } = this.#lookUp(prefix);
    const paths: Path[] = [];
    for (let path = id < 0 ? NO_PATH : rib.routes.first(id); path !== NO_PATH; path = rib.routes.next(path)) {
      paths.push(this.#view.path(rib, id, path));
    }
    return paths;
  }

  *routes(family?: FamilyName): Iterable<Path> {
    for (const rib of family === undefined ? this.#ribs.values() : [this.#rib(familyNamed(family).key)]) {
      for (let prefix = 0; prefix < rib.prefixes.limit; prefix++) {
        const path = rib.routes.best(prefix);
        if (path !== NO_PATH) yield this.#view.path(rib, prefix, path);
      }
    }
  }

  bestPathChanges(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<readonly BestPathChange[]> {
    const { signal } = options;
    const abort = (): void => stream.close();
    const stream = new ChangeStream(this.#ribs.values(), this.#view, {
      defer: (run) => void this.#ports.clock.after(0, run),
      onClose: () => {
        this.#streams.delete(stream);
        signal?.removeEventListener('abort', abort);
      },
    });
    this.#streams.add(stream);
    if (signal?.aborted === true) stream.close();
    else signal?.addEventListener('abort', abort);
    return stream;
  }

  on<K extends keyof SpeakerEvents>(event: K, listener: (...args: SpeakerEvents[K]) => void): this {
    this.#emitter.on(event, listener);
    return this;
  }

  off<K extends keyof SpeakerEvents>(event: K, listener: (...args: SpeakerEvents[K]) => void): this {
    this.#emitter.off(event, listener);
    return this;
  }

  #makeHost(): NeighborHost {
    const sessionPorts = { ...this.#ports, turns: new ReadingTurns(this.#ports.clock) };
    return {
      numbers: this.#options,
      routerId: this.#routerId,
      clock: this.#ports.clock,
      bfd: this.#ports.bfd,
      peers: this.#peers,
      attributes: this.#store,
      groups: this.#groups,
      intake: new UpdateIntake(this.#store),
      rib: (family) => this.#rib(family),
      createSession: (config, events) => createSession(config, events, sessionPorts),
      importPolicyOf: ({ type, options }) =>
        this.#policies.inForce(type, options.importPolicy, this.#commonPolicy.importPolicy),
      exportPolicyOf: (neighbor) => this.#exportPolicyOf(neighbor),
      restartOffer: ({ families: keys, options, establishedCount }) => {
        const { gracefulRestart: wantsRestart, longLivedGracefulRestart } = options;
        const longLivedMs = longLivedGracefulRestart?.staleTimeMs;
        return this.#restart.offer({ families: keys, wantsRestart, longLivedMs, establishedCount });
      },
      walks: this.#walks,
      stateChanged: ({ address }, from, to, reason) => {
        this.#emitter.emit('peer-state', { address, from, to, ...(reason !== undefined && { reason }) });
        if (reason !== undefined && this.#ranges.has(address)) this.#ranges.ended(address);
      },
      established: ({ address }, { gracefulRestart }, localAddress) => {
        this.#nextHops.addOwn(localAddress);
        // RFC 4724 §4.1: only peers that will send End-of-RIB and do not wait for ours are waited for.
        if (gracefulRestart === undefined || gracefulRestart.restarting) this.#deferral?.release(address);
        if (gracefulRestart === undefined) this.#hearing?.release(address);
      },
      endOfRib: (neighbor, family) => {
        this.#emitter.emit('end-of-rib', { address: neighbor.address, family: familyName(this.#rib(family)) });
        if (!neighbor.isComplete) return;
        this.#deferral?.release(neighbor.address);
        this.#hearing?.release(neighbor.address);
      },
      warning: ({ address }, text) => this.#emitter.emit('warning', { address, text }),
    };
  }

  #exportPolicyOf({ type, options }: Pick<Neighbor, 'type' | 'options'>): RegisteredPolicy | undefined {
    return this.#policies.inForce(type, options.exportPolicy, this.#commonPolicy.exportPolicy);
  }

  #rib(family: FamilyKey): Rib {
    const rib = this.#ribs.get(family);
    if (rib === undefined) throw new RangeError(`no table for family ${family}`);
    return rib;
  }

  #lookUp(text: string): { rib: Rib; id: number } {
    const { prefix, words } = prefixWords(text);
    const rib = this.#rib(prefix.family);
    return { rib, id: rib.prefixes.find(...words) };
  }

  #isStale(rib: Rib, path: number): boolean {
    const peer = rib.routes.peerOf(path);
    if (peer === LOCAL_PEER) return false;
    return this.#byPeer.get(peer)?.generationOf(rib.family) !== rib.routes.generationOf(path);
  }

  /** With what its group, and the speaker as a whole, say for the peer. */
  #completed(given: PeerOptions): PeerOptions {
    const { gracefulShutdown } = this.#options;
    return { ...(gracefulShutdown !== undefined && { gracefulShutdown }), ...withGroup(given, this.#peerGroups) };
  }

  /** Undefined when the peer is as `peer` says already. */
  #setPeer(given: PeerOptions): PeerChange['action'] | undefined {
    const neighbor = this.#neighbors.get(given.address);
    if (neighbor === undefined || this.#ranges.has(given.address)) {
      this.addPeer(given);
      return 'added';
    }
    const action = this.#change(neighbor, this.#completed(given));
    if (action === 'reset') this.addPeer(given);
    else if (action === 'updated') this.#given.set(given.address, given);
    return action;
  }

  /** `reset`: the neighbour is removed. Undefined: nothing differs. */
  #change(neighbor: Neighbor, peer: PeerOptions): 'reset' | 'updated' | undefined {
    const scope = comparePeers(neighbor.options, peer);
    if (scope === 'session') this.#remove(neighbor, ceaseSubcode.otherConfigurationChange);
    else if (scope === 'routes') neighbor.update(peer);
    return scope && (scope === 'session' ? 'reset' : 'updated');
  }

  #add(peer: PeerOptions): Neighbor {
    if (this.#neighbors.has(peer.address)) throw new RangeError(`peer ${peer.address} is there already`);
    const neighbor = new Neighbor(peer, this.#host);
    this.#neighbors.set(peer.address, neighbor);
    this.#byPeer.set(neighbor.peer, neighbor);
    return neighbor;
  }

  #makeRanges(warning: (text: string) => void): PeerRanges {
    return new PeerRanges({
      clock: this.#ports.clock,
      warning,
      adopt: (peer, connection) => {
        const neighbor = this.#add(this.#completed(peer));
        this.#acceptor.add(peer.address, neighbor.session);
        neighbor.start();
        neighbor.session.accept(connection);
      },
      presenceOf: (address) => this.#neighbors.get(address)?.presence ?? 'gone',
      remove: (address) => this.removePeer(address),
    });
  }

  /** What changed groups make of the peers of ranges. One whose session has to be reset comes back by itself. */
  #regroupRanges(): readonly PeerChange[] {
    return [...this.#ranges.open].flatMap(({ range, peers }) => {
      this.#listeners.setRangeOptions(range, this.#peerGroups);
      return [...peers].flatMap((address) => {
        const neighbor = this.#neighbor(address);
        const action = this.#change(neighbor, this.#completed(peerOf(range, address, neighbor.options.asn)));
        return action === undefined ? [] : [{ address, action }];
      });
    });
  }

  /** Throws when the peer needs a socket option that cannot be set. */
  #open(neighbor: Neighbor): void {
    const { address } = neighbor.options;
    const options = socketOptionsOf(neighbor.options);
    this.#acceptor.add(address, neighbor.session);
    if (Object.keys(options).length > 0) this.#listeners.setPeerOptions(address, options);
    neighbor.start();
  }

  /** Throws `RangeError` for an address that is no peer's. */
  #neighbor(address: string): Neighbor {
    const neighbor = this.#neighbors.get(address);
    if (neighbor === undefined) throw new RangeError(`no peer ${address}`);
    return neighbor;
  }

  #remove(neighbor: Neighbor, subcode: number, text?: string): void {
    const { address } = neighbor;
    neighbor.session.stop({ notify: true, subcode, ...(text !== undefined && { text }) });
    neighbor.close();
    this.#acceptor.remove(address);
    this.#listeners.setPeerOptions(address, undefined);
    this.#neighbors.delete(address);
    this.#given.delete(address);
    this.#ranges.forget(address);
    this.#deferral?.release(address);
    this.#hearing?.release(address);
    let left = neighbor.families.length;
    for (const family of neighbor.families) {
      this.#walks.sweep(this.#rib(family), { peer: neighbor.peer, generation: 0, age: anyAge }, () => {
        if (--left > 0) return;
        this.#peers.remove(neighbor.peer);
        this.#byPeer.delete(neighbor.peer);
      });
    }
  }

  /** Ends the deferral of selection (RFC 4724 §4.1). */
  #select(): void {
    let left = this.#ribs.size;
    for (const rib of this.#ribs.values()) {
      rib.routes.deferred = false;
      this.#walks.select(rib, () => {
        rib.isIncomplete = false;
        this.#groups.wake();
        if (--left === 0) this.#emitter.emit('selection-complete');
      });
    }
  }

  #forgetPolicies(): void {
    this.#policies.keepOnly(new Set(Array.from(this.#neighbors.values(), ({ policyIds }) => policyIds).flat()));
  }

  #warnUnsendable(rib: Rib, prefixes: readonly number[]): void {
    const [first] = prefixes;
    if (first === undefined) return;
    const which = `${prefixText(rib.prefixes, first)}${prefixes.length > 1 ? ` and ${prefixes.length - 1} more` : ''}`;
    this.#emitter.emit('warning', { text: `not sent: ${which}: no next hop of the family, or attributes too long` });
  }
}
