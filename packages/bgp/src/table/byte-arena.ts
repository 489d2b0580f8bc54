/**
 * Storage for many small byte strings in a few large pages, without an object for each. A block is named by a number;
 * its owner remembers the size and gives both back to free it.
 */
import { copyOf } from '../bytes.ts';
import { withRoom } from './column.ts';

const PAGE_BITS = 20;
const PAGE_BYTES = 1 << PAGE_BITS;
const GRAIN = 16;
/** The first page begins so small and doubles: most tables are. The others are whole at once. */
const FIRST_BYTES = 1 << 12;

export class ByteArena {
  readonly #pages: Uint8Array[] = [];
  /** Blocks larger than a page, under handles counted down from -1. */
  readonly #large = new Map<number, Uint8Array>();
  #nextLarge = -1;
  #used = 0;
  /** First free block of each size class, plus one; each free block's first four bytes name the next. */
  #free = new Int32Array(8);

  /** Copies `bytes` in; the returned handle counts grains of 16 bytes. */
  store(bytes: Uint8Array): number {
    const sizeClass = (bytes.length + GRAIN - 1) >> 4;
    if (bytes.length > PAGE_BYTES) {
      const handle = this.#nextLarge--;
      this.#large.set(handle, copyOf(bytes));
      return handle;
    }
    const handle = this.#reuse(sizeClass) ?? this.#carve(sizeClass);
    this.page(handle).set(bytes, this.offset(handle));
    return handle;
  }

  /** The array that holds the block. */
  page(handle: number): Uint8Array {
    const page = handle < 0 ? this.#large.get(handle) : this.#pages[handle >> (PAGE_BITS - 4)];
    if (page === undefined) throw new RangeError(`no block ${handle}`);
    return page;
  }

  /** Where in its page the block starts. */
  offset(handle: number): number {
    return handle < 0 ? 0 : (handle << 4) & (PAGE_BYTES - 1);
  }

  free(handle: number, size: number): void {
    if (handle < 0) {
      this.#large.delete(handle);
      return;
    }
    const sizeClass = (size + GRAIN - 1) >> 4;
    if (sizeClass === 0) return;
    this.#free = withRoom(this.#free, sizeClass);
    this.#link(handle, this.#free[sizeClass] ?? 0);
    this.#free[sizeClass] = handle + 1;
  }

  #reuse(sizeClass: number): number | undefined {
    const first = this.#free[sizeClass] ?? 0;
    if (first === 0) return undefined;
    const handle = first - 1;
    const page = this.page(handle);
    const at = this.offset(handle);
    this.#free[sizeClass] =
      ((page[at] ?? 0) << 24) | ((page[at + 1] ?? 0) << 16) | ((page[at + 2] ?? 0) << 8) | (page[at + 3] ?? 0);
    return handle;
  }

  #link(handle: number, next: number): void {
    const page = this.page(handle);
    const at = this.offset(handle);
    page[at] = next >>> 24;
    page[at + 1] = next >>> 16;
    page[at + 2] = next >>> 8;
    page[at + 3] = next;
  }

  #carve(sizeClass: number): number {
    const bytes = sizeClass * GRAIN;
    const last = this.#pages.length - 1;
    const page = this.#pages[last];
    if (page === undefined || this.#used + bytes > page.length) {
      if (page !== undefined && this.#used + bytes <= PAGE_BYTES) this.#pages[last] = grown(page, this.#used + bytes);
      else this.#pages.push(new Uint8Array(page === undefined ? sizeFor(bytes) : PAGE_BYTES));
      if (this.#pages.length - 1 > last) this.#used = 0;
    }
    const handle = ((this.#pages.length - 1) << (PAGE_BITS - 4)) + (this.#used >> 4);
    this.#used += bytes;
    return handle;
  }
}

/** The same page with room for `bytes`. */
function grown(page: Uint8Array, bytes: number): Uint8Array {
  const larger = new Uint8Array(sizeFor(bytes));
  larger.set(page);
  return larger;
}

function sizeFor(bytes: number): number {
  let size = FIRST_BYTES;
  while (size < bytes) size *= 2;
  return size;
}
