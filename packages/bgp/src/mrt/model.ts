/**
 * Records of an MRT file as plain values. Addresses have 4 or 16 bytes; AS numbers have four octets whatever the record
 * type holds. Everything in a record is a copy and stays valid.
 */

import type { UpdateProblem } from '../attribute/problem.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { FamilyKey, Prefix } from '../family/model.ts';
import type { Message } from '../message/model.ts';
import type { MrtError } from './errors.ts';

/** RFC 6396 §2 and §3. */
export interface MrtHeader {
  /** Where the record starts: bytes from the start of the stream. */
  readonly offset: number;
  /** Seconds since 1970. */
  readonly seconds: number;
  /** Only in the extended timestamp types. */
  readonly microseconds?: number;
  readonly type: number;
  readonly subtype: number;
}

export interface MrtPeer {
  readonly address: Uint8Array;
  readonly asn: number;
  /** BGP Identifier, only from a PEER_INDEX_TABLE. */
  readonly identifier?: number;
}

/** A route of a table and what is known of it. */
export interface MrtPath {
  readonly peer: MrtPeer;
  /** When the route came, in seconds since 1970. */
  readonly originatedSeconds: number;
  readonly attributes: PathAttributes;
  /** Next hop of MP_REACH_NLRI, where there is one; IPv4 routes have it in `attributes.nextHop`. */
  readonly nextHop?: Uint8Array;
  /** RFC 8050. */
  readonly pathId?: number;
  /** Defects of the attributes; what has one is not in `attributes`. */
  readonly problems: readonly UpdateProblem[];
}

/** TABLE_DUMP (§4.2): one path; also BGP4MP_ENTRY (appendix B.2.2). */
export interface TableDumpRecord {
  readonly kind: 'table-dump';
  readonly header: MrtHeader;
  readonly view: number;
  readonly sequence?: number;
  readonly prefix: Prefix;
  readonly path: MrtPath;
}

/** §4.3.1. */
export interface PeerIndexTableRecord {
  readonly kind: 'peer-index-table';
  readonly header: MrtHeader;
  readonly collectorIdentifier: number;
  readonly viewName: string;
  readonly peers: readonly MrtPeer[];
}

/** RIB_IPV4_UNICAST and the other families with a subtype of their own (§4.3.2): a prefix and its paths. */
export interface RibRecord {
  readonly kind: 'rib';
  readonly header: MrtHeader;
  readonly sequence: number;
  readonly prefix: Prefix;
  readonly paths: readonly MrtPath[];
}

/** RIB_GENERIC (§4.3.3): the NLRI and the RIB entries behind it, as they came. */
export interface RibGenericRecord {
  readonly kind: 'rib-generic';
  readonly header: MrtHeader;
  readonly sequence: number;
  readonly family: FamilyKey;
  readonly bytes: Uint8Array;
}

interface Bgp4mpRecord {
  readonly header: MrtHeader;
  readonly peer: MrtPeer;
  readonly local: MrtPeer;
  readonly interfaceIndex: number;
}

/** BGP4MP_MESSAGE and its kin (§4.4.2, §4.4.3, RFC 8050 §4.1). */
export interface MrtMessageRecord extends Bgp4mpRecord {
  readonly kind: 'message';
  /** Sent by the recording speaker itself (the _LOCAL subtypes); else received by it. */
  readonly sentByLocal: boolean;
  readonly message: Message;
  /** Defects of an UPDATE (RFC 7606); empty for others. */
  readonly problems: readonly UpdateProblem[];
}

/** BGP4MP_STATE_CHANGE (§4.4.1): codes of `bgpState`; Quagga and its heirs write further ones. */
export interface StateChangeRecord extends Bgp4mpRecord {
  readonly kind: 'state-change';
  readonly from: number;
  readonly to: number;
}

/** A type or subtype that is not read here. */
export interface UnknownRecord {
  readonly kind: 'unknown';
  readonly header: MrtHeader;
  readonly bytes: Uint8Array;
}

/** A record that cannot be read; the next one can. `bytes`: behind the header. */
export interface MalformedRecord {
  readonly kind: 'malformed';
  readonly header: MrtHeader;
  readonly error: MrtError;
  readonly bytes: Uint8Array;
}

export type MrtRecord =
  | TableDumpRecord
  | PeerIndexTableRecord
  | RibRecord
  | RibGenericRecord
  | MrtMessageRecord
  | StateChangeRecord
  | UnknownRecord
  | MalformedRecord;
