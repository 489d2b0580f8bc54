/** TABLE_DUMP, RFC 6396 §4.2: one path a record, AS numbers of two octets. */

import { familyKey } from '../family/model.ts';
import { safi } from '../iana.ts';
import type { Reader } from '../wire/reader.ts';
import { addressBytes, decodeRouteAttributes, readPaddedPrefix } from './fields.ts';
import type { MrtHeader, TableDumpRecord } from './model.ts';

/** The subtype is the AFI. Throws `Malformed`. */
export function decodeTableDump(header: MrtHeader, reader: Reader): TableDumpRecord {
  const bytes = addressBytes(header.subtype);
  const view = reader.u16();
  const sequence = reader.u16();
  const prefix = readPaddedPrefix(reader, familyKey(header.subtype, safi.unicast), bytes);
  // Status: "unused, SHOULD be set to 1".
  reader.u8();
  const originatedSeconds = reader.u32();
  const address = new Uint8Array(reader.take(bytes));
  const peer = { address, asn: reader.u16() };
  const block = reader.take(reader.u16());
  reader.end();
  const path = { peer, originatedSeconds, ...decodeRouteAttributes(block, false) };
  return { kind: 'table-dump', header, view, sequence, prefix, path };
}
