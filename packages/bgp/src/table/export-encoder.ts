/**
 * What BGP itself makes of an attribute set on its way to a peer (RFC 4271 §5.1 and §9.1.3): our AS number in front of
 * the path, the next hop, which attributes stay inside the AS. Works on stored bytes and writes bytes, one attribute after
 * the other, so that attributes without a descriptor take the same way. Policy has been applied before.
 *
 * Hot path: 170,000 sets of a full table are written in 0.1 s; by way of objects it took 0.5 s.
 */
import { type AsPath, decodeAsPathSegments, encodeAsPathSegments } from '../attribute/as-path.ts';
import { attributeFlag, category, type PeerType } from '../attribute/descriptor.ts';
import { descriptorOf } from '../attribute/registry.ts';
import { asPathSegmentType, attributeType } from '../iana.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { defaultLocalPreference, factFlag } from './attribute-facts.ts';
import { type AttributeStore, trait } from './attribute-store.ts';
import { isGlobalNextHop } from './next-hop.ts';

/** What is equal for all peers of an export group. */
export interface ExportView {
  readonly peerType: PeerType;
  /** What AS_PATH gets in front: our AS number, none towards the same AS and from a route server. */
  readonly prepended: readonly number[];
  /** Makes another AS_PATH of a route's, not a longer one, before `prepended` comes in front. */
  readonly rewriteAsPath?: (path: AsPath) => AsPath;
  /** RFC 7947 §2.2: next hop and MULTI_EXIT_DISC go to an eBGP peer as they came. */
  readonly transparent?: boolean;
  /** RFC 9234 §5: OTC that a route without one gets. */
  readonly onlyToCustomer?: number;
  /** NEXT_HOP stands among the attributes; otherwise in MP_REACH_NLRI, which the caller writes. */
  readonly nextHopAttribute: boolean;
  /** RFC 8950: an IPv6 next hop may take the place of NEXT_HOP, in MP_REACH_NLRI. */
  readonly extendedNextHop?: boolean;
  /** Our own address for the family: 4, 16 or 32 bytes; undefined when the session gives none. */
  readonly localAddress: Uint8Array | undefined;
  readonly nextHopSelf: boolean;
}

const MAX_SEGMENT = 255;
/** The T bit of an extended community's type (RFC 4360 §2). */
const nonTransitive = 0x40;

export class ExportEncoder {
  /** The attributes written last; valid up to `size`. */
  bytes: Uint8Array = new Uint8Array(8192);
  size = 0;
  /** The next hop that goes with them. */
  nextHop: Uint8Array = new Uint8Array(32);
  nextHopSize = 0;
  #at = 0;

  /**
   * Writes set `id`. False when no next hop can be given, so that the route cannot be sent.
   */
  encode(store: AttributeStore, id: number, view: ExportView): boolean {
    const source = store.pageOf(id);
    const start = store.offsetOf(id);
    const end = start + store.sizeOf(id);
    const traits = store.traitsOf(id);
    const room = end - start + 128;
    if (this.bytes.length < room) this.bytes = new Uint8Array(room * 2);
    this.#at = 0;
    this.nextHopSize = 0;
    const external = view.peerType === 'ebgp';
    const rewritten = external && view.transparent !== true;
    const self = view.nextHopSelf || !store.hasNextHop(id) || (rewritten && (traits & trait.ownNextHop) === 0);
    const otc = (store.flagsOf(id) & factFlag.hasOnlyToCustomer) === 0 ? view.onlyToCustomer : undefined;
    let otcDue = otc !== undefined;
    let hasLocalPref = external;
    let nextHopDue = view.nextHopAttribute;
    let next = start;
    while (next < end) {
      const at = next;
      const flags = source[at] ?? 0;
      const type = source[at + 1] ?? 0;
      const extended = (flags & attributeFlag.extendedLength) !== 0;
      const length = extended ? ((source[at + 2] ?? 0) << 8) | (source[at + 3] ?? 0) : (source[at + 2] ?? 0);
      const value = at + (extended ? 4 : 3);
      next = value + length;
      // Stored sets are in order of type where we made them; a missing attribute goes in before the first higher type.
      if (nextHopDue && type > attributeType.nextHop && this.nextHopSize > 0) {
        this.#writeNextHop();
        nextHopDue = false;
      }
      if (!hasLocalPref && type > attributeType.localPref) {
        this.#writeLocalPref(defaultLocalPreference);
        hasLocalPref = true;
      }
      if (otcDue && type > attributeType.onlyToCustomer) {
        this.#writeOnlyToCustomer(otc ?? 0);
        otcDue = false;
      }
      switch (type) {
        case attributeType.asPath:
          this.#writeAsPath(source, value, length, view);
          break;
        case attributeType.nextHop:
          if (!self) this.#keepNextHop(source, value, length);
          break;
        case attributeType.mpReachNlri:
          if (!self) this.#keepNextHop(source, value + 1, length - 1);
          break;
        case attributeType.multiExitDisc:
          // RFC 4271 §5.1.4: one received from a neighbouring AS must not go to other ones.
          if (!rewritten || (traits & trait.ownMultiExitDisc) !== 0) this.#copy(source, at, next);
          break;
        case attributeType.localPref:
          // RFC 4271 §5.1.5.
          if (!external) this.#copy(source, at, next);
          hasLocalPref = true;
          break;
        case attributeType.originatorId:
        case attributeType.clusterList:
          // RFC 4456 §8: non-transitive, for peers in the same AS.
          if (view.peerType === 'ibgp') this.#copy(source, at, next);
          break;
        case attributeType.extendedCommunities:
          if (rewritten) this.#writeTransitive(source, value, length, flags);
          else this.#copy(source, at, next);
          break;
        default:
          this.#passOn(source, at, next, flags, type);
          break;
      }
      if (self && nextHopDue && type === attributeType.asPath) this.#takeLocalAddress(view);
    }
    if (this.nextHopSize === 0) this.#takeLocalAddress(view);
    if (this.nextHopSize === 0) return false;
    // A next hop of the other family is one for peers who agreed to that.
    if (view.nextHopAttribute ? this.nextHopSize !== 4 && view.extendedNextHop !== true : this.nextHopSize === 4)
      return false;
    if (nextHopDue) this.#writeNextHop();
    if (!hasLocalPref) this.#writeLocalPref(defaultLocalPreference);
    if (otcDue) this.#writeOnlyToCustomer(otc ?? 0);
    this.size = this.#at;
    return true;
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    let at = this.#at;
    for (let index = from; index < to; index++) this.bytes[at++] = source[index] ?? 0;
    this.#at = at;
  }

  /** RFC 4271 §5: an unrecognized attribute goes on with the Partial bit when it is transitive, else not at all. */
  #passOn(source: Uint8Array, from: number, to: number, flags: number, type: number): void {
    if (descriptorOf(type) !== undefined) {
      this.#copy(source, from, to);
    } else if ((flags & category.optionalTransitive) === category.optionalTransitive) {
      const at = this.#at;
      this.#copy(source, from, to);
      this.bytes[at] = flags | attributeFlag.partial;
    }
  }

  #keepNextHop(source: Uint8Array, at: number, size: number): void {
    // RFC 2545 §3: a link-local address is one of the link it was received on. Without a global one it is replaced by ours.
    if (!isGlobalNextHop(source, at, size)) return;
    this.nextHopSize = size === 4 ? 4 : 16;
    for (let index = 0; index < this.nextHopSize; index++) this.nextHop[index] = source[at + index] ?? 0;
  }

  #takeLocalAddress({ localAddress }: ExportView): void {
    if (localAddress === undefined) return;
    this.nextHop.set(localAddress);
    this.nextHopSize = localAddress.length;
  }

  /** Nothing where the next hop goes into MP_REACH_NLRI. */
  #writeNextHop(): void {
    if (this.nextHopSize !== 4) return;
    this.bytes[this.#at++] = category.wellKnown;
    this.bytes[this.#at++] = attributeType.nextHop;
    this.bytes[this.#at++] = this.nextHopSize;
    for (let index = 0; index < this.nextHopSize; index++) this.bytes[this.#at++] = this.nextHop[index] ?? 0;
  }

  #writeLocalPref(value: number): void {
    this.bytes[this.#at++] = category.wellKnown;
    this.bytes[this.#at++] = attributeType.localPref;
    this.bytes[this.#at++] = 4;
    this.#u32(value);
  }

  /** RFC 4360 §6: a community with the T bit stays in its AS. */
  #writeTransitive(source: Uint8Array, value: number, length: number, flags: number): void {
    const start = this.#at;
    this.#at += 4;
    for (let at = value; at < value + length; at += 8) {
      if (((source[at] ?? 0) & nonTransitive) === 0) this.#copy(source, at, at + 8);
    }
    const kept = this.#at - start - 4;
    if (kept === 0) {
      this.#at = start;
      return;
    }
    const extended = kept > 255;
    if (!extended) this.bytes.copyWithin(start + 3, start + 4, this.#at--);
    this.bytes[start] = (flags & ~attributeFlag.extendedLength) | (extended ? attributeFlag.extendedLength : 0);
    this.bytes[start + 1] = attributeType.extendedCommunities;
    if (extended) this.bytes[start + 2] = kept >>> 8;
    this.bytes[start + (extended ? 3 : 2)] = kept;
  }

  #writeOnlyToCustomer(asn: number): void {
    this.bytes[this.#at++] = category.optionalTransitive;
    this.bytes[this.#at++] = attributeType.onlyToCustomer;
    this.bytes[this.#at++] = 4;
    this.#u32(asn);
  }

  #writeAsPath(source: Uint8Array, at: number, length: number, view: ExportView): void {
    const { rewriteAsPath } = view;
    if (rewriteAsPath === undefined) {
      this.#writePrepended(source, at, at + length, view);
      return;
    }
    const writer = new Writer();
    encodeAsPathSegments(writer, rewriteAsPath(decodeAsPathSegments(new Reader(source, at, at + length), 4)), 4);
    const path = writer.finish();
    this.#writePrepended(path, 0, path.length, view);
  }

  /** RFC 4271 §5.1.2, RFC 5065 §4: our numbers in front, for peers outside the confederation in place of its segments. */
  #writePrepended(source: Uint8Array, at: number, end: number, { peerType, prepended }: ExportView): void {
    let first = at;
    if (peerType === 'ebgp') {
      while (first < end && (source[first] ?? 0) >= asPathSegmentType.confederationSequence) {
        first += 2 + (source[first + 1] ?? 0) * 4;
      }
    }
    const added = prepended.length;
    const kind = peerType === 'confederation' ? asPathSegmentType.confederationSequence : asPathSegmentType.sequence;
    const count = source[first + 1] ?? 0;
    const joins = added > 0 && first < end && source[first] === kind && count + added <= MAX_SEGMENT;
    const written = end - first + added * 4 + (added === 0 || joins ? 0 : 2);
    this.bytes[this.#at++] = category.wellKnown | (written > 255 ? attributeFlag.extendedLength : 0);
    this.bytes[this.#at++] = attributeType.asPath;
    if (written > 255) this.bytes[this.#at++] = written >>> 8;
    this.bytes[this.#at++] = written;
    if (added > 0) {
      this.bytes[this.#at++] = kind;
      this.bytes[this.#at++] = joins ? count + added : added;
      for (let index = 0; index < added; index++) this.#u32(prepended[index] ?? 0);
    }
    this.#copy(source, joins ? first + 2 : first, end);
  }

  #u32(value: number): void {
    this.bytes[this.#at++] = value >>> 24;
    this.bytes[this.#at++] = value >>> 16;
    this.bytes[this.#at++] = value >>> 8;
    this.bytes[this.#at++] = value;
  }
}
