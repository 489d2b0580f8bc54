/**
 * One neighbour of the speaker: joins its session with the tables. It decides nothing about routes or states itself; it
 * knows which tables, which generation of paths and which export group belong to the session at hand.
 */
import { formatIpv4, parseAddress } from '../address.ts';
import type { PeerType } from '../attribute/descriptor.ts';
import type { FamilyKey } from '../family/model.ts';
import { familyNamed, familyOf, ipv4Unicast } from '../family/registry.ts';
import type { DownReason, FsmStateName } from '../fsm/state.ts';
import { ceaseSubcode, routeRefreshSubtype } from '../iana.ts';
import type { Negotiated } from '../message/model.ts';
import { encodeRouteRefresh } from '../message/route-refresh.ts';
import { encodeEndOfRib } from '../message/update.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import type { Clock, Connection, Timer } from '../ports.ts';
import type { GracefulRestartOffer, Session, SessionConfig, SessionEvents } from '../session/model.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import type { PeerColumn } from '../table/peer-column.ts';
import type { Rib } from '../table/rib.ts';
import type { BfdSource, FamilyName, PeerOptions, PeerStatus } from './api.ts';
import { contentOf } from './content.ts';
import type { ExportGroup, ExportGroups, ExportPeer } from './export-groups.ts';
import { type ImportRules, importRulesOf, refusalOf } from './import-rules.ts';
import { type NextHopSources, ownIpv4NextHop, ownIpv6NextHop } from './own-next-hop.ts';
import { PathWatch } from './path-watch.ts';
import { identifyPeer, type PeerIdentity, type SpeakerNumbers } from './peer-identity.ts';
import type { RegisteredPolicy } from './policy-registry.ts';
import { PrefixLimits } from './prefix-limits.ts';
import { socketOptionsOf } from './socket-options.ts';
import { retentionOf, StaleRoutes } from './stale-routes.ts';
import type { TableWalks, WalkedPeer } from './table-walks.ts';
import type { UpdateIntake, UpdateSource } from './update-intake.ts';

const defaultHoldTimeMs = 90_000;
const defaultFamilies: readonly FamilyName[] = ['ipv4-unicast'];

/** What all neighbours share. */
export interface NeighborHost {
  readonly numbers: SpeakerNumbers;
  readonly routerId: number;
  readonly clock: Clock;
  readonly bfd: BfdSource | undefined;
  readonly peers: PeerColumn;
  readonly attributes: AttributeStore;
  readonly groups: ExportGroups;
  readonly intake: UpdateIntake;
  rib(family: FamilyKey): Rib;
  createSession(config: SessionConfig, events: SessionEvents): Session;
  importPolicyOf(neighbor: Neighbor): RegisteredPolicy | undefined;
  exportPolicyOf(neighbor: Neighbor): RegisteredPolicy | undefined;
  readonly walks: TableWalks;
  /** RFC 4724 §3: what the next OPEN to this neighbour says. */
  restartOffer(neighbor: Neighbor): GracefulRestartOffer | undefined;
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
  endOfRibSent: boolean;
  /** The table is being sent again on request, or will be. */
  refreshing: boolean;
}

type SessionConnection = Pick<Connection, 'localAddress' | 'localInterface'>;

export class Neighbor implements UpdateSource, WalkedPeer {
  readonly address: string;
  readonly peer: number;
  readonly session: Session;
  readonly #path: PathWatch;
  readonly #host: NeighborHost;
  readonly #families = new Map<FamilyKey, NeighborFamily>();
  #options: PeerOptions;
  #identity: PeerIdentity;
  #importRules: ImportRules;
  #importPolicy: RegisteredPolicy | undefined;
  #exportPolicy: RegisteredPolicy | undefined;
  #negotiated: Negotiated | undefined;
  #localAddress = '';
  #connection: SessionConnection | undefined;
  #since: number;
  #lastDown: DownReason | undefined;
  #established = 0;
  #limits: PrefixLimits;
  #isOverLimit = false;
  /** Brings the session back that a prefix limit ended. */
  #restart: Timer | undefined;

  constructor(options: PeerOptions, host: NeighborHost) {
    this.#options = options;
    this.#host = host;
    this.address = options.address;
    this.#identity = identifyPeer(options, host.numbers);
    this.#importRules = importRulesOf(options, this.#identity, host.numbers);
    this.#since = host.clock.now();
    this.#importPolicy = host.importPolicyOf(this);
    this.#exportPolicy = host.exportPolicyOf(this);
    this.#limits = new PrefixLimits(options.prefixLimits, (text) => this.warning(text));
    this.peer = host.peers.add(sortKeyOf(options.address), this.type, options.routeReflectorClient === true);
    const families = (options.families ?? defaultFamilies).map((name) => familyNamed(name).key);
    for (const family of families) {
      const rib = host.rib(family);
      const stale = new StaleRoutes(host.clock, {
        sweep: (generation, age) => host.walks.sweep(rib, { peer: this.peer, generation, age }),
        markLongLived: (generation) => host.walks.markLongLived(rib, { peer: this.peer, generation, age: 1 }),
      });
      const flags = { endOfRibReceived: false, endOfRibSent: false, refreshing: false };
      this.#families.set(family, { rib, stale, group: undefined, ...flags });
    }
    this.session = host.createSession(this.#sessionConfig(families), this.#events());
    this.#path = new PathWatch(options, {
      bfd: host.bfd,
      session: this.session,
      isRestarting: () => this.#retainsRoutes,
      warning: (text) => this.warning(text),
    });
  }

  /** Starts its session, with BFD beside it where the options ask for that. */
  start(): void {
    this.#isOverLimit = false;
    this.#restart?.cancel();
    this.#path.start();
  }

  get options(): PeerOptions {
    return this.#options;
  }

  get type(): PeerType {
    return this.#identity.type;
  }

  get importRules(): ImportRules {
    return this.#importRules;
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

  /** Whether there is a session; `kept`: there is none, and its routes wait for it to come back. */
  get presence(): 'up' | 'kept' | 'gone' {
    if (this.session.state.startsWith('Open') || this.isEstablished) return 'up';
    return this.#retainsRoutes ? 'kept' : 'gone';
  }

  get #retainsRoutes(): boolean {
    return [...this.#families.values()].some(({ stale }) => stale.retains);
  }

  /** Why routes with these attributes are withdrawn; undefined when they are taken. */
  refusal(attributes: number): string | undefined {
    return refusalOf(this.#host.attributes, attributes, this.#importRules);
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
    const { localAs } = this.#options;
    const { status: bfd } = this.#path;
    const families = this.#negotiated === undefined ? this.families : this.#negotiatedFamilies().map(([key]) => key);
    const routes = [...this.#families.values()];
    const sum = (count: (family: NeighborFamily) => number) => routes.reduce((total, each) => total + count(each), 0);
    return {
      address: this.address,
      asn: this.#options.asn,
      type: this.type,
      ...(localAs !== undefined && { localAsn: this.#negotiated?.localAsn ?? this.#identity.localAsn }),
      state,
      ...(identifier !== undefined && { identifier: formatIpv4(identifier) }),
      families: families.map((key) => familyOf(key)?.name ?? ipv4Unicast.name),
      since: this.#since,
      ...(this.#lastDown !== undefined && { lastDown: this.#lastDown }),
      ...(bfd !== undefined && { bfd }),
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
    state.stale.endOfRib();
    this.#host.endOfRib(this, family);
  }

  warning(text: string): void {
    this.#host.warning(this, text);
  }

  /** Takes options that the session does not depend on, and evaluates again what they touch. */
  update(options: PeerOptions): void {
    const rules = this.#importRules;
    if (contentOf(options.prefixLimits) !== contentOf(this.#options.prefixLimits)) {
      this.#limits = new PrefixLimits(options.prefixLimits, (text) => this.warning(text));
      // Another limit is what a session that one ended waits for.
      if (this.#isOverLimit) this.start();
    }
    const wasClient = this.#options.routeReflectorClient === true;
    this.#options = options;
    this.#identify();
    this.#path.update(options);
    const isClient = options.routeReflectorClient === true;
    this.#host.peers.setClient(this.peer, isClient);
    // RFC 4456 §6: to whom its routes are reflected depends on it.
    if (isClient !== wasClient) {
      for (const [, { rib }] of this.#families) this.#host.walks.exportAgain(rib, this.peer);
    }
    if (this.isEstablished) this.#checkLimits();
    this.applyPolicy(contentOf(rules) !== contentOf(this.#importRules));
  }

  /** Looks up the policies in force and evaluates again what they touch; `all`: whether they have changed or not. */
  applyPolicy(all = false): void {
    const before = this.#importPolicy;
    this.#importPolicy = this.#host.importPolicyOf(this);
    this.#exportPolicy = this.#host.exportPolicyOf(this);
    for (const [, family] of this.#families) {
      if (all || before !== this.#importPolicy) this.#host.walks.reevaluate(family.rib, this);
      if (family.group !== undefined) this.#join(family);
    }
  }

  /** Ends the neighbour. The caller stops its session and removes its paths. */
  close(): void {
    this.#restart?.cancel();
    this.#path.close();
    this.#leaveGroups();
    for (const { stale } of this.#families.values()) stale.close();
  }

  isLongLivedStale({ family, routes }: Rib, path: number): boolean {
    const before = this.#families.get(family)?.stale.longLivedBefore;
    return before !== undefined && routes.isOlder(path, before, 1);
  }

  /** Asks for the routes of a family, or of all (RFC 2918). False when there is no session, or the peer cannot. */
  requestRefresh(name?: FamilyName): boolean {
    if (this.#negotiated?.routeRefresh !== true) return false;
    const keys = this.#negotiatedFamilies().map(([key]) => key);
    const asked = name === undefined ? keys : keys.filter((key) => key === familyNamed(name).key);
    for (const key of asked) this.#sendRefresh(key, routeRefreshSubtype.request);
    return asked.length > 0;
  }

  #sessionConfig(families: readonly FamilyKey[]): SessionConfig {
    const { address, asn, port, localAddress, holdTimeMs, connectRetryMs, passive, role, roleStrict, device } =
      this.#options;
    const members = this.#host.numbers.confederation?.members;
    const { otherLocalAsn } = this.#identity;
    return {
      localAsn: this.#identity.localAsn,
      ...(otherLocalAsn !== undefined && { otherLocalAsn }),
      localIdentifier: this.#host.routerId,
      peerAsn: asn,
      peerAddress: address,
      families,
      holdTimeMs: holdTimeMs ?? defaultHoldTimeMs,
      gracefulRestart: () => this.#host.restartOffer(this),
      ...capabilityOptionsOf(this.#options, families),
      ...(port !== undefined && { peerPort: port }),
      ...(localAddress !== undefined && { localAddress }),
      ...(connectRetryMs !== undefined && { connectRetryMs }),
      ...(passive !== undefined && { passive }),
      ...(members !== undefined && { confederationMembers: members }),
      ...(role !== undefined && { role }),
      ...(roleStrict !== undefined && { roleStrict }),
      ...(device !== undefined && { device }),
      ...socketOptionsOf(this.#options),
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
        if (this.#negotiated === undefined) return;
        this.#host.intake.take(body, this, this.#negotiated);
        this.#checkLimits();
      },
      routeRefresh: ({ family, subtype }) => this.#onRouteRefresh(family, subtype),
      down: (reason) => this.#onDown(reason),
      writable: () => {
        for (const { group } of this.#families.values()) group?.out.writable(this.peer);
      },
      warning: (text) => this.warning(text),
    };
  }

  #onEstablished(negotiated: Negotiated, connection: SessionConnection): void {
    this.#negotiated = negotiated;
    this.#connection = connection;
    this.#localAddress = plainAddress(connection.localAddress);
    this.#established++;
    this.#identify();
    this.#host.peers.setIdentifier(this.peer, negotiated.peerIdentifier);
    const { gracefulRestart, longLivedGracefulRestart } = negotiated;
    for (const [key, family] of this.#families) {
      const preserves = (list: readonly { family: FamilyKey; forwardingPreserved: boolean }[] = []): boolean =>
        negotiated.families.includes(key) && list.some((each) => each.family === key && each.forwardingPreserved);
      family.endOfRibReceived = false;
      family.endOfRibSent = false;
      family.refreshing = false;
      family.stale.established(preserves(gracefulRestart?.families), preserves(longLivedGracefulRestart));
    }
    this.#host.established(this, negotiated, this.#localAddress);
    for (const [, family] of this.#negotiatedFamilies()) this.#join(family);
  }

  /** The session's numbers are known when it is there. */
  #identify(): void {
    this.#identity = identifyPeer(this.#options, this.#host.numbers, this.#negotiated?.localAsn);
    this.#importRules = importRulesOf(this.#options, this.#identity, this.#host.numbers);
  }

  #onDown(reason: DownReason): void {
    const negotiated = this.#negotiated;
    this.#negotiated = undefined;
    this.#connection = undefined;
    this.#leaveGroups();
    const { maximumPeerStaleTimeMs } = this.#options.longLivedGracefulRestart ?? {};
    for (const [key, { stale }] of this.#families) {
      const kept = negotiated && retentionOf(reason, key, negotiated, maximumPeerStaleTimeMs);
      stale.down(kept);
    }
  }

  /** RFC 4486 §4: "a BGP speaker decides to terminate its peering [...] because the number of address prefixes". */
  #checkLimits(): void {
    const exceeded = this.#limits.check(
      (family) => this.#families.get(family)?.rib.routes.receivedCount(this.peer) ?? 0,
    );
    if (exceeded === undefined) return;
    const { data, text, restartAfterMs } = exceeded;
    this.#isOverLimit = true;
    this.#path.stop({ notify: true, subcode: ceaseSubcode.maximumPrefixesReached, data, text });
    if (restartAfterMs === undefined) return;
    this.#restart?.cancel();
    this.#restart = this.#host.clock.after(restartAfterMs, () => this.start());
  }

  #onRouteRefresh(key: FamilyKey, subtype: number): void {
    const family = this.#families.get(key);
    if (family === undefined || this.#negotiated === undefined || this.ribOf(key) === undefined) return;
    switch (subtype) {
      case routeRefreshSubtype.request:
        family.refreshing = true;
        // RFC 7313 §4: before End-of-RIB there is no BoRR; the refresh follows then.
        if (family.endOfRibSent) this.#beginRefresh(family);
        break;
      case routeRefreshSubtype.beginning:
        family.stale.beginRefresh();
        break;
      case routeRefreshSubtype.end:
        family.stale.endRefresh();
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
    const peer = this.exportPeer(family.rib);
    if (peer === undefined) return;
    const member = {
      peer: this.peer,
      send: (messages: Uint8Array) => this.session.send(messages),
      complete: () => this.#complete(family),
    };
    family.group = this.#host.groups.join(family.rib, peer, member, family.group);
  }

  /** What the form of its routes depends on; undefined without a session. */
  exportPeer(rib: Rib): ExportPeer | undefined {
    const negotiated = this.#negotiated;
    if (negotiated === undefined) return undefined;
    return {
      identity: this.#identity,
      options: this.#options,
      exportPolicy: this.#exportPolicy,
      negotiated,
      nextHop: this.#ownNextHop(rib, negotiated),
    };
  }

  /** The session at hand. */
  get established(): { readonly localAddress: string; readonly negotiated: Negotiated } | undefined {
    return this.#negotiated && { localAddress: this.#localAddress, negotiated: this.#negotiated };
  }

  get exportPolicy(): CompiledPolicy | undefined {
    return this.#exportPolicy?.policy;
  }

  /** RFC 8950 §4: where that was agreed, IPv4 routes over IPv6 get an IPv6 next hop. */
  #ownNextHop({ family }: Rib, { extendedNextHop = [] }: Negotiated): Uint8Array | undefined {
    const sources: NextHopSources = {
      localAddress: this.#localAddress,
      peerAddress: plainAddress(this.address),
      configured: this.#options.nextHopAddresses ?? [],
      localInterface: () => this.#connection?.localInterface?.(),
    };
    const overIpv6 = this.#localAddress.includes(':');
    const wantsIpv4 = family === ipv4Unicast.key && !(overIpv6 && extendedNextHop.includes(family));
    return wantsIpv4 ? ownIpv4NextHop(sources) : ownIpv6NextHop(sources);
  }

  #beginRefresh({ rib, group }: NeighborFamily): void {
    if (this.#negotiated?.enhancedRouteRefresh === true) this.#sendRefresh(rib.family, routeRefreshSubtype.beginning);
    group?.out.refresh(this.peer);
  }

  #complete(family: NeighborFamily): void {
    const { family: key } = family.rib;
    if (!family.endOfRibSent) {
      family.endOfRibSent = true;
      this.session.send(encodeEndOfRib(key));
      if (family.refreshing) this.#beginRefresh(family);
      return;
    }
    if (this.#negotiated?.enhancedRouteRefresh === true) this.#sendRefresh(key, routeRefreshSubtype.end);
    family.refreshing = false;
  }

  #leaveGroups(): void {
    for (const family of this.#families.values()) {
      if (family.group !== undefined) this.#host.groups.leave(family.group, this.peer);
      family.group = undefined;
    }
  }
}

/** RFC 7911 §4, RFC 8950 §4. */
function capabilityOptionsOf(
  { addPath, extendedNextHop }: PeerOptions,
  families: readonly FamilyKey[],
): Pick<SessionConfig, 'addPath' | 'extendedNextHop'> {
  const { send = false, receive = false } = addPath ?? {};
  return {
    ...(addPath !== undefined && { addPath: { send: send !== false, receive } }),
    ...(extendedNextHop === true && { extendedNextHop: families.filter((key) => key === ipv4Unicast.key) }),
  };
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
