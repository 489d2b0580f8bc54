/** Pieces that several record types are made of: addresses, prefixes and the attributes of a route in a table. */

import { maskAddress } from '../address.ts';
import { AttributeCursor } from '../attribute/cursor.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import type { AttributeContext } from '../attribute/descriptor.ts';
import { attributeProblem, type UpdateProblem } from '../attribute/problem.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import { copyOf } from '../bytes.ts';
import { Malformed } from '../errors.ts';
import type { FamilyKey, Prefix } from '../family/model.ts';
import { afi, attributeType } from '../iana.ts';
import { Reader } from '../wire/reader.ts';

/** Bytes of an address; throws `Malformed` for a family that has none here. */
export function addressBytes(family: number): 4 | 16 {
  if (family === afi.ipv4) return 4;
  if (family === afi.ipv6) return 16;
  throw new Malformed('value', `address family ${family}`);
}

/** The fixed-size form of TABLE_DUMP: all bytes of an address, then the length. */
export function readPaddedPrefix(reader: Reader, family: FamilyKey, bytes: 4 | 16): Prefix {
  const address = reader.take(bytes);
  return prefixOf(family, address, reader.u8(), bytes);
}

/** The NLRI form: the length, then as many bytes as it needs. */
export function readPrefix(reader: Reader, family: FamilyKey, bytes: 4 | 16): Prefix {
  const length = reader.u8();
  const address = new Uint8Array(bytes);
  const given = reader.take((length + 7) >>> 3);
  if (given.length <= bytes) address.set(given);
  return prefixOf(family, address, length, bytes);
}

function prefixOf(family: FamilyKey, address: Uint8Array, length: number, bytes: number): Prefix {
  if (length > 8 * bytes) throw new Malformed('value', `prefix length ${length}`);
  return { family, address: maskAddress(address, length), length };
}

export interface RouteAttributes {
  readonly attributes: PathAttributes;
  readonly nextHop?: Uint8Array;
  readonly problems: readonly UpdateProblem[];
}

/** The attribute block of one route in a table. A dump holds what its speaker kept, so nothing of it is unexpected. */
export function decodeRouteAttributes(block: Uint8Array, fourOctetAs: boolean): RouteAttributes {
  const context: AttributeContext = { fourOctetAs, peerType: 'ibgp' };
  const { attributes, problems } = decodeAttributes(block, context);
  const mpReach = findMpReach(block);
  if (mpReach === undefined) return { attributes, problems };
  try {
    return { attributes, problems, nextHop: readNextHop(mpReach.value) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const { mpReachNlri } = attributeType;
    const problem = attributeProblem(mpReachNlri, error.defect, error.message, mpReach.bytes, 'treat-as-withdraw');
    return { attributes, problems: [...problems, problem] };
  }
}

function findMpReach(block: Uint8Array): { value: Reader; bytes: Uint8Array } | undefined {
  const cursor = new AttributeCursor().reset(block);
  while (cursor.next()) {
    const { start, valueStart, valueEnd } = cursor;
    if (cursor.type !== attributeType.mpReachNlri) continue;
    return { value: new Reader(block, valueStart, valueEnd), bytes: block.subarray(start, valueEnd) };
  }
  return undefined;
}

function readNextHop(value: Reader): Uint8Array {
  // RFC 6396 §4.3.4: "only the Next Hop Address Length and Next Hop Address fields". Some writers put the whole attribute
  // there, which starts with the zero octet of its AFI.
  if (value.remaining > 0 && value.bytes[value.offset] === 0) value.take(3);
  return readNextHopBytes(value, value.u8());
}

/** A next hop of IPv4 or IPv6: one address, or a global and a link-local one (RFC 2545 §3). Throws `Malformed`. */
export function readNextHopBytes(reader: Reader, bytes: number): Uint8Array {
  if (bytes !== 4 && bytes !== 16 && bytes !== 32) throw new Malformed('length', `next hop of ${bytes} bytes`);
  return copyOf(reader.take(bytes));
}
