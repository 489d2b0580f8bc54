/**
 * One slice of Adj-RIB-Out changes on its way into messages: sorted by attribute set, so that prefixes share UPDATEs,
 * and by the member that is not to get them, so that for each member its own part can be left out of the buffer.
 */
import { noBytes } from '../bytes.ts';
import { type AttributeStore, NO_ATTRIBUTES } from './attribute-store.ts';
import { withRoom } from './column.ts';
import type { ExportTransform } from './export-transform.ts';
import type { Rib } from './rib.ts';
import { UpdatePacker } from './update-packer.ts';

/** A part of the buffer that peer `withheld` is not sent. */
export interface BatchSegment {
  readonly withheld: number;
  readonly start: number;
  readonly end: number;
}

export interface UpdateBatchOptions {
  readonly maximumMessageBytes: number;
  /** RFC 8950. */
  readonly extendedNextHop: boolean;
  /** Each prefix goes out with a path identifier (RFC 7911 §3). */
  readonly addPath: boolean;
}

const NONE = -1;

export class UpdateBatch {
  readonly #attributes: AttributeStore;
  readonly #transform: ExportTransform;
  readonly #packer: UpdatePacker;
  /** Entries with the same set and the same peer withheld are a bucket: a list from `#head` by `#next` to `#tail`. */
  #attributesOf: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #withheldOf: Uint16Array<ArrayBufferLike> = new Uint16Array(64);
  #head: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #tail: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #bucketCount = 0;
  #last = NONE;
  /** Bucket plus one, by hash of what it has in common; 0 where there is none. */
  #slots = new Int32Array(128);
  #prefix: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #next: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #size = 0;
  #ids: Int32Array<ArrayBufferLike> = new Int32Array(64);
  /** Path identifiers beside `#prefix`, and beside `#ids`; with add-path only. */
  #pathId: Int32Array<ArrayBufferLike> | undefined;
  #pathIds: Int32Array<ArrayBufferLike> | undefined;
  bytes: Uint8Array = noBytes;
  segments: readonly BatchSegment[] = [];
  /** Prefixes, with add-path path identifiers, whose attributes could not be put into a message. */
  readonly unsendable: number[] = [];

  constructor(rib: Rib, attributes: AttributeStore, transform: ExportTransform, options: UpdateBatchOptions) {
    const { maximumMessageBytes, extendedNextHop, addPath } = options;
    this.#attributes = attributes;
    this.#transform = transform;
    this.#packer = new UpdatePacker(rib.prefixes, rib.family, maximumMessageBytes, extendedNextHop);
    if (!addPath) return;
    this.#pathId = new Int32Array(64);
    this.#pathIds = new Int32Array(64);
  }

  announce(prefix: number, attributes: number, withheld: number, pathId = 0): void {
    this.#add(prefix, attributes, withheld, pathId);
  }

  withdraw(prefix: number, withheld: number, pathId = 0): void {
    this.#add(prefix, NO_ATTRIBUTES, withheld, pathId);
  }

  /** Makes `bytes`, `segments` and `unsendable` of what was added. */
  pack(): void {
    const buckets = this.#inOrder();
    const segments: BatchSegment[] = [];
    let start = 0;
    for (let index = 0; index < buckets.length; index++) {
      const bucket = buckets[index] ?? 0;
      this.#packBucket(bucket);
      const withheld = this.#withheldOf[bucket] ?? 0;
      const next = buckets[index + 1];
      if (next !== undefined && this.#withheldOf[next] === withheld) continue;
      segments.push({ withheld, start, end: this.#packer.size });
      start = this.#packer.size;
    }
    this.segments = segments;
    this.bytes = start === 0 ? noBytes : this.#packer.finish();
  }

  /** Calls `visit` for each prefix that was withdrawn, with its path identifier (0 without add-path). */
  eachWithdrawn(visit: (prefix: number, pathId: number) => void): void {
    for (let bucket = 0; bucket < this.#bucketCount; bucket++) {
      if (this.#attributesOf[bucket] !== NO_ATTRIBUTES) continue;
      let entry = this.#head[bucket] ?? NONE;
      for (; entry !== NONE; entry = this.#next[entry] ?? NONE)
        visit(this.#prefix[entry] ?? 0, this.#pathId?.[entry] ?? 0);
    }
  }

  clear(): void {
    this.#slots.fill(0);
    this.#bucketCount = 0;
    this.#last = NONE;
    this.#size = 0;
    this.bytes = noBytes;
    this.segments = [];
    this.unsendable.length = 0;
  }

  /** By peer withheld, otherwise as they came. Most often there is one such peer: nothing moves then. */
  #inOrder(): Int32Array {
    const buckets = new Int32Array(this.#bucketCount);
    let isSorted = true;
    for (let bucket = 0; bucket < buckets.length; bucket++) {
      buckets[bucket] = bucket;
      if (bucket > 0 && (this.#withheldOf[bucket] ?? 0) < (this.#withheldOf[bucket - 1] ?? 0)) isSorted = false;
    }
    if (isSorted) return buckets;
    return buckets.sort((a, b) => (this.#withheldOf[a] ?? 0) - (this.#withheldOf[b] ?? 0) || a - b);
  }

  #add(prefix: number, attributes: number, withheld: number, pathId: number): void {
    const entry = this.#size++;
    if (entry >= this.#prefix.length) {
      this.#prefix = withRoom(this.#prefix, entry);
      this.#next = withRoom(this.#next, entry);
    }
    this.#prefix[entry] = prefix;
    this.#next[entry] = NONE;
    if (this.#pathId !== undefined) {
      this.#pathId = withRoom(this.#pathId, entry);
      this.#pathId[entry] = pathId;
    }
    let bucket = this.#last;
    if (bucket === NONE || this.#attributesOf[bucket] !== attributes || this.#withheldOf[bucket] !== withheld) {
      bucket = this.#bucketOf(attributes, withheld);
      this.#last = bucket;
    }
    const tail = this.#tail[bucket] ?? NONE;
    if (tail === NONE) this.#head[bucket] = entry;
    else this.#next[tail] = entry;
    this.#tail[bucket] = entry;
  }

  #bucketOf(attributes: number, withheld: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = slotOf(attributes, withheld) & mask;
    for (let found = slots[slot] ?? 0; found !== 0; found = slots[slot] ?? 0) {
      const bucket = found - 1;
      if (this.#attributesOf[bucket] === attributes && this.#withheldOf[bucket] === withheld) return bucket;
      slot = (slot + 1) & mask;
    }
    const bucket = this.#bucketCount++;
    if (bucket >= this.#head.length) {
      this.#attributesOf = withRoom(this.#attributesOf, bucket);
      this.#withheldOf = withRoom(this.#withheldOf, bucket);
      this.#head = withRoom(this.#head, bucket);
      this.#tail = withRoom(this.#tail, bucket);
    }
    this.#attributesOf[bucket] = attributes;
    this.#withheldOf[bucket] = withheld;
    this.#tail[bucket] = NONE;
    slots[slot] = bucket + 1;
    if (this.#bucketCount * 2 > mask) this.#growSlots();
    return bucket;
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let bucket = 0; bucket < this.#bucketCount; bucket++) {
      let slot = slotOf(this.#attributesOf[bucket] ?? 0, this.#withheldOf[bucket] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = bucket + 1;
    }
    this.#slots = slots;
  }

  #packBucket(bucket: number): void {
    let count = 0;
    for (let entry = this.#head[bucket] ?? NONE; entry !== NONE; entry = this.#next[entry] ?? NONE) {
      this.#ids = withRoom(this.#ids, count);
      if (this.#pathIds !== undefined) {
        this.#pathIds = withRoom(this.#pathIds, count);
        this.#pathIds[count] = this.#pathId?.[entry] ?? 0;
      }
      this.#ids[count++] = this.#prefix[entry] ?? 0;
    }
    const pathIds = this.#pathIds;
    const attributes = this.#attributesOf[bucket] ?? NO_ATTRIBUTES;
    if (attributes === NO_ATTRIBUTES) {
      this.#packer.withdraw(this.#ids, 0, count, pathIds);
      return;
    }
    const encoded = this.#transform.encode(this.#attributes, attributes);
    if (encoded === undefined || !this.#packer.announce(encoded, this.#ids, 0, count, pathIds)) {
      for (const id of (pathIds ?? this.#ids).subarray(0, count)) this.unsendable.push(id);
    }
  }
}

function slotOf(attributes: number, withheld: number): number {
  return Math.imul(attributes ^ (withheld << 16), 0x9e3779b1) >>> 12;
}
