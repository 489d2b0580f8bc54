/** include/uapi/linux/ip_vs.h: the attributes of the IPVS family. */
import { type AttributeKind, be16, bytes, string, u8, u16, u32, u64 } from '../attribute/kind.ts';
import { AttributeSpace, type AttributeTable, type AttributeValues, attribute, nested } from '../attribute/space.ts';
import { NLA_F_NESTED } from '../constants/netlink.ts';

/** struct ip_vs_flags: the flags, and which of them are meant. */
const flags: AttributeKind<{ readonly flags: number; readonly mask: number }> = {
  decode: (payload) => ({ flags: payload.u32(), mask: payload.u32() }),
  encode(writer, value) {
    writer.u32(value.flags);
    writer.u32(value.mask);
  },
};

/** union nf_inet_addr: 16 bytes, of which IPv4 takes the first four. */
const UNION_BYTES = 16;

const address: AttributeKind<Uint8Array> = {
  decode: bytes.decode,
  encode(writer, value) {
    writer.bytes(value);
    writer.zero(UNION_BYTES - value.length);
  },
};

function statsTable<T>(counter: AttributeKind<T>) {
  return {
    IPVS_STATS_ATTR_CONNS: attribute(1, counter),
    IPVS_STATS_ATTR_INPKTS: attribute(2, counter),
    IPVS_STATS_ATTR_OUTPKTS: attribute(3, counter),
    IPVS_STATS_ATTR_INBYTES: attribute(4, counter),
    IPVS_STATS_ATTR_OUTBYTES: attribute(5, counter),
    IPVS_STATS_ATTR_CPS: attribute(6, counter),
    IPVS_STATS_ATTR_INPPS: attribute(7, counter),
    IPVS_STATS_ATTR_OUTPPS: attribute(8, counter),
    IPVS_STATS_ATTR_INBPS: attribute(9, counter),
    IPVS_STATS_ATTR_OUTBPS: attribute(10, counter),
  };
}

/** Bytes are 64 bits wide in IPVS_*_ATTR_STATS too, the rest 32. */
const statsAttributes = new AttributeSpace('IPVS_STATS_ATTR_', {
  ...statsTable(u32),
  IPVS_STATS_ATTR_INBYTES: attribute(4, u64),
  IPVS_STATS_ATTR_OUTBYTES: attribute(5, u64),
});

const stats64Table = statsTable(u64);
const stats64Attributes = new AttributeSpace('IPVS_STATS_ATTR_', stats64Table);

export type Stats64Values = AttributeValues<typeof stats64Table>;

const serviceTable = {
  IPVS_SVC_ATTR_AF: attribute(1, u16),
  IPVS_SVC_ATTR_PROTOCOL: attribute(2, u16),
  IPVS_SVC_ATTR_ADDR: attribute(3, address),
  IPVS_SVC_ATTR_PORT: attribute(4, be16),
  IPVS_SVC_ATTR_FWMARK: attribute(5, u32),
  IPVS_SVC_ATTR_SCHED_NAME: attribute(6, string),
  IPVS_SVC_ATTR_FLAGS: attribute(7, flags),
  IPVS_SVC_ATTR_TIMEOUT: attribute(8, u32),
  /** A mask in network order for IPv4, a length in host order for IPv6: bytes here. */
  IPVS_SVC_ATTR_NETMASK: attribute(9, bytes),
  IPVS_SVC_ATTR_STATS: attribute(10, nested(statsAttributes)),
  IPVS_SVC_ATTR_PE_NAME: attribute(11, string),
  IPVS_SVC_ATTR_STATS64: attribute(12, nested(stats64Attributes)),
};

export type ServiceValues = AttributeValues<typeof serviceTable>;

const destinationTable = {
  IPVS_DEST_ATTR_ADDR: attribute(1, address),
  IPVS_DEST_ATTR_PORT: attribute(2, be16),
  IPVS_DEST_ATTR_FWD_METHOD: attribute(3, u32),
  IPVS_DEST_ATTR_WEIGHT: attribute(4, u32),
  IPVS_DEST_ATTR_U_THRESH: attribute(5, u32),
  IPVS_DEST_ATTR_L_THRESH: attribute(6, u32),
  IPVS_DEST_ATTR_ACTIVE_CONNS: attribute(7, u32),
  IPVS_DEST_ATTR_INACT_CONNS: attribute(8, u32),
  IPVS_DEST_ATTR_PERSIST_CONNS: attribute(9, u32),
  IPVS_DEST_ATTR_STATS: attribute(10, nested(statsAttributes)),
  IPVS_DEST_ATTR_ADDR_FAMILY: attribute(11, u16),
  IPVS_DEST_ATTR_STATS64: attribute(12, nested(stats64Attributes)),
  IPVS_DEST_ATTR_TUN_TYPE: attribute(13, u8),
  IPVS_DEST_ATTR_TUN_PORT: attribute(14, be16),
  IPVS_DEST_ATTR_TUN_FLAGS: attribute(15, u16),
};

export type DestinationValues = AttributeValues<typeof destinationTable>;

const daemonTable = {
  IPVS_DAEMON_ATTR_STATE: attribute(1, u32),
  IPVS_DAEMON_ATTR_MCAST_IFN: attribute(2, string),
  IPVS_DAEMON_ATTR_SYNC_ID: attribute(3, u32),
  IPVS_DAEMON_ATTR_SYNC_MAXLEN: attribute(4, u16),
  IPVS_DAEMON_ATTR_MCAST_GROUP: attribute(5, bytes),
  IPVS_DAEMON_ATTR_MCAST_GROUP6: attribute(6, bytes),
  IPVS_DAEMON_ATTR_MCAST_PORT: attribute(7, u16),
  IPVS_DAEMON_ATTR_MCAST_TTL: attribute(8, u8),
};

export type DaemonValues = AttributeValues<typeof daemonTable>;

const commandTable = {
  IPVS_CMD_ATTR_SERVICE: attribute(1 | NLA_F_NESTED, nested(new AttributeSpace('IPVS_SVC_ATTR_', serviceTable))),
  IPVS_CMD_ATTR_DEST: attribute(2 | NLA_F_NESTED, nested(new AttributeSpace('IPVS_DEST_ATTR_', destinationTable))),
  IPVS_CMD_ATTR_DAEMON: attribute(3 | NLA_F_NESTED, nested(new AttributeSpace('IPVS_DAEMON_ATTR_', daemonTable))),
  IPVS_CMD_ATTR_TIMEOUT_TCP: attribute(4, u32),
  IPVS_CMD_ATTR_TIMEOUT_TCP_FIN: attribute(5, u32),
  IPVS_CMD_ATTR_TIMEOUT_UDP: attribute(6, u32),
} satisfies AttributeTable;

export const commandAttributes = new AttributeSpace('IPVS_CMD_ATTR_', commandTable);

/** The reply to IPVS_CMD_GET_INFO. */
export const infoAttributes = new AttributeSpace('IPVS_INFO_ATTR_', {
  IPVS_INFO_ATTR_VERSION: attribute(1, u32),
  IPVS_INFO_ATTR_CONN_TAB_SIZE: attribute(2, u32),
});
