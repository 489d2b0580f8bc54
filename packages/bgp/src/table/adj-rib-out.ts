/**
 * Adj-RIB-Out of a group of peers that all see the same routes in the same form (RFC 4271 §3.2): one table, one packing,
 * the same buffer written to each. A peer that cannot take more leaves the common way: what changes meanwhile is one
 * bit a prefix, and is sent from the table when the peer takes bytes again. Nothing queues without bound.
 */
import { factFlag } from './attribute-facts.ts';
import { type AttributeStore, NO_ATTRIBUTES } from './attribute-store.ts';
import { withRoom } from './column.ts';
import { DirtySet } from './dirty-set.ts';
import type { ExportTransform } from './export-transform.ts';
import { LOCAL_PEER, type PeerColumn } from './peer-column.ts';
import type { Rib, RibReader } from './rib.ts';
import { NO_PATH } from './route-table.ts';
import { UpdateBatch } from './update-batch.ts';

/** Prefixes a slice: what keeps the event loop held for milliseconds only. */
const SLICE = 8192;
const restricted = factFlag.noAdvertise | factFlag.noExport | factFlag.noExportSubconfed;
/** No peer's number. */
const NOBODY = -1;

/** One peer of the group. */
export interface ExportMember {
  readonly peer: number;
  /** Takes whole messages. False: no more until the group is told by `writable`. */
  send(messages: Uint8Array): boolean;
  /** The table was sent whole once since it joined, or since it asked for a refresh. */
  complete(): void;
}

interface MemberState {
  readonly member: ExportMember;
  /** What this member has to be told apart from the others. Empty: it goes the common way. */
  readonly pending: DirtySet;
  writable: boolean;
  completeDue: boolean;
}

export interface AdjRibOutOptions {
  readonly rib: Rib;
  readonly attributes: AttributeStore;
  readonly peers: PeerColumn;
  readonly transform: ExportTransform;
  readonly maximumMessageBytes: number;
  /** There is work: `flush` should be called soon. */
  readonly wake: () => void;
  /** These prefixes are not sent: their attributes fill a message, or the session gives no next hop for them. */
  readonly unsendable: (prefixes: readonly number[]) => void;
}

export class AdjRibOut implements RibReader {
  readonly #rib: Rib;
  readonly #attributes: AttributeStore;
  readonly #peers: PeerColumn;
  readonly #transform: ExportTransform;
  readonly #batch: UpdateBatch;
  readonly #wake: () => void;
  readonly #unsendable: (prefixes: readonly number[]) => void;
  readonly #members = new Map<number, MemberState>();
  readonly #dirty = new DirtySet();
  readonly #ids = new Int32Array(SLICE);
  /** What the group was told: attributes after policy, or NO_ATTRIBUTES. */
  #sent: Int32Array<ArrayBufferLike> = new Int32Array(64);
  /** The member that the route came from and that is told nothing, or LOCAL_PEER. */
  #withheld: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #withheldCount: Int32Array<ArrayBufferLike> = new Int32Array(8);
  #sentCount = 0;
  #closing = false;
  #closedUpTo = 0;

  constructor(options: AdjRibOutOptions) {
    this.#rib = options.rib;
    this.#attributes = options.attributes;
    this.#peers = options.peers;
    this.#transform = options.transform;
    this.#wake = options.wake;
    this.#unsendable = options.unsendable;
    this.#batch = new UpdateBatch(options.rib, options.attributes, options.transform, options.maximumMessageBytes);
    this.#lookAtAll();
    this.#rib.addReader(this);
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Routes that the member was told, or will be as soon as it takes them. */
  sentTo(peer: number): number {
    return this.#sentCount - (this.#withheldCount[peer] ?? 0);
  }

  changed(prefix: number): void {
    if (this.#closing) return;
    // With others waiting the group is awake, or will be by the member that takes bytes again.
    if (this.#dirty.size === 0) this.#wake();
    this.#dirty.add(prefix);
  }

  holds(prefix: number): boolean {
    if ((this.#sent[prefix] ?? NO_ATTRIBUTES) !== NO_ATTRIBUTES || this.#dirty.has(prefix)) return true;
    for (const { pending } of this.#members.values()) if (pending.size > 0 && pending.has(prefix)) return true;
    return false;
  }

  /** `before`: the group that the member was in until now, whose routes it has. */
  join(member: ExportMember, before?: AdjRibOut): void {
    const state: MemberState = { member, pending: new DirtySet(), writable: true, completeDue: before === undefined };
    // What came from the only member was not looked at for anybody.
    if (this.#members.size === 1) this.#lookAtAll();
    this.#members.set(member.peer, state);
    this.#addSent(state.pending);
    if (before !== undefined) before.#addSent(state.pending);
    this.#wake();
  }

  leave(peer: number): void {
    this.#members.delete(peer);
  }

  /** Forgets a slice of what was sent, for a group without members. False: all is forgotten and the group is no more. */
  close(): boolean {
    this.#closing = true;
    const left = this.#dirty.take(this.#ids);
    for (let index = 0; index < left; index++) this.#rib.reclaim(this.#ids[index] ?? 0);
    if (left > 0) return true;
    const end = Math.min(this.#closedUpTo + SLICE, this.#sent.length);
    for (let prefix = this.#closedUpTo; prefix < end; prefix++) {
      const attributes = this.#sent[prefix] ?? NO_ATTRIBUTES;
      if (attributes === NO_ATTRIBUTES) continue;
      this.#attributes.release(attributes);
      this.#sent[prefix] = NO_ATTRIBUTES;
      this.#rib.reclaim(prefix);
    }
    this.#closedUpTo = end;
    if (end < this.#sent.length) return true;
    this.#rib.removeReader(this);
    return false;
  }

  writable(peer: number): void {
    const state = this.#members.get(peer);
    if (state === undefined) return;
    state.writable = true;
    this.#wake();
  }

  /** Sends everything again (RFC 2918); `complete` is called on the member when that is done. */
  refresh(peer: number): void {
    const state = this.#members.get(peer);
    if (state === undefined) return;
    this.#addSent(state.pending);
    state.completeDue = true;
    this.#wake();
  }

  /** One slice of work. True when more can be done at once. */
  flush(): boolean {
    if (this.#dirty.size > 0 && this.#anyWritable()) {
      this.#flushCommon();
      if (this.#dirty.size > 0) return true;
    }
    let more = false;
    for (const state of this.#members.values()) {
      if (!state.writable) continue;
      if (state.pending.size > 0) this.#flushPending(state);
      if (!state.writable) continue;
      if (state.pending.size > 0) {
        more = true;
      } else if (state.completeDue && this.#dirty.size === 0 && !this.#rib.isIncomplete) {
        state.completeDue = false;
        state.member.complete();
      }
    }
    return more;
  }

  /** While nobody takes bytes the table waits as it is: its changes are one bit a prefix, too. */
  #anyWritable(): boolean {
    for (const { writable } of this.#members.values()) if (writable) return true;
    return false;
  }

  #lookAtAll(): void {
    for (let prefix = 0; prefix < this.#rib.prefixes.limit; prefix++) {
      if (this.#rib.routes.best(prefix) !== NO_PATH) this.#dirty.add(prefix);
    }
  }

  #addSent(pending: DirtySet): void {
    for (let prefix = 0; prefix < this.#sent.length; prefix++) {
      if (this.#sent[prefix] !== NO_ATTRIBUTES) pending.add(prefix);
    }
  }

  #flushCommon(): void {
    const ids = this.#ids;
    const count = this.#dirty.take(ids);
    const last = ids[count - 1] ?? 0;
    this.#sent = withRoom(this.#sent, last);
    this.#withheld = withRoom(this.#withheld, last);
    // Settled before anything is added to a member's own list: who is in step now gets all of this slice in common.
    const inStep: MemberState[] = [];
    const behind: MemberState[] = [];
    for (const state of this.#members.values()) (isInStep(state) ? inStep : behind).push(state);
    const only = this.#onlyMember();
    const batch = this.#batch;
    this.#transform.begin();
    for (let index = 0; index < count; index++) {
      const prefix = ids[index] ?? 0;
      const path = this.#rib.routes.best(prefix);
      const source = path === NO_PATH ? LOCAL_PEER : this.#rib.routes.peerOf(path);
      const goesOut = path !== NO_PATH && source !== only;
      const attributes = goesOut ? this.#outgoing(prefix, path, source) : NO_ATTRIBUTES;
      const withheld = attributes !== NO_ATTRIBUTES && this.#members.has(source) ? source : LOCAL_PEER;
      const sentBefore = this.#sent[prefix] ?? NO_ATTRIBUTES;
      const withheldBefore = this.#withheld[prefix] ?? LOCAL_PEER;
      if (attributes === sentBefore && withheld === withheldBefore) {
        if (attributes === NO_ATTRIBUTES) this.#rib.reclaim(prefix);
        continue;
      }
      if (withheld !== withheldBefore) this.#moveWithheld(prefix, attributes, sentBefore, withheld, withheldBefore);
      if (attributes === sentBefore) continue;
      this.#store(prefix, attributes, sentBefore);
      for (let each = 0; each < behind.length; each++) behind[each]?.pending.add(prefix);
      if (attributes === NO_ATTRIBUTES) batch.withdraw(prefix, withheldBefore);
      else batch.announce(prefix, attributes, withheld);
    }
    batch.pack();
    this.#distribute(inStep);
    for (const prefix of batch.unsendable) this.#giveUp(prefix);
    if (batch.unsendable.length > 0) this.#unsendable(batch.unsendable);
    for (const prefix of batch.withdrawn()) this.#rib.reclaim(prefix);
    batch.clear();
    this.#transform.end();
  }

  /** The peer of a group of one: its own routes are for nobody. */
  #onlyMember(): number {
    if (this.#members.size !== 1) return NOBODY;
    for (const peer of this.#members.keys()) return peer;
    return NOBODY;
  }

  /** The route was sent to one member less, and to another one more: both are told apart from the others. */
  #moveWithheld(prefix: number, attributes: number, sentBefore: number, withheld: number, before: number): void {
    this.#withheld[prefix] = withheld;
    this.#withheldCount = withRoom(this.#withheldCount, Math.max(withheld, before));
    if (before !== LOCAL_PEER) {
      this.#withheldCount[before] = (this.#withheldCount[before] ?? 0) - 1;
      if (attributes !== NO_ATTRIBUTES) this.#members.get(before)?.pending.add(prefix);
    }
    if (withheld !== LOCAL_PEER) {
      this.#withheldCount[withheld] = (this.#withheldCount[withheld] ?? 0) + 1;
      if (sentBefore !== NO_ATTRIBUTES) this.#members.get(withheld)?.pending.add(prefix);
    }
  }

  #store(prefix: number, attributes: number, sentBefore: number): void {
    if (attributes !== NO_ATTRIBUTES) {
      this.#attributes.retain(attributes);
      this.#sentCount++;
    }
    if (sentBefore !== NO_ATTRIBUTES) {
      this.#attributes.release(sentBefore);
      this.#sentCount--;
    }
    this.#sent[prefix] = attributes;
  }

  /** The attributes do not fit a message, or no next hop can be given: nobody has the route. */
  #giveUp(prefix: number): void {
    const sent = this.#sent[prefix] ?? NO_ATTRIBUTES;
    const withheld = this.#withheld[prefix] ?? LOCAL_PEER;
    if (withheld !== LOCAL_PEER) this.#withheldCount[withheld] = (this.#withheldCount[withheld] ?? 0) - 1;
    this.#withheld[prefix] = LOCAL_PEER;
    this.#store(prefix, NO_ATTRIBUTES, sent);
    for (const { pending } of this.#members.values()) pending.add(prefix);
  }

  /** Writes the packed batch to the members in step; each one's own routes are left out for it. */
  #distribute(inStep: readonly MemberState[]): void {
    const { bytes, segments } = this.#batch;
    if (bytes.length === 0) return;
    for (const state of inStep) {
      const own = segments.find(({ withheld }) => withheld === state.member.peer);
      if (own === undefined) {
        state.writable = state.member.send(bytes);
        continue;
      }
      if (own.start > 0) state.writable = state.member.send(bytes.subarray(0, own.start));
      if (own.end < bytes.length) state.writable = state.member.send(bytes.subarray(own.end));
    }
  }

  /** Sends a member what it has to be told apart, a slice of it. */
  #flushPending(state: MemberState): void {
    const count = state.pending.take(this.#ids);
    const batch = this.#batch;
    for (let index = 0; index < count; index++) {
      const prefix = this.#ids[index] ?? 0;
      const sent = this.#sent[prefix] ?? NO_ATTRIBUTES;
      if (sent === NO_ATTRIBUTES || this.#withheld[prefix] === state.member.peer) batch.withdraw(prefix, LOCAL_PEER);
      else batch.announce(prefix, sent, LOCAL_PEER);
    }
    batch.pack();
    if (batch.bytes.length > 0) state.writable = state.member.send(batch.bytes);
    for (const prefix of batch.withdrawn()) this.#rib.reclaim(prefix);
    batch.clear();
  }

  /** Attributes of the route as this group is to see it, before BGP's own rules for sending; NO_ATTRIBUTES: not at all. */
  #outgoing(prefix: number, path: number, source: number): number {
    const attributes = this.#rib.routes.usableOf(path);
    const { external, clients } = this.#transform;
    const flags = this.#attributes.flagsOf(attributes);
    // RFC 1997: about routes received with these. What this speaker adds itself is for the receiver.
    if (source !== LOCAL_PEER && (flags & restricted) !== 0) {
      if ((flags & factFlag.noAdvertise) !== 0) return NO_ATTRIBUTES;
      if (external && (flags & (factFlag.noExport | factFlag.noExportSubconfed)) !== 0) return NO_ATTRIBUTES;
    }
    const reflected = !external && source !== LOCAL_PEER && this.#peers.internal(source) === 1;
    // RFC 4456 §6: from a non-client to clients only, from a client to everybody inside.
    if (reflected && !clients && !this.#peers.isClient(source)) return NO_ATTRIBUTES;
    return this.#transform.apply(prefix, attributes, source, reflected);
  }
}

function isInStep({ writable, pending }: MemberState): boolean {
  return writable && pending.size === 0;
}
