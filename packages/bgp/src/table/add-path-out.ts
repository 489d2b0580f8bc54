/**
 * Adj-RIB-Out with several paths of a prefix (RFC 7911): all usable ones, or a number of the best. The Path Identifier
 * is the path's number in the route table, so that it stays while the path does and is the same in every group; the
 * number of a path that is gone is held until all members were told. With a number, a member whose own paths are among the
 * best gets as many others as everybody: paths of the next ranks have an audience, and are sent to each of it apart.
 */
import { AdjRibOut, type AdjRibOutOptions, type MemberState } from './adj-rib-out.ts';
import { NO_ATTRIBUTES } from './attribute-store.ts';
import { withRoom } from './column.ts';
import type { DirtySet } from './dirty-set.ts';
import { LOCAL_PEER } from './peer-column.ts';
import { NO_PATH } from './route-table.ts';

/** No prefix's number. */
const NOWHERE = -1;

export class AddPathOut extends AdjRibOut {
  readonly #mostPaths: number;
  /** The first entry of each prefix. An entry is a path's number. */
  #head: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #next: Int32Array<ArrayBufferLike> = new Int32Array(64);
  /** An entry's prefix plus one; 0: there is no such entry. */
  #owner: Int32Array<ArrayBufferLike> = new Int32Array(64);
  /** What the group was told, NO_ATTRIBUTES: it was withdrawn, and members are still to be told. */
  #sent: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #source: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  /** Sent paths by the peer they came from, who is not told of them. */
  #fromPeer: Int32Array<ArrayBufferLike> = new Int32Array(8);
  #sentCount = 0;
  readonly #wanted = new Map<number, number>();
  /** Members that a sent path is for, by path; everybody where there is no entry. */
  readonly #audience = new Map<number, readonly number[]>();
  /** The same for `#wanted`. */
  readonly #wantedFor = new Map<number, readonly number[]>();
  /** How many sent paths with an audience are for a member. */
  readonly #apart = new Map<number, number>();

  /** `mostPaths`: of a prefix; Infinity for all. */
  constructor(options: AdjRibOutOptions, mostPaths: number) {
    super(options, true);
    this.#mostPaths = mostPaths;
  }

  get followsAllPaths(): boolean {
    return true;
  }

  sentTo(peer: number): number {
    return this.#sentCount - (this.#fromPeer[peer] ?? 0) + (this.#apart.get(peer) ?? 0);
  }

  holds(prefix: number): boolean {
    return (this.#head[prefix] ?? NO_PATH) !== NO_PATH || this.dirty.has(prefix);
  }

  holdsPath(path: number): boolean {
    return (this.#owner[path] ?? 0) !== 0;
  }

  protected override looksAgainFor(peer: number): boolean {
    return this.#mostPaths !== Number.POSITIVE_INFINITY && this.rib.routes.receivedCount(peer) > 0;
  }

  protected addSent(pending: DirtySet, peer: number): void {
    for (let path = 0; path < this.#sent.length; path++) {
      if ((this.#sent[path] ?? NO_ATTRIBUTES) !== NO_ATTRIBUTES && this.#isFor(path, peer)) pending.add(path);
    }
  }

  /** What the other group has sent and this one has not becomes an entry of this one that is to be withdrawn. */
  protected addSentBy(other: AdjRibOut, pending: DirtySet, peer: number): void {
    if (!(other instanceof AddPathOut)) return;
    for (let path = 0; path < other.#sent.length; path++) {
      if (other.#sent[path] === NO_ATTRIBUTES || !other.#isFor(path, peer)) continue;
      if (!this.holdsPath(path)) this.#link((other.#owner[path] ?? 0) - 1, path, other.#source[path] ?? LOCAL_PEER);
      pending.add(path);
    }
  }

  protected update(count: number, only: number, behind: readonly MemberState[]): void {
    const { rib, ids } = this;
    this.#head = withRoom(this.#head, ids[count - 1] ?? 0);
    for (let index = 0; index < count; index++) {
      const prefix = ids[index] ?? 0;
      this.#choose(prefix, only);
      let entry = this.#head[prefix] ?? NO_PATH;
      while (entry !== NO_PATH) {
        const next = this.#next[entry] ?? NO_PATH;
        if (!this.#wanted.has(entry)) this.#tell(prefix, entry, NO_ATTRIBUTES, behind);
        entry = next;
      }
      for (const [path, attributes] of this.#wanted) {
        if (!this.holdsPath(path)) this.#link(prefix, path, rib.routes.peerOf(path));
        this.#tell(prefix, path, attributes, behind);
      }
      if (this.#head[prefix] === NO_PATH) rib.reclaim(prefix);
    }
  }

  protected repeat(count: number, peer: number): void {
    for (let index = 0; index < count; index++) {
      const path = this.ids[index] ?? 0;
      const prefix = (this.#owner[path] ?? 0) - 1;
      // Nobody is told of what came from him.
      if (prefix === NOWHERE || this.#source[path] === peer) continue;
      const sent = this.#sent[path] ?? NO_ATTRIBUTES;
      if (sent === NO_ATTRIBUTES || !this.#isFor(path, peer)) this.batch.withdraw(prefix, LOCAL_PEER, path);
      else this.batch.announce(prefix, sent, LOCAL_PEER, path);
    }
  }

  protected settle(count: number): void {
    for (let index = 0; index < count; index++) this.#drop(this.ids[index] ?? 0);
    this.batch.eachWithdrawn((_prefix, path) => this.#drop(path));
  }

  protected giveUp(path: number): number {
    this.#store(path, NO_ATTRIBUTES, undefined);
    for (const { pending } of this.members.values()) pending.add(path);
    return (this.#owner[path] ?? 0) - 1;
  }

  protected forgetPending(pending: DirtySet): void {
    for (let count = pending.take(this.ids); count > 0; count = pending.take(this.ids)) {
      for (let index = 0; index < count; index++) this.#drop(this.ids[index] ?? 0);
    }
  }

  protected forget(from: number, end: number): boolean {
    const limit = Math.min(end, this.#owner.length);
    for (let path = from; path < limit; path++) {
      if (!this.holdsPath(path)) continue;
      this.#store(path, NO_ATTRIBUTES, undefined);
      this.#drop(path);
    }
    return end < this.#owner.length;
  }

  /** Sets `#wanted` to the paths that the group is to have of a prefix, with what it is to be told of them. */
  #choose(prefix: number, only: number): void {
    this.#wanted.clear();
    if (this.#wantedFor.size > 0) this.#wantedFor.clear();
    const best = this.rib.routes.ranked(prefix, this.#mostPaths);
    for (const path of best) if (this.rib.routes.peerOf(path) !== only) this.#want(prefix, path);
    if (best.length === this.#mostPaths) this.#chooseMore(prefix, best);
  }

  #want(prefix: number, path: number): boolean {
    const { routes } = this.rib;
    const attributes = this.transform.outgoing(prefix, routes.usableOf(path), routes.peerOf(path));
    if (attributes !== NO_ATTRIBUTES) this.#wanted.set(path, attributes);
    return attributes !== NO_ATTRIBUTES;
  }

  /** Paths of the ranks behind `best`, for the members whose own are among those before. */
  #chooseMore(prefix: number, best: Int32Array): void {
    const { routes } = this.rib;
    const own = new Map<number, number>();
    const count = (path: number): void => {
      const source = routes.peerOf(path);
      if (this.members.has(source)) own.set(source, (own.get(source) ?? 0) + 1);
    };
    for (const path of best) count(path);
    if (own.size === 0) return;
    const ranks = new Set(best);
    for (let more = 1; ; more++) {
      const wanting = [...own].filter(([, paths]) => paths >= more).map(([member]) => member);
      if (wanting.length === 0) return;
      const next = routes.ranked(prefix, this.#mostPaths + more).find((path) => !ranks.has(path));
      if (next === undefined) return;
      ranks.add(next);
      const audience = wanting.filter((member) => member !== routes.peerOf(next));
      if (audience.length > 0 && this.#want(prefix, next)) this.#wantedFor.set(next, audience);
      count(next);
    }
  }

  #isFor(path: number, peer: number): boolean {
    return this.#audience.get(path)?.includes(peer) !== false;
  }

  /** Notes what the group is told of a path from now on, where that is something else. */
  #tell(prefix: number, path: number, attributes: number, behind: readonly MemberState[]): void {
    const before = this.#audience.get(path);
    const after = this.#wantedFor.get(path);
    if (before !== undefined || after !== undefined) {
      this.#tellSome(prefix, path, attributes, [before, after], behind);
    } else if (this.#sent[path] !== attributes) {
      this.#store(path, attributes, undefined);
      this.#tellAll(prefix, path, attributes, behind);
    }
  }

  /** A path that has, or had, an audience (undefined: everybody). */
  #tellSome(
    prefix: number,
    path: number,
    attributes: number,
    [before, after]: readonly [readonly number[] | undefined, readonly number[] | undefined],
    behind: readonly MemberState[],
  ): void {
    const was = this.#sent[path] ?? NO_ATTRIBUTES;
    this.#store(path, attributes, after);
    if (after === undefined && attributes !== NO_ATTRIBUTES) {
      this.#tellAll(prefix, path, attributes, behind);
      return;
    }
    if (before === undefined && was !== NO_ATTRIBUTES) this.#tellAll(prefix, path, NO_ATTRIBUTES, behind);
    for (const member of new Set([...(before ?? []), ...(after ?? [])])) {
      const isNews = was !== attributes || before?.includes(member) !== after?.includes(member);
      if (isNews) this.members.get(member)?.pending.add(path);
    }
    this.#drop(path);
  }

  #tellAll(prefix: number, path: number, attributes: number, behind: readonly MemberState[]): void {
    for (let each = 0; each < behind.length; each++) behind[each]?.pending.add(path);
    const source = this.#source[path] ?? LOCAL_PEER;
    const withheld = this.members.has(source) ? source : LOCAL_PEER;
    if (attributes === NO_ATTRIBUTES) this.batch.withdraw(prefix, withheld, path);
    else this.batch.announce(prefix, attributes, withheld, path);
  }

  #store(path: number, attributes: number, audience: readonly number[] | undefined): void {
    const before = this.#sent[path] ?? NO_ATTRIBUTES;
    if (attributes !== NO_ATTRIBUTES) {
      this.attributes.retain(attributes);
      this.#count(path, audience, 1);
    }
    if (before !== NO_ATTRIBUTES) {
      this.attributes.release(before);
      this.#count(path, this.#audience.get(path), -1);
    }
    this.#sent[path] = attributes;
    if (audience !== undefined) this.#audience.set(path, audience);
    else if (this.#audience.size > 0) this.#audience.delete(path);
  }

  #count(path: number, audience: readonly number[] | undefined, by: number): void {
    if (audience === undefined) {
      const source = this.#source[path] ?? LOCAL_PEER;
      this.#sentCount += by;
      this.#fromPeer[source] = (this.#fromPeer[source] ?? 0) + by;
      return;
    }
    for (const member of audience) this.#apart.set(member, (this.#apart.get(member) ?? 0) + by);
  }

  #link(prefix: number, path: number, source: number): void {
    this.#head = withRoom(this.#head, prefix);
    this.#next = withRoom(this.#next, path);
    this.#owner = withRoom(this.#owner, path);
    this.#sent = withRoom(this.#sent, path);
    this.#source = withRoom(this.#source, path);
    this.#fromPeer = withRoom(this.#fromPeer, source);
    this.#next[path] = this.#head[prefix] ?? NO_PATH;
    this.#head[prefix] = path;
    this.#owner[path] = prefix + 1;
    this.#source[path] = source;
  }

  /** Ends an entry that is withdrawn and that no member is still to be told of. */
  #drop(path: number): void {
    const prefix = (this.#owner[path] ?? 0) - 1;
    if (prefix === NOWHERE || this.#sent[path] !== NO_ATTRIBUTES) return;
    for (const { pending } of this.members.values()) if (pending.size > 0 && pending.has(path)) return;
    const next = this.#next[path] ?? NO_PATH;
    let before = this.#head[prefix] ?? NO_PATH;
    if (before === path) this.#head[prefix] = next;
    else {
      while (this.#next[before] !== path) before = this.#next[before] ?? NO_PATH;
      this.#next[before] = next;
    }
    this.#owner[path] = 0;
    this.rib.routes.releaseNumber(path);
    this.rib.reclaim(prefix);
  }
}
