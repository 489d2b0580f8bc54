/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI, RFC 4760 §3 and §4: where in the bytes the next hop and the NLRI are. Their NLRI are
 * read with the cursor of their family. What is wrong here leaves the NLRI unknown, so RFC 7606 §7.11 and §3(j) make it
 * a session reset.
 */

import { BgpError, Malformed } from '../errors.ts';
import { afiOf, type FamilyKey, familyKey, safiOf } from '../family/model.ts';
import { familyOf } from '../family/registry.ts';
import { attributeType, errorCode, updateSubcode } from '../iana.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

/** NLRI of a family: bytes `start` to `end` of the message body. */
export interface NlriSpan {
  readonly family: FamilyKey;
  readonly start: number;
  readonly end: number;
}

export interface MpReachSpan extends NlriSpan {
  /** A view of the message. */
  readonly nextHop: Uint8Array;
}

/**
 * The value at `start` to `end` of `bytes`. `extendedNextHop`: families in which RFC 8950 §3 next hops were agreed.
 * Throws `BgpError` (Optional Attribute Error, session reset).
 */
export function decodeMpReach(
  bytes: Uint8Array,
  start: number,
  end: number,
  extendedNextHop: readonly FamilyKey[],
): MpReachSpan {
  return locate('MP_REACH_NLRI', attributeType.mpReachNlri, bytes, start, end, (reader) => {
    const family = familyKey(reader.u16(), reader.u8());
    const nextHop = reader.take(reader.u8());
    if (!mayHaveNextHop(family, nextHop.length, extendedNextHop)) {
      throw new Malformed('length', `next hop of ${nextHop.length} bytes`);
    }
    // RFC 4760 §3: the reserved octet "MUST be ignored upon receipt".
    reader.u8();
    return { family, nextHop, start: reader.offset, end };
  });
}

function mayHaveNextHop(family: FamilyKey, bytes: number, extendedNextHop: readonly FamilyKey[]): boolean {
  const descriptor = familyOf(family);
  if (descriptor === undefined || descriptor.nextHopBytes.includes(bytes)) return true;
  return descriptor.extendedNextHopBytes.includes(bytes) && extendedNextHop.includes(family);
}

/** The value at `start` to `end` of `bytes`. Throws `BgpError` (Optional Attribute Error, session reset). */
export function decodeMpUnreach(bytes: Uint8Array, start: number, end: number): NlriSpan {
  return locate('MP_UNREACH_NLRI', attributeType.mpUnreachNlri, bytes, start, end, (reader) => {
    const family = familyKey(reader.u16(), reader.u8());
    return { family, start: reader.offset, end };
  });
}

function locate<T>(
  title: string,
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  read: (reader: Reader) => T,
): T {
  try {
    return read(new Reader(bytes, start, end));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw mpError(`${title}: ${error.message}`, type, bytes.subarray(start, end));
  }
}

/** RFC 4760 §7: Optional Attribute Error; the data is the attribute, as RFC 4271 §6.3 asks. */
export function mpError(text: string, type: number, value: Uint8Array): BgpError {
  const flags = value.length > 255 ? 0x90 : 0x80;
  const length = value.length > 255 ? [value.length >>> 8, value.length & 0xff] : [value.length];
  return new BgpError('BGP_UPDATE_ATTRIBUTE', text, {
    notification: {
      code: errorCode.updateMessage,
      subcode: updateSubcode.optionalAttributeError,
      data: Uint8Array.of(flags, type, ...length, ...value),
    },
    bytes: value,
  });
}

/** Writes what stands before the NLRI. */
export function writeMpReachHead(writer: Writer, family: FamilyKey, nextHop: Uint8Array): void {
  writer.u16(afiOf(family));
  writer.u8(safiOf(family));
  writer.sized(1, () => writer.append(nextHop));
  writer.u8(0);
}

export function writeMpUnreachHead(writer: Writer, family: FamilyKey): void {
  writer.u16(afiOf(family));
  writer.u8(safiOf(family));
}
