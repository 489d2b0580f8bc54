/**
 * Reads MRT as it comes: chunks of any size in, records out as soon as they are whole. Holds one record and the last
 * PEER_INDEX_TABLE, whatever the size of the file. Decompressing is for the caller.
 */

import { copyOf } from '../bytes.ts';
import { BgpError, Malformed } from '../errors.ts';
import type { FamilyKey } from '../family/model.ts';
import { Reader } from '../wire/reader.ts';
import { decodeBgp4mp } from './bgp4mp.ts';
import { MrtError } from './errors.ts';
import { mrtType } from './iana.ts';
import type { MrtHeader, MrtPeer, MrtRecord } from './model.ts';
import { decodeTableDump } from './table-dump.ts';
import { decodeTableDumpV2, UnknownPeer } from './table-dump-v2.ts';

/** RFC 6396 §2: timestamp, type, subtype, length. */
const headerBytes = 12;

/** RFC 6396 sets no limit. A RIB record of 4,000 peers with long paths has 1 MB; the limit keeps what is no MRT from filling memory. */
const maximumRecordBytes = 16 * 1024 * 1024;

export interface MrtOptions {
  /**
   * Families whose NLRI in messages carry path identifiers although the record type does not say so, as files have it
   * that were written before RFC 8050.
   */
  readonly addPath?: readonly FamilyKey[];
}

export class MrtReader {
  readonly #addPath: readonly FamilyKey[];
  /** What came and is not read yet; joined only when `#wanted` bytes are there. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #wanted = headerBytes;
  /** Of the first byte of `#pending`, in the stream. */
  #offset = 0;
  #peers: readonly MrtPeer[] = [];

  constructor({ addPath = [] }: MrtOptions = {}) {
    this.#addPath = addPath;
  }

  /**
   * The records that `chunk` completes; to be iterated to the end before the next push. Throws `MrtError` (MRT_LENGTH);
   * nothing can be read after that.
   */
  *push(chunk: Uint8Array): Generator<MrtRecord, void, undefined> {
    this.#pending.push(copyOf(chunk));
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes < this.#wanted) return;
    let bytes = joined(this.#pending, this.#pendingBytes);
    this.#wanted = headerBytes;
    while (bytes.length >= headerBytes) {
      const reader = new Reader(bytes);
      const seconds = reader.u32();
      const header: MrtHeader = { offset: this.#offset, seconds, type: reader.u16(), subtype: reader.u16() };
      const length = reader.u32();
      if (length > maximumRecordBytes) {
        throw new MrtError('MRT_LENGTH', `length ${length}: not MRT, or out of step`, header);
      }
      if (reader.remaining < length) {
        this.#wanted = headerBytes + length;
        break;
      }
      const body = reader.take(length);
      bytes = bytes.subarray(headerBytes + length);
      this.#offset += headerBytes + length;
      yield this.#decode(header, body);
    }
    this.#pending = bytes.length === 0 ? [] : [copyOf(bytes)];
    this.#pendingBytes = bytes.length;
  }

  /** Tells that nothing more comes. Throws `MrtError` (MRT_TRUNCATED) inside a record. */
  end(): void {
    if (this.#pendingBytes === 0) return;
    throw new MrtError('MRT_TRUNCATED', `the stream ends after ${this.#pendingBytes} bytes of it`, {
      offset: this.#offset,
    });
  }

  #decode(header: MrtHeader, body: Uint8Array): MrtRecord {
    try {
      return this.#decodeBody(header, body);
    } catch (error) {
      return { kind: 'malformed', header, error: recordError(error, header), bytes: copyOf(body) };
    }
  }

  #decodeBody(header: MrtHeader, body: Uint8Array): MrtRecord {
    const reader = new Reader(body);
    const unknown = (): MrtRecord => ({ kind: 'unknown', header, bytes: copyOf(body) });
    switch (header.type) {
      case mrtType.tableDump:
        return decodeTableDump(header, reader);
      case mrtType.tableDumpV2: {
        const record = decodeTableDumpV2(header, reader, this.#peers);
        if (record?.kind === 'peer-index-table') this.#peers = record.peers;
        return record ?? unknown();
      }
      case mrtType.bgp4mp:
        return decodeBgp4mp(header, reader, this.#addPath) ?? unknown();
      case mrtType.bgp4mpEt: {
        // RFC 6396 §3: the microseconds are part of the record's length.
        const timed = { ...header, microseconds: reader.u32() };
        return decodeBgp4mp(timed, reader, this.#addPath) ?? unknown();
      }
      default:
        return unknown();
    }
  }
}

/** Records of a stream. Throws `MrtError` where the next record cannot be found; a bad record is a `malformed` one. */
export async function* readMrt(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options?: MrtOptions,
): AsyncGenerator<MrtRecord, void, undefined> {
  const reader = new MrtReader(options);
  for await (const chunk of chunks) yield* reader.push(chunk);
  reader.end();
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function recordError(error: unknown, header: MrtHeader): MrtError {
  if (error instanceof Malformed) return new MrtError('MRT_RECORD', error.message, header);
  if (error instanceof UnknownPeer) return new MrtError('MRT_PEER_INDEX', error.message, header);
  if (error instanceof BgpError) return new MrtError('MRT_MESSAGE', error.message, { ...header, cause: error });
  throw error;
}
