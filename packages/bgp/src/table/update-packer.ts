/**
 * Puts prefixes into UPDATE messages: as many as fit behind one attribute set (RFC 4271 §4.3), withdrawn ones apart.
 * Messages gather in one buffer, so that a peer group is served by one write a peer.
 */
import { attributeFlag, category } from '../attribute/descriptor.ts';
import { noBytes } from '../bytes.ts';
import { afiOf, type FamilyKey, safiOf } from '../family/model.ts';
import { ipv4Unicast } from '../family/registry.ts';
import { attributeType, messageType } from '../iana.ts';
import { headerBytes } from '../message/header.ts';
import type { PrefixTable } from './prefix-table.ts';

const MARKER_BYTES = 16;
const PATH_ID_BYTES = 4;
/** Longest NLRI: a path identifier, a length and 16 bytes of address. */
const LONGEST_NLRI = PATH_ID_BYTES + 17;
/** A message without prefixes: the header, both lengths, and the head of MP_UNREACH_NLRI. */
const WITHDRAW_OVERHEAD = headerBytes + 4 + 7;
const FIRST_CAPACITY = 512;

export interface AttributeBytes {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly nextHop: Uint8Array;
  readonly nextHopSize: number;
}

export class UpdatePacker {
  readonly #prefixes: PrefixTable;
  readonly #family: FamilyKey;
  readonly #maximum: number;
  readonly #extendedNextHop: boolean;
  #bytes: Uint8Array = noBytes;
  #at = 0;
  /** What the last batch took: slices of a long table are alike. */
  #expected = FIRST_CAPACITY;

  /**
   * `maximum`: largest message in bytes, 4096 or 65535 (RFC 8654). `extendedNextHop`: IPv4 routes may have an IPv6 next hop
   * (RFC 8950).
   */
  constructor(prefixes: PrefixTable, family: FamilyKey, maximum: number, extendedNextHop = false) {
    this.#prefixes = prefixes;
    this.#family = family;
    this.#maximum = maximum;
    this.#extendedNextHop = extendedNextHop;
  }

  /** Bytes gathered so far. */
  get size(): number {
    return this.#at;
  }

  /** Gives away all messages gathered since the last call. */
  finish(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#at);
    // A new one when there is something to pack: a process can have thousands of packers at rest.
    this.#bytes = noBytes;
    this.#expected = Math.max(FIRST_CAPACITY, this.#at);
    this.#at = 0;
    return bytes;
  }

  /**
   * Announces `ids[from..to)`, with add-path under the identifiers at the same places of `pathIds`. False when not even
   * one prefix fits beside the attributes: nothing was written then.
   */
  announce(attributes: AttributeBytes, ids: Int32Array, from: number, to: number, pathIds?: Int32Array): boolean {
    // RFC 8950 §3: an IPv4 route with an IPv6 next hop goes into MP_REACH_NLRI.
    const plain = this.#family === ipv4Unicast.key && attributes.nextHopSize === 4;
    const overhead = headerBytes + 4 + attributes.size + (plain ? 0 : 9 + attributes.nextHopSize);
    if (overhead + LONGEST_NLRI > this.#maximum) return false;
    for (let next = from; next < to; ) {
      const start = this.#begin(overhead + (to - next) * LONGEST_NLRI);
      this.#u16(0);
      const lengthAt = this.#at;
      this.#at += 2;
      if (plain) {
        this.#append(attributes.bytes, attributes.size);
        this.#patch(lengthAt, attributes.size);
        next = this.#nlri(ids, next, to, start + this.#maximum, pathIds);
      } else {
        // RFC 7606 §5.1: MP_REACH_NLRI stands first.
        const field = this.#openExtended(attributeType.mpReachNlri);
        this.#bytes[this.#at++] = attributes.nextHopSize;
        this.#append(attributes.nextHop, attributes.nextHopSize);
        this.#bytes[this.#at++] = 0;
        next = this.#nlri(ids, next, to, start + this.#maximum - attributes.size, pathIds);
        this.#patch(field, this.#at - field - 2);
        this.#append(attributes.bytes, attributes.size);
        this.#patch(lengthAt, this.#at - lengthAt - 2);
      }
      this.#patch(start + MARKER_BYTES, this.#at - start);
    }
    return true;
  }

  /** Withdraws `ids[from..to)`, with add-path those of `pathIds` alone. */
  withdraw(ids: Int32Array, from: number, to: number, pathIds?: Int32Array): void {
    const plain = this.#family === ipv4Unicast.key && !this.#extendedNextHop;
    for (let next = from; next < to; ) {
      const start = this.#begin(WITHDRAW_OVERHEAD + (to - next) * LONGEST_NLRI);
      const lengthAt = this.#at;
      this.#at += 2;
      if (plain) {
        next = this.#nlri(ids, next, to, start + this.#maximum - 2, pathIds);
        this.#patch(lengthAt, this.#at - lengthAt - 2);
        this.#u16(0);
      } else {
        this.#patch(lengthAt, 0);
        const attributesAt = this.#at;
        this.#at += 2;
        const field = this.#openExtended(attributeType.mpUnreachNlri);
        next = this.#nlri(ids, next, to, start + this.#maximum, pathIds);
        this.#patch(field, this.#at - field - 2);
        this.#patch(attributesAt, this.#at - attributesAt - 2);
      }
      this.#patch(start + MARKER_BYTES, this.#at - start);
    }
  }

  /** End-of-RIB marker (RFC 4724 §2). */
  endOfRib(): void {
    const start = this.#begin(WITHDRAW_OVERHEAD);
    this.#u16(0);
    if (this.#family === ipv4Unicast.key) {
      this.#u16(0);
    } else {
      this.#u16(6);
      this.#bytes[this.#at++] = category.optionalNonTransitive;
      this.#bytes[this.#at++] = attributeType.mpUnreachNlri;
      this.#bytes[this.#at++] = 3;
      this.#u16(afiOf(this.#family));
      this.#bytes[this.#at++] = safiOf(this.#family);
    }
    this.#patch(start + MARKER_BYTES, this.#at - start);
  }

  /** Makes room for a message of so many bytes at most and writes its header, the length left open; returns where it starts. */
  #begin(size: number): number {
    const end = this.#at + Math.min(size, this.#maximum) + LONGEST_NLRI;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, end, this.#expected));
      grown.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = grown;
    }
    const start = this.#at;
    this.#bytes.fill(0xff, start, start + MARKER_BYTES);
    this.#bytes[start + headerBytes - 1] = messageType.update;
    this.#at = start + headerBytes;
    return start;
  }

  #openExtended(type: number): number {
    this.#bytes[this.#at++] = category.optionalNonTransitive | attributeFlag.extendedLength;
    this.#bytes[this.#at++] = type;
    const field = this.#at;
    this.#at += 2;
    this.#u16(afiOf(this.#family));
    this.#bytes[this.#at++] = safiOf(this.#family);
    return field;
  }

  /** Writes prefixes while they surely end at or before `limit`; returns the index of the first one left. */
  #nlri(ids: Int32Array, from: number, to: number, limit: number, pathIds?: Int32Array): number {
    const idBytes = pathIds === undefined ? 0 : PATH_ID_BYTES;
    let next = from;
    let at = this.#at;
    while (next < to) {
      const id = ids[next] ?? 0;
      if (at + idBytes + 1 + ((this.#prefixes.lengthOf(id) + 7) >> 3) > limit) break;
      if (pathIds !== undefined) {
        const pathId = pathIds[next] ?? 0;
        this.#patch(at, pathId >>> 16);
        this.#patch(at + 2, pathId & 0xffff);
        at += PATH_ID_BYTES;
      }
      at = this.#prefixes.write(id, this.#bytes, at);
      next++;
    }
    this.#at = at;
    return next;
  }

  #append(bytes: Uint8Array, size: number): void {
    const target = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < size; index++) target[at + index] = bytes[index] ?? 0;
    this.#at = at + size;
  }

  #u16(value: number): void {
    this.#patch(this.#at, value);
    this.#at += 2;
  }

  #patch(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }
}
