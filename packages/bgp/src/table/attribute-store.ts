/**
 * Attribute sets interned by content: equal bytes have one number, kept as long as somebody holds it, with the facts
 * that the decision process asks for in typed arrays beside it.
 *
 * A stored set is the path attributes of an UPDATE in wire form with four-octet AS numbers, without MP_REACH_NLRI and
 * MP_UNREACH_NLRI. The next hop of a family carried in MP_REACH_NLRI stands in an MP_REACH_NLRI that has only the next
 * hop's length and address, as RFC 6396 §4.3.4 does in table dumps.
 */
import { emptyFacts, factFlag, ineligible, readFacts, type SpeakerIdentity } from './attribute-facts.ts';
import { ByteArena } from './byte-arena.ts';
import { withRoom } from './column.ts';

/**
 * Cost of reaching a next hop (RFC 4271 §9.1.2.2 e), negative when it cannot be used (§9.1.2.1). The address is
 * `bytes` from `at`, `size` bytes long.
 */
export type NextHopCost = (bytes: Uint8Array, at: number, size: number) => number;

/** Where a set comes from, as far as its further way depends on it. Sets with other traits are other sets. */
export const trait = {
  /** This speaker chose MULTI_EXIT_DISC, so that it may go to another AS (RFC 4271 §5.1.4). */
  ownMultiExitDisc: 1,
  /** This speaker's user chose the next hop, so that it goes to another AS as it is (RFC 4271 §5.1.3). */
  ownNextHop: 2,
  /** Received from another AS and accepted by the rules for that. */
  external: 4,
  /** Received from another member AS of our confederation and accepted by the rules for that. */
  confederation: 8,
} as const;

/** No set; real numbers start at 1. */
export const NO_ATTRIBUTES = 0;

export class AttributeStore {
  readonly #identity: SpeakerIdentity;
  readonly #nextHopCost: NextHopCost;
  readonly #arena = new ByteArena();
  readonly #facts = emptyFacts();
  #slots = new Int32Array(256);
  #mask = 255;
  #size = 0;
  #limit = 1;
  #freed: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #freedCount = 0;

  #hash: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #holders: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #handle: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #bytes: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #traits: Uint8Array<ArrayBufferLike> = new Uint8Array(64);
  #localPreference: Uint32Array<ArrayBufferLike> = new Uint32Array(64);
  #asPathLength: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #origin: Uint8Array<ArrayBufferLike> = new Uint8Array(64);
  #multiExitDiscriminator: Uint32Array<ArrayBufferLike> = new Uint32Array(64);
  #neighborAs: Uint32Array<ArrayBufferLike> = new Uint32Array(64);
  #originator: Uint32Array<ArrayBufferLike> = new Uint32Array(64);
  #clusterListLength: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #flags: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #interiorCost: Uint32Array<ArrayBufferLike> = new Uint32Array(64);

  constructor(identity: SpeakerIdentity, nextHopCost: NextHopCost) {
    this.#identity = identity;
    this.#nextHopCost = nextHopCost;
  }

  get size(): number {
    return this.#size;
  }

  /** All numbers in use are below this. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * The number of the set with these bytes, held once more for the caller, who gives it back by `release`. `traits`: bits of
   * `trait`; `hash`: what `hashOf` said of both.
   */
  acquire(bytes: Uint8Array, traits = 0, hash = hashOf(bytes, traits)): number {
    let slot = hash & this.#mask;
    for (;;) {
      const id = this.#slots[slot] ?? 0;
      if (id === 0) break;
      if (this.#hash[id] === hash && this.#equals(id, bytes, traits)) {
        this.#holders[id] = (this.#holders[id] ?? 0) + 1;
        return id;
      }
      slot = (slot + 1) & this.#mask;
    }
    const id = this.#freedCount > 0 ? (this.#freed[--this.#freedCount] ?? 0) : this.#limit++;
    if (id >= this.#hash.length) this.#grow(id);
    this.#hash[id] = hash;
    this.#holders[id] = 1;
    this.#handle[id] = this.#arena.store(bytes);
    this.#bytes[id] = bytes.length;
    this.#traits[id] = traits;
    this.#setFacts(id, bytes);
    this.#slots[slot] = id;
    if (++this.#size * 2 > this.#mask) this.#rehash();
    return id;
  }

  /** As `acquire`, for a set that is there already; NO_ATTRIBUTES where it is not. */
  acquireKnown(bytes: Uint8Array, traits: number, hash = hashOf(bytes, traits)): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = this.#slots[slot] ?? NO_ATTRIBUTES;
      if (id === NO_ATTRIBUTES) return NO_ATTRIBUTES;
      if (this.#hash[id] === hash && this.#equals(id, bytes, traits)) {
        this.#holders[id] = (this.#holders[id] ?? 0) + 1;
        return id;
      }
    }
  }

  retain(id: number): void {
    this.#holders[id] = (this.#holders[id] ?? 0) + 1;
  }

  release(id: number): void {
    const left = (this.#holders[id] ?? 0) - 1;
    this.#holders[id] = left;
    if (left === 0) this.#forget(id);
  }

  /** The set's bytes: a view that is valid while the set is held. */
  bytesOf(id: number): Uint8Array {
    const handle = this.#handle[id] ?? 0;
    const at = this.#arena.offset(handle);
    return this.#arena.page(handle).subarray(at, at + (this.#bytes[id] ?? 0));
  }

  /** The array that holds the set's bytes, from `offsetOf` for `sizeOf` bytes. */
  pageOf(id: number): Uint8Array {
    return this.#arena.page(this.#handle[id] ?? 0);
  }

  offsetOf(id: number): number {
    return this.#arena.offset(this.#handle[id] ?? 0);
  }

  sizeOf(id: number): number {
    return this.#bytes[id] ?? 0;
  }

  traitsOf(id: number): number {
    return this.#traits[id] ?? 0;
  }

  /** `allowed`: bits of `factFlag` that are no obstacle. */
  isEligible(id: number, allowed = 0): boolean {
    return ((this.#flags[id] ?? 0) & ineligible & ~allowed) === 0;
  }

  hasNextHop(id: number): boolean {
    return ((this.#flags[id] ?? 0) & factFlag.hasNextHop) !== 0;
  }

  /** A text that is equal for equal next hops; empty where there is none. */
  nextHopOf(id: number): string {
    const bytes = this.bytesOf(id);
    readFacts(bytes, 0, bytes.length, this.#identity, this.#facts);
    const { nextHopAt, nextHopSize } = this.#facts;
    return nextHopSize === 0 ? '' : bytes.subarray(nextHopAt, nextHopAt + nextHopSize).join('.');
  }

  /** Bits of `factFlag`. */
  flagsOf(id: number): number {
    return this.#flags[id] ?? 0;
  }

  localPreference(id: number): number {
    return this.#localPreference[id] ?? 0;
  }

  asPathLength(id: number): number {
    return this.#asPathLength[id] ?? 0;
  }

  origin(id: number): number {
    return this.#origin[id] ?? 0;
  }

  multiExitDiscriminator(id: number): number {
    return this.#multiExitDiscriminator[id] ?? 0;
  }

  neighborAs(id: number): number {
    return this.#neighborAs[id] ?? 0;
  }

  /** ORIGINATOR_ID, undefined where the set has none. */
  originator(id: number): number | undefined {
    return ((this.#flags[id] ?? 0) & factFlag.hasOriginator) === 0 ? undefined : this.#originator[id];
  }

  clusterListLength(id: number): number {
    return this.#clusterListLength[id] ?? 0;
  }

  interiorCost(id: number): number {
    return this.#interiorCost[id] ?? 0;
  }

  /** Asks for the next-hop costs of the sets numbered `from` to below `to` again; calls `changed` where it is another one. */
  askCosts(from: number, to: number, changed: (id: number) => void): void {
    for (let id = Math.max(from, 1); id < Math.min(to, this.#limit); id++) {
      if ((this.#holders[id] ?? 0) === 0) continue;
      const flags = this.#flags[id] ?? 0;
      const cost = this.#interiorCost[id] ?? 0;
      this.#setFacts(id, this.bytesOf(id));
      if (this.#flags[id] !== flags || this.#interiorCost[id] !== cost) changed(id);
    }
  }

  #setFacts(id: number, bytes: Uint8Array): void {
    const facts = this.#facts;
    readFacts(bytes, 0, bytes.length, this.#identity, facts);
    const cost = this.#nextHopCost(bytes, facts.nextHopAt, facts.nextHopSize);
    this.#localPreference[id] = facts.localPreference;
    this.#asPathLength[id] = facts.asPathLength;
    this.#origin[id] = facts.origin;
    this.#multiExitDiscriminator[id] = facts.multiExitDiscriminator;
    this.#neighborAs[id] = facts.neighborAs;
    this.#originator[id] = facts.originator;
    this.#clusterListLength[id] = facts.clusterListLength;
    this.#flags[id] = cost < 0 ? facts.flags | factFlag.nextHopUnusable : facts.flags;
    this.#interiorCost[id] = Math.max(cost, 0);
  }

  #equals(id: number, bytes: Uint8Array, traits: number): boolean {
    if (this.#bytes[id] !== bytes.length || this.#traits[id] !== traits) return false;
    const handle = this.#handle[id] ?? 0;
    const page = this.#arena.page(handle);
    const at = this.#arena.offset(handle);
    for (let index = 0; index < bytes.length; index++) {
      if (page[at + index] !== bytes[index]) return false;
    }
    return true;
  }

  #forget(id: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = (this.#hash[id] ?? 0) & mask;
    while (slots[hole] !== id) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const moved = slots[slot] ?? 0;
      const home = (this.#hash[moved] ?? 0) & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = moved;
        hole = slot;
      }
    }
    slots[hole] = 0;
    this.#arena.free(this.#handle[id] ?? 0, this.#bytes[id] ?? 0);
    this.#size--;
    this.#freed = withRoom(this.#freed, this.#freedCount);
    this.#freed[this.#freedCount++] = id;
  }

  #grow(id: number): void {
    this.#hash = withRoom(this.#hash, id);
    this.#holders = withRoom(this.#holders, id);
    this.#handle = withRoom(this.#handle, id);
    this.#bytes = withRoom(this.#bytes, id);
    this.#traits = withRoom(this.#traits, id);
    this.#localPreference = withRoom(this.#localPreference, id);
    this.#asPathLength = withRoom(this.#asPathLength, id);
    this.#origin = withRoom(this.#origin, id);
    this.#multiExitDiscriminator = withRoom(this.#multiExitDiscriminator, id);
    this.#neighborAs = withRoom(this.#neighborAs, id);
    this.#originator = withRoom(this.#originator, id);
    this.#clusterListLength = withRoom(this.#clusterListLength, id);
    this.#flags = withRoom(this.#flags, id);
    this.#interiorCost = withRoom(this.#interiorCost, id);
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 1; id < this.#limit; id++) {
      if ((this.#holders[id] ?? 0) === 0) continue;
      let slot = (this.#hash[id] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}

/** For callers of `acquire` that look first whether a set is there. */
export function hashOf(bytes: Uint8Array, traits: number): number {
  let hash = traits;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}
