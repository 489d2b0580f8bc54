/**
 * BGP4MP and BGP4MP_ET, RFC 6396 §4.4 with the add-path subtypes of RFC 8050 §4.1: messages as they were on the wire, and
 * changes of state.
 */

import { copyOf } from '../bytes.ts';
import { Malformed } from '../errors.ts';
import { type FamilyKey, familyKey } from '../family/model.ts';
import { families, ipv4Unicast } from '../family/registry.ts';
import { messageType, safi } from '../iana.ts';
import { decodeHeader, headerBytes } from '../message/header.ts';
import { decodeMessage } from '../message/message.ts';
import type { UpdateContext } from '../message/model.ts';
import { decodeUpdate } from '../message/update.ts';
import type { Reader } from '../wire/reader.ts';
import { addressBytes, decodeRouteAttributes, readNextHopBytes, readPrefix } from './fields.ts';
import { bgp4mpSubtype as subtype } from './iana.ts';
import type { MrtHeader, MrtMessageRecord, MrtPeer, StateChangeRecord, TableDumpRecord } from './model.ts';

interface MessageForm {
  readonly fourOctetAs: boolean;
  readonly sentByLocal: boolean;
  readonly addPath: boolean;
}

const form = (fourOctetAs: boolean, sentByLocal: boolean, addPath: boolean): MessageForm => ({
  fourOctetAs,
  sentByLocal,
  addPath,
});

const messageForms: Readonly<Record<number, MessageForm>> = {
  [subtype.message]: form(false, false, false),
  [subtype.messageAs4]: form(true, false, false),
  [subtype.messageLocal]: form(false, true, false),
  [subtype.messageAs4Local]: form(true, true, false),
  [subtype.messageAddPath]: form(false, false, true),
  [subtype.messageAs4AddPath]: form(true, false, true),
  [subtype.messageLocalAddPath]: form(false, true, true),
  [subtype.messageAs4LocalAddPath]: form(true, true, true),
};

const allFamilies = families.map(({ key }) => key);

/**
 * Undefined for a subtype that is not read. `addPath`: families whose NLRI carry path identifiers although the subtype does
 * not say so. Throws `Malformed`, and `BgpError` for a message that cannot be read.
 */
export function decodeBgp4mp(
  header: MrtHeader,
  reader: Reader,
  addPath: readonly FamilyKey[],
): MrtMessageRecord | StateChangeRecord | TableDumpRecord | undefined {
  const { subtype: code } = header;
  if (code === subtype.entry) return decodeEntry(header, reader);
  if (code === subtype.stateChange || code === subtype.stateChangeAs4) {
    const parties = readParties(reader, code === subtype.stateChangeAs4 ? 4 : 2);
    const from = reader.u16();
    const to = reader.u16();
    reader.end();
    return { kind: 'state-change', header, ...parties, from, to };
  }
  const how = messageForms[code];
  if (how === undefined) return undefined;
  const parties = readParties(reader, how.fourOctetAs ? 4 : 2);
  const context: UpdateContext = {
    fourOctetAs: how.fourOctetAs,
    // What is unexpected from a peer of another AS is for the recording speaker to judge; here it is shown.
    peerType: 'ibgp',
    addPathReceive: how.addPath ? allFamilies : addPath,
    addPathSend: [],
    extendedNextHop: [ipv4Unicast.key],
    extendedMessages: true,
  };
  return { kind: 'message', header, ...parties, sentByLocal: how.sentByLocal, ...readMessage(reader.rest(), context) };
}

function readMessage(bytes: Uint8Array, context: UpdateContext): Pick<MrtMessageRecord, 'message' | 'problems'> {
  if (bytes.length < headerBytes) throw new Malformed('length', `${bytes.length} bytes are no message`);
  const { length, type } = decodeHeader(bytes, 0, true);
  if (type !== messageType.update || length !== bytes.length) {
    return { message: decodeMessage(bytes, context), problems: [] };
  }
  const { message, problems } = decodeUpdate(bytes.subarray(headerBytes), context);
  return { message, problems };
}

interface Parties {
  readonly peer: MrtPeer;
  readonly local: MrtPeer;
  readonly interfaceIndex: number;
}

function readParties(reader: Reader, asnBytes: 2 | 4): Parties {
  const asn = (): number => (asnBytes === 4 ? reader.u32() : reader.u16());
  const peerAsn = asn();
  const localAsn = asn();
  const interfaceIndex = reader.u16();
  const bytes = addressBytes(reader.u16());
  const peer = { address: copyOf(reader.take(bytes)), asn: peerAsn };
  return { peer, local: { address: copyOf(reader.take(bytes)), asn: localAsn }, interfaceIndex };
}

/** BGP4MP_ENTRY, RFC 6396 appendix B.2.2. */
function decodeEntry(header: MrtHeader, reader: Reader): TableDumpRecord {
  const { peer } = readParties(reader, 2);
  const view = reader.u16();
  // Status: "SHOULD be set to 1".
  reader.u16();
  const originatedSeconds = reader.u32();
  const family = familyKey(reader.u16(), reader.u8());
  const bytes = addressBytes(family >>> 8);
  if ((family & 0xff) !== safi.unicast) throw new Malformed('value', `SAFI ${family & 0xff}`);
  const nextHop = readNextHopBytes(reader, reader.u8());
  const prefix = readPrefix(reader, family, bytes);
  const block = reader.take(reader.u16());
  reader.end();
  return {
    kind: 'table-dump',
    header,
    view,
    prefix,
    path: { peer, originatedSeconds, nextHop, ...decodeRouteAttributes(block, false) },
  };
}
