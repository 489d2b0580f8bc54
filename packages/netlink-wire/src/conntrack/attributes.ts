/** include/uapi/linux/netfilter/nfnetlink_conntrack.h: the attributes of connections that the model knows. */
import { be16, be32, be64, bytes, u8, u32 } from '../attribute/kind.ts';
import { AttributeSpace, type AttributeValues, attribute, nested } from '../attribute/space.ts';
import { NLA_F_NESTED } from '../constants/netlink.ts';

const ipAttributes = new AttributeSpace('CTA_IP_', {
  CTA_IP_V4_SRC: attribute(1, bytes),
  CTA_IP_V4_DST: attribute(2, bytes),
  CTA_IP_V6_SRC: attribute(3, bytes),
  CTA_IP_V6_DST: attribute(4, bytes),
});

const protocolAttributes = new AttributeSpace('CTA_PROTO_', {
  CTA_PROTO_NUM: attribute(1, u8),
  CTA_PROTO_SRC_PORT: attribute(2, be16),
  CTA_PROTO_DST_PORT: attribute(3, be16),
  CTA_PROTO_ICMP_ID: attribute(4, be16),
  CTA_PROTO_ICMP_TYPE: attribute(5, u8),
  CTA_PROTO_ICMP_CODE: attribute(6, u8),
  CTA_PROTO_ICMPV6_ID: attribute(7, be16),
  CTA_PROTO_ICMPV6_TYPE: attribute(8, u8),
  CTA_PROTO_ICMPV6_CODE: attribute(9, u8),
});

const tupleTable = {
  CTA_TUPLE_IP: attribute(1 | NLA_F_NESTED, nested(ipAttributes)),
  CTA_TUPLE_PROTO: attribute(2 | NLA_F_NESTED, nested(protocolAttributes)),
};

export type TupleValues = AttributeValues<typeof tupleTable>;

const tupleAttributes = new AttributeSpace('CTA_TUPLE_', tupleTable);

const counterAttributes = new AttributeSpace('CTA_COUNTERS_', {
  CTA_COUNTERS_PACKETS: attribute(1, be64),
  CTA_COUNTERS_BYTES: attribute(2, be64),
});

const filterAttributes = new AttributeSpace('CTA_FILTER_', {
  CTA_FILTER_ORIG_FLAGS: attribute(1, u32),
  CTA_FILTER_REPLY_FLAGS: attribute(2, u32),
});

export const conntrackAttributes = new AttributeSpace('CTA_', {
  CTA_TUPLE_ORIG: attribute(1 | NLA_F_NESTED, nested(tupleAttributes)),
  CTA_TUPLE_REPLY: attribute(2 | NLA_F_NESTED, nested(tupleAttributes)),
  CTA_STATUS: attribute(3, be32),
  CTA_TIMEOUT: attribute(7, be32),
  CTA_MARK: attribute(8, be32),
  CTA_COUNTERS_ORIG: attribute(9 | NLA_F_NESTED, nested(counterAttributes)),
  CTA_COUNTERS_REPLY: attribute(10 | NLA_F_NESTED, nested(counterAttributes)),
  CTA_ID: attribute(12, be32),
  CTA_ZONE: attribute(18, be16),
  CTA_MARK_MASK: attribute(21, be32),
  CTA_FILTER: attribute(25 | NLA_F_NESTED, nested(filterAttributes)),
});
