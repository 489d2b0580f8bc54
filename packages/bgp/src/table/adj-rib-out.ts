/**
 * Adj-RIB-Out of a group of peers that all see the same routes in the same form (RFC 4271 §3.2): one table, one packing,
 * the same buffer written to each. A peer that cannot take more leaves the common way: what changes meanwhile is one
 * bit a route, and is sent from the table when the peer takes bytes again. Nothing queues without bound. What the table
 * holds is the business of `best-path-out.ts` and `add-path-out.ts`.
 */
import type { AttributeStore } from './attribute-store.ts';
import { DirtySet } from './dirty-set.ts';
import type { ExportTransform } from './export-transform.ts';
import type { Rib, RibReader } from './rib.ts';
import { NO_PATH } from './route-table.ts';
import { UpdateBatch } from './update-batch.ts';

/** Prefixes a slice: what keeps the event loop held for milliseconds only. */
const SLICE = 8192;
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

export interface MemberState {
  readonly member: ExportMember;
  /** Routes that this member has to be told apart from the others. Empty: it goes the common way. */
  readonly pending: DirtySet;
  writable: boolean;
  completeDue: boolean;
}

export interface AdjRibOutOptions {
  readonly rib: Rib;
  readonly attributes: AttributeStore;
  readonly transform: ExportTransform;
  readonly maximumMessageBytes: number;
  /** IPv4 routes may have an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: boolean;
  /** There is work: `flush` should be called soon. */
  readonly wake: () => void;
  /** These prefixes are not sent: their attributes fill a message, or the session gives no next hop for them. */
  readonly unsendable: (prefixes: readonly number[]) => void;
}

export abstract class AdjRibOut implements RibReader {
  protected readonly rib: Rib;
  protected readonly attributes: AttributeStore;
  protected readonly transform: ExportTransform;
  protected readonly batch: UpdateBatch;
  protected readonly members = new Map<number, MemberState>();
  /** Prefixes to be looked at. */
  protected readonly dirty = new DirtySet();
  protected readonly ids = new Int32Array(SLICE);
  readonly #wake: () => void;
  readonly #unsendable: (prefixes: readonly number[]) => void;
  #closing = false;
  #closedUpTo = 0;

  constructor(options: AdjRibOutOptions, addPath: boolean) {
    const { rib, attributes, transform, maximumMessageBytes, extendedNextHop } = options;
    this.rib = rib;
    this.attributes = attributes;
    this.transform = transform;
    this.#wake = options.wake;
    this.#unsendable = options.unsendable;
    this.batch = new UpdateBatch(rib, attributes, transform, { maximumMessageBytes, extendedNextHop, addPath });
    this.#lookAtAll();
    rib.addReader(this);
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  /** Routes that the member was told, or will be as soon as it takes them. */
  abstract sentTo(peer: number): number;

  abstract holds(prefix: number): boolean;

  changed(prefix: number): void {
    if (this.#closing) return;
    // With others waiting the group is awake, or will be by the member that takes bytes again.
    if (this.dirty.size === 0) this.#wake();
    this.dirty.add(prefix);
  }

  /** `before`: the group that the member was in until now, whose routes it has. */
  join(member: ExportMember, before?: AdjRibOut): void {
    const state: MemberState = { member, pending: new DirtySet(), writable: true, completeDue: before === undefined };
    // What came from the only member was not looked at for anybody.
    if (this.members.size === 1 || this.looksAgainFor(member.peer)) this.#lookAtAll();
    this.members.set(member.peer, state);
    this.addSent(state.pending, member.peer);
    if (before !== undefined) this.addSentBy(before, state.pending, member.peer);
    this.#wake();
  }

  leave(peer: number): void {
    const state = this.members.get(peer);
    this.members.delete(peer);
    if (state !== undefined && state.pending.size > 0) this.forgetPending(state.pending);
  }

  /** Forgets a slice of what was sent, for a group without members. False: all is forgotten and the group is no more. */
  close(): boolean {
    this.#closing = true;
    const left = this.dirty.take(this.ids);
    for (let index = 0; index < left; index++) this.rib.reclaim(this.ids[index] ?? 0);
    if (left > 0) return true;
    const end = this.#closedUpTo + SLICE;
    const more = this.forget(this.#closedUpTo, end);
    this.#closedUpTo = end;
    if (!more) this.rib.removeReader(this);
    return more;
  }

  writable(peer: number): void {
    const state = this.members.get(peer);
    if (state === undefined) return;
    state.writable = true;
    this.#wake();
  }

  /** Sends everything again (RFC 2918); `complete` is called on the member when that is done. */
  refresh(peer: number): void {
    const state = this.members.get(peer);
    if (state === undefined) return;
    this.addSent(state.pending, peer);
    state.completeDue = true;
    this.#wake();
  }

  /** One slice of work. True when more can be done at once. */
  flush(): boolean {
    if (this.dirty.size > 0 && this.#anyWritable()) {
      this.#flushCommon();
      if (this.dirty.size > 0) return true;
    }
    let more = false;
    for (const state of this.members.values()) {
      if (!state.writable) continue;
      if (state.pending.size > 0) this.#flushPending(state);
      if (!state.writable) continue;
      if (state.pending.size > 0) {
        more = true;
      } else if (state.completeDue && this.dirty.size === 0 && !this.rib.isIncomplete) {
        state.completeDue = false;
        state.member.complete();
      }
    }
    return more;
  }

  /** A new member makes a difference for what others, or itself, are told. */
  protected looksAgainFor(_peer: number): boolean {
    return false;
  }

  /** Adds all routes that the member has been told with the group. */
  protected abstract addSent(pending: DirtySet, peer: number): void;

  /** Adds all routes that the member has been told with a group of the same kind. */
  protected abstract addSentBy(other: AdjRibOut, pending: DirtySet, peer: number): void;

  /** Brings the table up to date for a slice of dirty prefixes and puts what the group is to be told into the batch. */
  protected abstract update(count: number, only: number, behind: readonly MemberState[]): void;

  /** Puts what the table says about a member's own slice of routes into the batch. */
  protected abstract repeat(count: number, peer: number): void;

  /** Nobody gets this entry of `batch.unsendable`. Returns its prefix. */
  protected abstract giveUp(entry: number): number;

  /** What the last batch had withdrawn is withdrawn. `count`: ids of a slice that was repeated for one member. */
  protected abstract settle(count: number): void;

  /** A member is gone that had still to be told of these. */
  protected abstract forgetPending(pending: DirtySet): void;

  /** Forgets what was sent of the numbers from `from` to below `end`. False: there are no higher ones. */
  protected abstract forget(from: number, end: number): boolean;

  /** While nobody takes bytes the table waits as it is: its changes are one bit a prefix, too. */
  #anyWritable(): boolean {
    for (const { writable } of this.members.values()) if (writable) return true;
    return false;
  }

  #lookAtAll(): void {
    for (let prefix = 0; prefix < this.rib.prefixes.limit; prefix++) {
      if (this.rib.routes.best(prefix) !== NO_PATH) this.dirty.add(prefix);
    }
  }

  #flushCommon(): void {
    const count = this.dirty.take(this.ids);
    // Settled before anything is added to a member's own list: who is in step now gets all of this slice in common.
    const inStep: MemberState[] = [];
    const behind: MemberState[] = [];
    for (const state of this.members.values()) (isInStep(state) ? inStep : behind).push(state);
    this.transform.begin();
    this.update(count, this.#onlyMember(), behind);
    this.batch.pack();
    this.#distribute(inStep);
    const { unsendable } = this.batch;
    if (unsendable.length > 0) this.#unsendable(unsendable.map((entry) => this.giveUp(entry)));
    this.settle(0);
    this.batch.clear();
    this.transform.end();
  }

  /** The peer of a group of one: its own routes are for nobody. */
  #onlyMember(): number {
    if (this.members.size !== 1) return NOBODY;
    for (const peer of this.members.keys()) return peer;
    return NOBODY;
  }

  /** Writes the packed batch to the members in step; each one's own routes are left out for it. */
  #distribute(inStep: readonly MemberState[]): void {
    const { bytes, segments } = this.batch;
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
    const count = state.pending.take(this.ids);
    this.repeat(count, state.member.peer);
    this.batch.pack();
    const { bytes } = this.batch;
    if (bytes.length > 0) state.writable = state.member.send(bytes);
    this.settle(count);
    this.batch.clear();
  }
}

function isInStep({ writable, pending }: MemberState): boolean {
  return writable && pending.size === 0;
}
