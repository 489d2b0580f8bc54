/** Adj-RIB-Out with the best path of each prefix: what the group was told is one attribute set a prefix. */
import { AdjRibOut, type AdjRibOutOptions, type MemberState } from './adj-rib-out.ts';
import { NO_ATTRIBUTES } from './attribute-store.ts';
import { withRoom } from './column.ts';
import type { DirtySet } from './dirty-set.ts';
import { LOCAL_PEER } from './peer-column.ts';
import { NO_PATH } from './route-table.ts';

export class BestPathOut extends AdjRibOut {
  /** What the group was told: attributes after policy, or NO_ATTRIBUTES. */
  #sent: Int32Array<ArrayBufferLike> = new Int32Array(64);
  /** The member that the route came from and that is told nothing, or LOCAL_PEER. */
  #withheld: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #withheldCount: Int32Array<ArrayBufferLike> = new Int32Array(8);
  #sentCount = 0;
  readonly #reclaim = (prefix: number): void => this.rib.reclaim(prefix);

  constructor(options: AdjRibOutOptions) {
    super(options, false);
  }

  sentTo(peer: number): number {
    return this.#sentCount - (this.#withheldCount[peer] ?? 0);
  }

  holds(prefix: number): boolean {
    if ((this.#sent[prefix] ?? NO_ATTRIBUTES) !== NO_ATTRIBUTES || this.dirty.has(prefix)) return true;
    for (const { pending } of this.members.values()) if (pending.size > 0 && pending.has(prefix)) return true;
    return false;
  }

  protected addSent(pending: DirtySet): void {
    for (let prefix = 0; prefix < this.#sent.length; prefix++) {
      if (this.#sent[prefix] !== NO_ATTRIBUTES) pending.add(prefix);
    }
  }

  protected addSentBy(other: AdjRibOut, pending: DirtySet): void {
    if (other instanceof BestPathOut) other.addSent(pending);
  }

  protected update(count: number, only: number, behind: readonly MemberState[]): void {
    const { rib, ids, batch } = this;
    const last = ids[count - 1] ?? 0;
    this.#sent = withRoom(this.#sent, last);
    this.#withheld = withRoom(this.#withheld, last);
    for (let index = 0; index < count; index++) {
      const prefix = ids[index] ?? 0;
      const path = this.pathFor(prefix, only);
      const source = path === NO_PATH ? LOCAL_PEER : rib.routes.peerOf(path);
      const attributes =
        path !== NO_PATH ? this.transform.outgoing(prefix, rib.routes.usableOf(path), source) : NO_ATTRIBUTES;
      const withheld = attributes !== NO_ATTRIBUTES && this.members.has(source) ? source : LOCAL_PEER;
      const sentBefore = this.#sent[prefix] ?? NO_ATTRIBUTES;
      const withheldBefore = this.#withheld[prefix] ?? LOCAL_PEER;
      if (attributes === sentBefore && withheld === withheldBefore) {
        if (attributes === NO_ATTRIBUTES) rib.reclaim(prefix);
        continue;
      }
      if (withheld !== withheldBefore) this.#moveWithheld(prefix, attributes, sentBefore, withheld, withheldBefore);
      if (attributes === sentBefore) continue;
      this.#store(prefix, attributes, sentBefore);
      for (let each = 0; each < behind.length; each++) behind[each]?.pending.add(prefix);
      if (attributes === NO_ATTRIBUTES) batch.withdraw(prefix, withheldBefore);
      else batch.announce(prefix, attributes, withheld);
    }
  }

  /** The path that the group is told of if it may; `only`: the peer of a group of one, whose own routes are for nobody. */
  protected pathFor(prefix: number, only: number): number {
    const path = this.rib.routes.best(prefix);
    return path !== NO_PATH && this.rib.routes.peerOf(path) === only ? NO_PATH : path;
  }

  protected repeat(count: number, peer: number): void {
    for (let index = 0; index < count; index++) {
      const prefix = this.ids[index] ?? 0;
      const sent = this.#sent[prefix] ?? NO_ATTRIBUTES;
      if (sent === NO_ATTRIBUTES || this.#withheld[prefix] === peer) this.batch.withdraw(prefix, LOCAL_PEER);
      else this.batch.announce(prefix, sent, LOCAL_PEER);
    }
  }

  protected settle(): void {
    this.batch.eachWithdrawn(this.#reclaim);
  }

  protected giveUp(prefix: number): number {
    const sent = this.#sent[prefix] ?? NO_ATTRIBUTES;
    const withheld = this.#withheld[prefix] ?? LOCAL_PEER;
    if (withheld !== LOCAL_PEER) this.#withheldCount[withheld] = (this.#withheldCount[withheld] ?? 0) - 1;
    this.#withheld[prefix] = LOCAL_PEER;
    this.#store(prefix, NO_ATTRIBUTES, sent);
    for (const { pending } of this.members.values()) pending.add(prefix);
    return prefix;
  }

  protected forgetPending(pending: DirtySet): void {
    for (let count = pending.take(this.ids); count > 0; count = pending.take(this.ids)) {
      for (let index = 0; index < count; index++) this.rib.reclaim(this.ids[index] ?? 0);
    }
  }

  protected forget(from: number, end: number): boolean {
    const limit = Math.min(end, this.#sent.length);
    for (let prefix = from; prefix < limit; prefix++) {
      const attributes = this.#sent[prefix] ?? NO_ATTRIBUTES;
      if (attributes === NO_ATTRIBUTES) continue;
      this.attributes.release(attributes);
      this.#sent[prefix] = NO_ATTRIBUTES;
      this.rib.reclaim(prefix);
    }
    return end < this.#sent.length;
  }

  /** The route was sent to one member less, and to another one more: both are told apart from the others. */
  #moveWithheld(prefix: number, attributes: number, sentBefore: number, withheld: number, before: number): void {
    this.#withheld[prefix] = withheld;
    this.#withheldCount = withRoom(this.#withheldCount, Math.max(withheld, before));
    if (before !== LOCAL_PEER) {
      this.#withheldCount[before] = (this.#withheldCount[before] ?? 0) - 1;
      if (attributes !== NO_ATTRIBUTES) this.members.get(before)?.pending.add(prefix);
    }
    if (withheld !== LOCAL_PEER) {
      this.#withheldCount[withheld] = (this.#withheldCount[withheld] ?? 0) + 1;
      if (sentBefore !== NO_ATTRIBUTES) this.members.get(withheld)?.pending.add(prefix);
    }
  }

  #store(prefix: number, attributes: number, sentBefore: number): void {
    if (attributes !== NO_ATTRIBUTES) {
      this.attributes.retain(attributes);
      this.#sentCount++;
    }
    if (sentBefore !== NO_ATTRIBUTES) {
      this.attributes.release(sentBefore);
      this.#sentCount--;
    }
    this.#sent[prefix] = attributes;
  }
}
