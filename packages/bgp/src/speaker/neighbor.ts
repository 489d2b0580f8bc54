/**
 * One neighbour of the speaker: joins its session with the tables. It decides nothing about routes or states itself; it
 * knows which tables, which generation of paths and which export group belong to the session at hand.
 */
import { formatIpv4, parseAddress } from '../address.ts';
import type { FamilyKey } from '../family/model.ts';
import { familyNamed, familyOf, ipv4Unicast } from '../family/registry.ts';
import type { DownReason, FsmStateName } from '../fsm/state.ts';
import { routeRefreshSubtype } from '../iana.ts';
import type { Negotiated } from '../message/model.ts';
import { encodeRouteRefresh } from '../message/route-refresh.ts';
import { encodeEndOfRib } from '../message/update.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import type { Clock, Connection } from '../ports.ts';
import type { GracefulRestartOffer, Session, SessionConfig, SessionEvents } from '../session/model.ts';
import type { PeerColumn } from '../table/peer-column.ts';
import type { Rib } from '../table/rib.ts';
import type { FamilyName, PeerOptions, PeerStatus } from './api.ts';
import type { ExportGroup, ExportGroups } from './export-groups.ts';
import type { RegisteredPolicy } from './policy-registry.ts';
import { keepsRoutes, StaleRoutes } from './stale-routes.ts';
import type { UpdateIntake, UpdateSource } from './update-intake.ts';

const defaultHoldTimeMs = 90_000;
const defaultFamilies: readonly FamilyName[] = ['ipv4-unicast'];

/** What all neighbours share. */
export interface NeighborHost {
  readonly asn: number;
  readonly routerId: number;
  readonly clock: Clock;
  readonly peers: PeerColumn;
  readonly groups: ExportGroups;
  readonly intake: UpdateIntake;
  rib(family: FamilyKey): Rib;
  createSession(config: SessionConfig, events: SessionEvents): Session;
  importPolicyOf(neighbor: Neighbor): RegisteredPolicy | undefined;
  exportPolicyOf(neighbor: Neighbor): RegisteredPolicy | undefined;
  /** RFC 4724 §3: what the next OPEN to this neighbour says. */
  restartOffer(neighbor: Neighbor): GracefulRestartOffer | undefined;
  sweep(rib: Rib, peer: number, generation: number, age: number): void;
  reevaluate(rib: Rib, neighbor: Neighbor): void;
  stateChanged(neighbor: Neighbor, from: FsmStateName, to: FsmStateName, reason: DownReason | undefined): void;
  established(neighbor: Neighbor, negotiated: Negotiated, localAddress: string): void;
  endOfRib(neighbor: Neighbor, family: FamilyKey): void;
  warning(neighbor: Neighbor, text: string): void;
}

interface NeighborFamily {
  readonly rib: Rib;
  readonly stale: StaleRoutes;
  group: ExportGroup | undefined;
  endOfRibReceived: boolean;
  /** The table is being sent again on request. */
  refreshing: boolean;
}

export class Neighbor implements UpdateSource {
  readonly address: string;
  readonly type: 'ibgp' | 'ebgp';
  readonly peer: number;
  readonly session: Session;
  readonly #host: NeighborHost;
  readonly #families = new Map<FamilyKey, NeighborFamily>();
  #options: PeerOptions;
  #importPolicy: RegisteredPolicy | undefined;
  #exportPolicy: RegisteredPolicy | undefined;
  #negotiated: Negotiated | undefined;
  #localAddress = '';
  #since: number;
  #lastDown: DownReason | undefined;
  #established = 0;

  constructor(options: PeerOptions, host: NeighborHost) {
    this.#options = options;
    this.#host = host;
    this.address = options.address;
    this.type = options.asn === host.asn ? 'ibgp' : 'ebgp';
    this.#since = host.clock.now();
    this.peer = host.peers.add(sortKeyOf(options.address), this.type === 'ibgp', options.routeReflectorClient === true);
    this.#importPolicy = host.importPolicyOf(this);
    this.#exportPolicy = host.exportPolicyOf(this);
    const families = (options.families ?? defaultFamilies).map((name) => familyNamed(name).key);
    for (const family of families) {
      const rib = host.rib(family);
      const stale = new StaleRoutes(host.clock, (generation, age) => host.sweep(rib, this.peer, generation, age));
      this.#families.set(family, { rib, stale, group: undefined, endOfRibReceived: false, refreshing: false });
    }
    this.session = host.createSession(this.#sessionConfig(families), this.#events());
  }

  get options(): PeerOptions {
    return this.#options;
  }

  get importPolicy(): CompiledPolicy | undefined {
    return this.#importPolicy?.policy;
  }

  /** Ids of the policies in force. */
  get policyIds(): readonly number[] {
    return [this.#importPolicy?.id ?? 0, this.#exportPolicy?.id ?? 0];
  }

  get isEstablished(): boolean {
    return this.#negotiated !== undefined;
  }

  /** How often the session was Established. */
  get establishedCount(): number {
    return this.#established;
  }

  get families(): readonly FamilyKey[] {
    return [...this.#families.keys()];
  }

  /** All End-of-RIB markers of the session are there. */
  get isComplete(): boolean {
    return this.isEstablished && this.#negotiatedFamilies().every(([, { endOfRibReceived }]) => endOfRibReceived);
  }

  status(): PeerStatus {
    const { counters, state } = this.session;
    const identifier = this.#negotiated?.peerIdentifier;
    const families = this.#negotiated === undefined ? this.families : this.#negotiatedFamilies().map(([key]) => key);
    const routes = [...this.#families.values()];
    const sum = (count: (family: NeighborFamily) => number) => routes.reduce((total, each) => total + count(each), 0);
    return {
      address: this.address,
      asn: this.#options.asn,
      type: this.type,
      state,
      ...(identifier !== undefined && { identifier: formatIpv4(identifier) }),
      families: families.map((key) => familyOf(key)?.name ?? ipv4Unicast.name),
      since: this.#since,
      ...(this.#lastDown !== undefined && { lastDown: this.#lastDown }),
      established: this.#established,
      prefixesReceived: sum(({ rib }) => rib.routes.receivedCount(this.peer)),
      prefixesAccepted: sum(({ rib }) => rib.routes.acceptedCount(this.peer)),
      prefixesSent: sum(({ group }) => group?.out.sentTo(this.peer) ?? 0),
      messages: { received: counters.messagesReceived, sent: counters.messagesSent },
      updates: { received: counters.updatesReceived, sent: counters.updatesSent },
    };
  }

  ribOf(family: FamilyKey): Rib | undefined {
    return this.#negotiated?.families.includes(family) === true ? this.#families.get(family)?.rib : undefined;
  }

  generationOf(family: FamilyKey): number {
    return this.#families.get(family)?.stale.generation ?? 0;
  }

  endOfRib(family: FamilyKey): void {
    const state = this.#families.get(family);
    if (state === undefined || this.ribOf(family) === undefined) return;
    state.endOfRibReceived = true;
    if (state.stale.retains) state.stale.flush();
    this.#host.endOfRib(this, family);
  }

  warning(text: string): void {
    this.#host.warning(this, text);
  }

  /** Takes options that the session does not depend on, and evaluates again what they touch. */
  update(options: PeerOptions): void {
    this.#options = options;
    this.#host.peers.setClient(this.peer, options.routeReflectorClient === true);
    this.applyPolicy();
  }

  /** Looks up the policies in force and evaluates again what they touch. */
  applyPolicy(): void {
    const before = this.#importPolicy;
    this.#importPolicy = this.#host.importPolicyOf(this);
    this.#exportPolicy = this.#host.exportPolicyOf(this);
    for (const [, family] of this.#families) {
      if (before !== this.#importPolicy) this.#host.reevaluate(family.rib, this);
      if (family.group !== undefined) this.#join(family);
    }
  }

  /** Ends the neighbour. The caller stops its session and removes its paths. */
  close(): void {
    this.#leaveGroups();
    for (const { stale } of this.#families.values()) stale.close();
  }

  #sessionConfig(families: readonly FamilyKey[]): SessionConfig {
    const { address, asn, port, localAddress, holdTimeMs, connectRetryMs, passive, password, multihopTtl } =
      this.#options;
    return {
      localAsn: this.#host.asn,
      localIdentifier: this.#host.routerId,
      peerAsn: asn,
      peerAddress: address,
      families,
      holdTimeMs: holdTimeMs ?? defaultHoldTimeMs,
      gracefulRestart: () => this.#host.restartOffer(this),
      ...(port !== undefined && { peerPort: port }),
      ...(localAddress !== undefined && { localAddress }),
      ...(connectRetryMs !== undefined && { connectRetryMs }),
      ...(passive !== undefined && { passive }),
      ...(password !== undefined && { password }),
      ...(multihopTtl !== undefined && { ttl: multihopTtl }),
    };
  }

  #events(): SessionEvents {
    return {
      stateChanged: (from, to, reason) => {
        this.#since = this.#host.clock.now();
        if (reason !== undefined) this.#lastDown = reason;
        this.#host.stateChanged(this, from, to, reason);
      },
      established: (negotiated, connection) => this.#onEstablished(negotiated, connection),
      update: (body) => {
        if (this.#negotiated !== undefined) this.#host.intake.take(body, this, this.#negotiated);
      },
      routeRefresh: ({ family, subtype }) => this.#onRouteRefresh(family, subtype),
      down: (reason) => this.#onDown(reason),
      writable: () => {
        for (const { group } of this.#families.values()) group?.out.writable(this.peer);
      },
      warning: (text) => this.warning(text),
    };
  }

  #onEstablished(negotiated: Negotiated, connection: Pick<Connection, 'localAddress'>): void {
    this.#negotiated = negotiated;
    this.#localAddress = plainAddress(connection.localAddress);
    this.#established++;
    this.#host.peers.setIdentifier(this.peer, negotiated.peerIdentifier);
    const restart = negotiated.gracefulRestart;
    for (const [key, family] of this.#families) {
      const offered = negotiated.families.includes(key) && restart?.families.find(({ family: each }) => each === key);
      family.endOfRibReceived = false;
      family.refreshing = false;
      family.stale.established(offered !== undefined && offered !== false && offered.forwardingPreserved);
    }
    this.#host.established(this, negotiated, this.#localAddress);
    for (const [, family] of this.#negotiatedFamilies()) this.#join(family);
  }

  #onDown(reason: DownReason): void {
    const restart = this.#negotiated?.gracefulRestart;
    this.#negotiated = undefined;
    this.#leaveGroups();
    const keeps = restart !== undefined && keepsRoutes(reason, restart);
    for (const [key, { stale }] of this.#families) {
      const listed = keeps && restart.families.some(({ family }) => family === key);
      stale.down(listed ? restart.restartTimeMs : undefined);
    }
  }

  #onRouteRefresh(key: FamilyKey, subtype: number): void {
    const family = this.#families.get(key);
    if (family === undefined || this.#negotiated === undefined || this.ribOf(key) === undefined) return;
    switch (subtype) {
      case routeRefreshSubtype.request:
        family.refreshing = true;
        if (this.#negotiated.enhancedRouteRefresh) this.#sendRefresh(key, routeRefreshSubtype.beginning);
        family.group?.out.refresh(this.peer);
        break;
      case routeRefreshSubtype.beginning:
        family.stale.beginRefresh();
        break;
      case routeRefreshSubtype.end:
        if (family.stale.retains) family.stale.flush();
        break;
      default:
        // RFC 7313 §5: "If the subtype is not known, the message MUST be ignored."
        break;
    }
  }

  #sendRefresh(family: FamilyKey, subtype: number): void {
    this.session.send(encodeRouteRefresh({ family, subtype }));
  }

  #negotiatedFamilies(): [FamilyKey, NeighborFamily][] {
    return [...this.#families].filter(([key]) => this.#negotiated?.families.includes(key) === true);
  }

  #join(family: NeighborFamily): void {
    if (this.#negotiated === undefined) return;
    const { routeReflectorClient, nextHopSelf } = this.#options;
    const peer = {
      address: this.address,
      type: this.type,
      routeReflectorClient: routeReflectorClient === true,
      nextHopSelf: nextHopSelf === true,
      exportPolicy: this.#exportPolicy,
      negotiated: this.#negotiated,
      localAddress: this.#localAddress,
    };
    const member = {
      peer: this.peer,
      send: (messages: Uint8Array) => this.session.send(messages),
      complete: () => this.#complete(family),
    };
    family.group = this.#host.groups.join(family.rib, peer, member, family.group);
  }

  #complete(family: NeighborFamily): void {
    const { family: key } = family.rib;
    if (!family.refreshing) this.session.send(encodeEndOfRib(key));
    else if (this.#negotiated?.enhancedRouteRefresh === true) this.#sendRefresh(key, routeRefreshSubtype.end);
    family.refreshing = false;
  }

  #leaveGroups(): void {
    for (const family of this.#families.values()) {
      if (family.group !== undefined) this.#host.groups.leave(family.group, this.peer);
      family.group = undefined;
    }
  }
}

/** Sorts as addresses do, IPv4 before IPv6. */
function sortKeyOf(address: string): string {
  const bytes = parseAddress(address.split('%')[0] ?? '');
  return `${bytes.length === 4 ? 4 : 6}${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Without a zone (RFC 4007 §11), and an IPv4-mapped one as IPv4. */
function plainAddress(text: string): string {
  return (text.split('%')[0] ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
