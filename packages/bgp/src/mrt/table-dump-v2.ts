/**
 * TABLE_DUMP_V2, RFC 6396 §4.3 with the add-path subtypes of RFC 8050 §4.2: a table of peers, then a record a prefix, whose
 * paths name their peer by its place in the table. AS_PATH always has four octets a number.
 */

import { copyOf } from '../bytes.ts';
import { type FamilyKey, familyKey } from '../family/model.ts';
import { afi, safi } from '../iana.ts';
import type { Reader } from '../wire/reader.ts';
import { decodeText } from '../wire/text.ts';
import { decodeRouteAttributes, readPrefix } from './fields.ts';
import { tableDumpV2Subtype as subtype } from './iana.ts';
import type { MrtHeader, MrtPath, MrtPeer, PeerIndexTableRecord, RibGenericRecord, RibRecord } from './model.ts';

interface RibForm {
  readonly family: FamilyKey;
  readonly addressBytes: 4 | 16;
  readonly addPath: boolean;
}

const form = (family: 1 | 2, sub: number, addPath: boolean): RibForm => ({
  family: familyKey(family, sub),
  addressBytes: family === afi.ipv4 ? 4 : 16,
  addPath,
});

/** What the subtypes of one family hold. */
const ribForms: Readonly<Record<number, RibForm>> = {
  [subtype.ribIpv4Unicast]: form(afi.ipv4, safi.unicast, false),
  [subtype.ribIpv4Multicast]: form(afi.ipv4, safi.multicast, false),
  [subtype.ribIpv6Unicast]: form(afi.ipv6, safi.unicast, false),
  [subtype.ribIpv6Multicast]: form(afi.ipv6, safi.multicast, false),
  [subtype.ribIpv4UnicastAddPath]: form(afi.ipv4, safi.unicast, true),
  [subtype.ribIpv4MulticastAddPath]: form(afi.ipv4, safi.multicast, true),
  [subtype.ribIpv6UnicastAddPath]: form(afi.ipv6, safi.unicast, true),
  [subtype.ribIpv6MulticastAddPath]: form(afi.ipv6, safi.multicast, true),
};

/** A RIB entry names a peer that the table does not have. */
export class UnknownPeer extends Error {
  override readonly name = 'UnknownPeer';
}

/** Undefined for a subtype that is not read. `peers`: of the last PEER_INDEX_TABLE. Throws `Malformed`, `UnknownPeer`. */
export function decodeTableDumpV2(
  header: MrtHeader,
  reader: Reader,
  peers: readonly MrtPeer[],
): PeerIndexTableRecord | RibRecord | RibGenericRecord | undefined {
  if (header.subtype === subtype.peerIndexTable) return decodePeerIndexTable(header, reader);
  if (header.subtype === subtype.ribGeneric || header.subtype === subtype.ribGenericAddPath) {
    const sequence = reader.u32();
    const family = familyKey(reader.u16(), reader.u8());
    return { kind: 'rib-generic', header, sequence, family, bytes: copyOf(reader.rest()) };
  }
  const rib = ribForms[header.subtype];
  if (rib === undefined) return undefined;
  const sequence = reader.u32();
  const prefix = readPrefix(reader, rib.family, rib.addressBytes);
  const paths: MrtPath[] = [];
  for (let count = reader.u16(); count > 0; count--) paths.push(decodeRibEntry(reader, rib.addPath, peers));
  reader.end();
  return { kind: 'rib', header, sequence, prefix, paths };
}

/** Peer Type, RFC 6396 §4.3.1. */
const peerTypeBit = { ipv6: 1, fourOctetAs: 2 } as const;

function decodePeerIndexTable(header: MrtHeader, reader: Reader): PeerIndexTableRecord {
  const collectorIdentifier = reader.u32();
  const viewName = decodeText(reader.take(reader.u16()));
  const peers: MrtPeer[] = [];
  for (let count = reader.u16(); count > 0; count--) {
    const type = reader.u8();
    const identifier = reader.u32();
    const address = copyOf(reader.take(type & peerTypeBit.ipv6 ? 16 : 4));
    peers.push({ address, asn: type & peerTypeBit.fourOctetAs ? reader.u32() : reader.u16(), identifier });
  }
  reader.end();
  return { kind: 'peer-index-table', header, collectorIdentifier, viewName, peers };
}

/** RFC 6396 §4.3.4, RFC 8050 §4.2. */
function decodeRibEntry(reader: Reader, addPath: boolean, peers: readonly MrtPeer[]): MrtPath {
  const index = reader.u16();
  const peer = peers[index];
  if (peer === undefined) throw new UnknownPeer(`peer ${index} of ${peers.length}`);
  const originatedSeconds = reader.u32();
  const pathId = addPath ? { pathId: reader.u32() } : {};
  const block = reader.take(reader.u16());
  return { peer, originatedSeconds, ...pathId, ...decodeRouteAttributes(block, true) };
}
