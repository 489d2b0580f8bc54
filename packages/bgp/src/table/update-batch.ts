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

interface Bucket {
  readonly attributes: number;
  readonly withheld: number;
  readonly head: number;
  tail: number;
}

const NO_ENTRY = -1;

export class UpdateBatch {
  readonly #attributes: AttributeStore;
  readonly #transform: ExportTransform;
  readonly #packer: UpdatePacker;
  readonly #buckets: Bucket[] = [];
  readonly #byKey = new Map<number, Bucket>();
  #last: Bucket | undefined;
  #prefix: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #next: Int32Array<ArrayBufferLike> = new Int32Array(64);
  #size = 0;
  #ids: Int32Array<ArrayBufferLike> = new Int32Array(64);
  bytes: Uint8Array = noBytes;
  segments: readonly BatchSegment[] = [];
  /** Prefixes whose attributes could not be put into a message. */
  readonly unsendable: number[] = [];

  constructor(rib: Rib, attributes: AttributeStore, transform: ExportTransform, maximumMessageBytes: number) {
    this.#attributes = attributes;
    this.#transform = transform;
    this.#packer = new UpdatePacker(rib.prefixes, rib.family, maximumMessageBytes);
  }

  announce(prefix: number, attributes: number, withheld: number): void {
    this.#add(prefix, attributes, withheld);
  }

  withdraw(prefix: number, withheld: number): void {
    this.#add(prefix, NO_ATTRIBUTES, withheld);
  }

  /** Makes `bytes`, `segments` and `unsendable` of what was added. */
  pack(): void {
    // Stable, and most often of one value: then nothing moves.
    const buckets = this.#buckets.sort((a, b) => a.withheld - b.withheld);
    const segments: BatchSegment[] = [];
    let start = 0;
    for (const [index, bucket] of buckets.entries()) {
      this.#packBucket(bucket);
      if (buckets[index + 1]?.withheld === bucket.withheld) continue;
      segments.push({ withheld: bucket.withheld, start, end: this.#packer.size });
      start = this.#packer.size;
    }
    this.segments = segments;
    this.bytes = start === 0 ? noBytes : this.#packer.finish();
  }

  /** The prefixes that were withdrawn. */
  *withdrawn(): Iterable<number> {
    for (const { attributes, head } of this.#buckets) {
      if (attributes !== NO_ATTRIBUTES) continue;
      for (let entry = head; entry !== NO_ENTRY; entry = this.#next[entry] ?? NO_ENTRY) yield this.#prefix[entry] ?? 0;
    }
  }

  clear(): void {
    this.#buckets.length = 0;
    this.#byKey.clear();
    this.#last = undefined;
    this.#size = 0;
    this.bytes = noBytes;
    this.segments = [];
    this.unsendable.length = 0;
  }

  #add(prefix: number, attributes: number, withheld: number): void {
    const entry = this.#size++;
    if (entry >= this.#prefix.length) {
      this.#prefix = withRoom(this.#prefix, entry);
      this.#next = withRoom(this.#next, entry);
    }
    this.#prefix[entry] = prefix;
    this.#next[entry] = NO_ENTRY;
    let bucket = this.#last;
    if (bucket === undefined || bucket.attributes !== attributes || bucket.withheld !== withheld) {
      const key = withheld * 0x1_0000_0000 + attributes;
      bucket = this.#byKey.get(key);
      if (bucket === undefined) {
        bucket = { attributes, withheld, head: entry, tail: NO_ENTRY };
        this.#byKey.set(key, bucket);
        this.#buckets.push(bucket);
      }
      this.#last = bucket;
    }
    if (bucket.tail !== NO_ENTRY) this.#next[bucket.tail] = entry;
    bucket.tail = entry;
  }

  #packBucket({ attributes, head }: Bucket): void {
    let count = 0;
    for (let entry = head; entry !== NO_ENTRY; entry = this.#next[entry] ?? NO_ENTRY) {
      this.#ids = withRoom(this.#ids, count);
      this.#ids[count++] = this.#prefix[entry] ?? 0;
    }
    if (attributes === NO_ATTRIBUTES) {
      this.#packer.withdraw(this.#ids, 0, count);
      return;
    }
    const encoded = this.#transform.encode(this.#attributes, attributes);
    if (encoded === undefined || !this.#packer.announce(encoded, this.#ids, 0, count)) {
      for (const prefix of this.#ids.subarray(0, count)) this.unsendable.push(prefix);
    }
  }
}
