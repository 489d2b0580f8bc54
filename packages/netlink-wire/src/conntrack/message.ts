/** Connections between the model and CTA_*, and the requests about them. */
import { AF_INET, AF_INET6 } from '../constants/address.ts';
import { IPCTNL_MSG_CT_DELETE, IPCTNL_MSG_CT_GET } from '../constants/conntrack.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../constants/ip.ts';
import { NFNL_SUBSYS_CTNETLINK } from '../constants/nfnetlink.ts';
import { WireError } from '../errors.ts';
import { type Request, request } from '../message/request.ts';
import { nfnetlinkBody, nfnetlinkType, skipNfnetlinkHeader } from '../nfnetlink/message.ts';
import { formatAddress } from '../wire/address-text.ts';
import { sameBytes } from '../wire/bytes.ts';
import type { Reader } from '../wire/reader.ts';
import { conntrackAttributes, type TupleValues } from './attributes.ts';
import type { ConntrackEnds, ConntrackEntry, ConntrackFilter, ConntrackOperation, ConntrackTuple } from './model.ts';

type CounterValues = { CTA_COUNTERS_PACKETS?: bigint | undefined; CTA_COUNTERS_BYTES?: bigint | undefined };

/** @throws WireError also when a tuple is missing or has no addresses. */
export function decodeConntrack(body: Reader): ConntrackEntry {
  skipNfnetlinkHeader(body);
  const values = conntrackAttributes.decode(body);
  const original = decodeTuple(values.CTA_TUPLE_ORIG);
  const reply = decodeTuple(values.CTA_TUPLE_REPLY);
  if (original === undefined || reply === undefined)
    throw new WireError('value', 'a connection without CTA_TUPLE_ORIG or CTA_TUPLE_REPLY', body.offset);
  const { CTA_COUNTERS_ORIG: sent, CTA_COUNTERS_REPLY: received } = values;
  return {
    original,
    reply,
    status: values.CTA_STATUS ?? 0,
    timeout: values.CTA_TIMEOUT ?? 0,
    mark: values.CTA_MARK ?? 0,
    zone: values.CTA_ZONE ?? 0,
    ...(values.CTA_ID !== undefined && { id: values.CTA_ID }),
    ...(sent !== undefined &&
      received !== undefined && { counters: { original: decodeCounters(sent), reply: decodeCounters(received) } }),
  };
}

function decodeCounters({ CTA_COUNTERS_PACKETS = 0n, CTA_COUNTERS_BYTES = 0n }: CounterValues) {
  return { packets: CTA_COUNTERS_PACKETS, bytes: CTA_COUNTERS_BYTES };
}

function decodeTuple(values: TupleValues | undefined): ConntrackTuple | undefined {
  const { CTA_TUPLE_IP: ip = {}, CTA_TUPLE_PROTO: proto = {} } = values ?? {};
  const source = ip.CTA_IP_V4_SRC ?? ip.CTA_IP_V6_SRC;
  const destination = ip.CTA_IP_V4_DST ?? ip.CTA_IP_V6_DST;
  if (source === undefined || destination === undefined) return undefined;
  const icmpId = proto.CTA_PROTO_ICMP_ID ?? proto.CTA_PROTO_ICMPV6_ID;
  const icmpType = proto.CTA_PROTO_ICMP_TYPE ?? proto.CTA_PROTO_ICMPV6_TYPE;
  const icmpCode = proto.CTA_PROTO_ICMP_CODE ?? proto.CTA_PROTO_ICMPV6_CODE;
  return {
    source,
    destination,
    protocol: proto.CTA_PROTO_NUM ?? 0,
    ...(proto.CTA_PROTO_SRC_PORT !== undefined && { sourcePort: proto.CTA_PROTO_SRC_PORT }),
    ...(proto.CTA_PROTO_DST_PORT !== undefined && { destinationPort: proto.CTA_PROTO_DST_PORT }),
    ...(icmpId !== undefined && { icmpId }),
    ...(icmpType !== undefined && { icmpType }),
    ...(icmpCode !== undefined && { icmpCode }),
  };
}

function encodeTuple(tuple: Partial<ConntrackTuple>, family: number): TupleValues {
  const { source, destination, protocol, icmpId, icmpType, icmpCode } = tuple;
  return {
    CTA_TUPLE_IP:
      family === AF_INET6
        ? { CTA_IP_V6_SRC: source, CTA_IP_V6_DST: destination }
        : { CTA_IP_V4_SRC: source, CTA_IP_V4_DST: destination },
    CTA_TUPLE_PROTO: {
      CTA_PROTO_NUM: protocol,
      CTA_PROTO_SRC_PORT: tuple.sourcePort,
      CTA_PROTO_DST_PORT: tuple.destinationPort,
      ...(protocol === IPPROTO_ICMP && {
        CTA_PROTO_ICMP_ID: icmpId,
        CTA_PROTO_ICMP_TYPE: icmpType,
        CTA_PROTO_ICMP_CODE: icmpCode,
      }),
      ...(protocol === IPPROTO_ICMPV6 && {
        CTA_PROTO_ICMPV6_ID: icmpId,
        CTA_PROTO_ICMPV6_TYPE: icmpType,
        CTA_PROTO_ICMPV6_CODE: icmpCode,
      }),
    },
  };
}

function familyOf({ source }: ConntrackTuple): number {
  return source.length === 16 ? AF_INET6 : AF_INET;
}

const deleteBody = nfnetlinkBody({
  attributes: conntrackAttributes,
  family: ({ original }: ConntrackOperation) => familyOf(original),
  values: ({ original, id, zone }) => ({
    // Without a tuple the kernel forgets all connections.
    CTA_TUPLE_ORIG: encodeTuple(original, familyOf(original)),
    CTA_ID: id,
    CTA_ZONE: zone === 0 ? undefined : zone,
  }),
  describe: ({ original }) => describeTuple(original),
});

/** The request that does an operation. */
export function conntrackRequest(operation: ConntrackOperation): Request {
  const type = nfnetlinkType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE);
  return request(type, 0, `conntrack ${operation.action}`, deleteBody, operation);
}

function describeTuple({ protocol, source, destination, sourcePort, destinationPort }: ConntrackTuple): string {
  const parts = [`protocol ${protocol}`, `from ${formatAddress(source)}`, `to ${formatAddress(destination)}`];
  if (sourcePort !== undefined) parts.push(`sport ${sourcePort}`);
  if (destinationPort !== undefined) parts.push(`dport ${destinationPort}`);
  return parts.join(' ');
}

/** net/netfilter/nf_internals.h CTA_FILTER_F_*: the parts of a tuple that a filter looks at. */
const FILTER_FLAGS = { source: 0x1, destination: 0x2, protocol: 0x8, sourcePort: 0x10, destinationPort: 0x20 } as const;

const filterParts = Object.keys(FILTER_FLAGS) as readonly (keyof typeof FILTER_FLAGS)[];

/**
 * What the kernel can filter by: ports only beside their protocol (else EINVAL), and no IPv6 addresses, of which it leaves
 * out those that are equal (ctnetlink_filter_match_tuple, seen in 6.18).
 */
function tupleFilter(ends: ConntrackEnds = {}, protocol: number | undefined, family: number): Partial<ConntrackTuple> {
  const { source, destination, ...ports } = ends;
  return {
    ...(family === AF_INET && source !== undefined && { source }),
    ...(family === AF_INET && destination !== undefined && { destination }),
    ...(protocol !== undefined && { ...ports, protocol }),
  };
}

function filterFlags(tuple: Partial<ConntrackTuple>): number {
  return filterParts.reduce((flags, part) => (tuple[part] === undefined ? flags : flags | FILTER_FLAGS[part]), 0);
}

const dumpBody = nfnetlinkBody({
  attributes: conntrackAttributes,
  family: ({ family }: ConntrackFilter) => family,
  values({ family, protocol, original, reply, mark, markMask = 0xffffffff }) {
    const sent = tupleFilter(original, protocol, family);
    const answered = tupleFilter(reply, reply === undefined ? undefined : protocol, family);
    const [sentFlags, answeredFlags] = [filterFlags(sent), filterFlags(answered)];
    return {
      CTA_TUPLE_ORIG: sentFlags === 0 ? undefined : encodeTuple(sent, family),
      CTA_TUPLE_REPLY: answeredFlags === 0 ? undefined : encodeTuple(answered, family),
      CTA_MARK: mark,
      CTA_MARK_MASK: mark === undefined ? undefined : markMask,
      CTA_FILTER:
        (sentFlags | answeredFlags) === 0
          ? undefined
          : { CTA_FILTER_ORIG_FLAGS: sentFlags, CTA_FILTER_REPLY_FLAGS: answeredFlags },
    };
  },
  describe({ protocol, mark }) {
    const parts = ['connections'];
    if (protocol !== undefined) parts.push(`of protocol ${protocol}`);
    if (mark !== undefined) parts.push(`of mark ${mark}`);
    return parts.join(' ');
  },
});

/** For a dump. Kernels before 5.8 do not look at CTA_FILTER: what comes has to be checked (`matchesFilter`). */
export function conntrackDump(filter: ConntrackFilter): Request {
  const type = nfnetlinkType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET);
  return request(type, 0, 'conntrack list', dumpBody, filter);
}

export function matchesFilter(entry: ConntrackEntry, filter: ConntrackFilter): boolean {
  const { family, protocol, original, reply, mark, markMask = 0xffffffff } = filter;
  return (
    familyOf(entry.original) === family &&
    (protocol === undefined || entry.original.protocol === protocol) &&
    (mark === undefined || ((entry.mark ^ mark) & markMask) === 0) &&
    matchesEnds(entry.original, original) &&
    matchesEnds(entry.reply, reply)
  );
}

function matchesEnds(tuple: ConntrackTuple, ends: ConntrackEnds = {}): boolean {
  return (
    (ends.source === undefined || sameBytes(ends.source, tuple.source)) &&
    (ends.destination === undefined || sameBytes(ends.destination, tuple.destination)) &&
    (ends.sourcePort === undefined || ends.sourcePort === tuple.sourcePort) &&
    (ends.destinationPort === undefined || ends.destinationPort === tuple.destinationPort)
  );
}
