/**
 * What can be wrong with an MRT stream. A bad record inside intact lengths comes back as a value (`malformed` in
 * `model.ts`), and the stream goes on; an error that leaves the place of the next record unknown is thrown.
 */

import type { BgpError } from '../errors.ts';

export type MrtErrorCode =
  /** Thrown: the stream ends inside a record. */
  | 'MRT_TRUNCATED'
  /** Thrown: a length no record has; this is no MRT, or the stream is out of step. */
  | 'MRT_LENGTH'
  /** The fields of a record do not fit its length, or have values they cannot have. */
  | 'MRT_RECORD'
  /** A RIB entry of a peer that the PEER_INDEX_TABLE does not have. */
  | 'MRT_PEER_INDEX'
  /** The BGP message in a record cannot be read; `cause` is the `BgpError`. */
  | 'MRT_MESSAGE';

export interface MrtErrorPlace {
  /** Where the record starts: bytes from the start of the stream. */
  readonly offset: number;
  readonly type?: number;
  readonly subtype?: number;
  readonly cause?: BgpError;
}

export class MrtError extends Error {
  override readonly name = 'MrtError';
  readonly code: MrtErrorCode;
  readonly offset: number;
  readonly type: number | undefined;
  readonly subtype: number | undefined;

  constructor(code: MrtErrorCode, text: string, { offset, type, subtype, cause }: MrtErrorPlace) {
    const record = type === undefined ? '' : `, type ${type}/${subtype}`;
    super(`MRT record at byte ${offset}${record}: ${text}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.offset = offset;
    this.type = type;
    this.subtype = subtype;
  }
}
