/** include/uapi/linux/netfilter/ipset/ip_set.h: IPSET_ATTR_* of commands, of sets and of elements. */
import { type AttributeKind, be16, be32, be64, bytes, string, u8 } from '../attribute/kind.ts';
import { AttributeSpace, type AttributeValues, attribute, nested, repeated } from '../attribute/space.ts';
import { NLA_F_NESTED, NLA_F_NET_BYTEORDER } from '../constants/netlink.ts';

const ipAttributes = new AttributeSpace('IPSET_ATTR_IPADDR_', {
  IPSET_ATTR_IPADDR_IPV4: attribute(1 | NLA_F_NET_BYTEORDER, bytes),
  IPSET_ATTR_IPADDR_IPV6: attribute(2 | NLA_F_NET_BYTEORDER, bytes),
});

/** 4 or 16 bytes, in the nest of their family. */
const ip: AttributeKind<Uint8Array> = {
  decode(payload) {
    const { IPSET_ATTR_IPADDR_IPV4: four, IPSET_ATTR_IPADDR_IPV6: six } = ipAttributes.decode(payload);
    return four ?? six ?? new Uint8Array();
  },
  encode(writer, address) {
    const macro = address.length === 16 ? 'IPSET_ATTR_IPADDR_IPV6' : 'IPSET_ATTR_IPADDR_IPV4';
    ipAttributes.encode(writer, { [macro]: address });
  },
  nested: ipAttributes,
};

/** In the order in which `ipset` writes them. */
const elementTable = {
  IPSET_ATTR_IP: attribute(1 | NLA_F_NESTED, ip),
  IPSET_ATTR_IP_TO: attribute(2 | NLA_F_NESTED, ip),
  IPSET_ATTR_CIDR: attribute(3, u8),
  IPSET_ATTR_PORT: attribute(4 | NLA_F_NET_BYTEORDER, be16),
  IPSET_ATTR_PORT_TO: attribute(5 | NLA_F_NET_BYTEORDER, be16),
  IPSET_ATTR_TIMEOUT: attribute(6 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_PROTO: attribute(7, u8),
  IPSET_ATTR_CADT_FLAGS: attribute(8 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_CADT_LINENO: attribute(9 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_MARK: attribute(10 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_ETHER: attribute(17, bytes),
  IPSET_ATTR_NAME: attribute(18, string),
  IPSET_ATTR_NAMEREF: attribute(19, string),
  IPSET_ATTR_IP2: attribute(20 | NLA_F_NESTED, ip),
  IPSET_ATTR_CIDR2: attribute(21, u8),
  IPSET_ATTR_IFACE: attribute(23, string),
  IPSET_ATTR_BYTES: attribute(24 | NLA_F_NET_BYTEORDER, be64),
  IPSET_ATTR_PACKETS: attribute(25 | NLA_F_NET_BYTEORDER, be64),
  IPSET_ATTR_COMMENT: attribute(26, string),
};

export type ElementValues = AttributeValues<typeof elementTable>;

export const elementAttributes = new AttributeSpace('IPSET_ATTR_', elementTable);

export const setAttributes = new AttributeSpace('IPSET_ATTR_', {
  IPSET_ATTR_TIMEOUT: attribute(6 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_CADT_FLAGS: attribute(8 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_MARKMASK: attribute(11 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_INITVAL: attribute(17 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_HASHSIZE: attribute(18 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_MAXELEM: attribute(19 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_NETMASK: attribute(20, u8),
  IPSET_ATTR_BUCKETSIZE: attribute(21, u8),
  IPSET_ATTR_SIZE: attribute(23 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_ELEMENTS: attribute(24 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_REFERENCES: attribute(25 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_MEMSIZE: attribute(26 | NLA_F_NET_BYTEORDER, be32),
});

const IPSET_ATTR_DATA = 7 | NLA_F_NESTED;

const commandTable = {
  IPSET_ATTR_PROTOCOL: attribute(1, u8),
  IPSET_ATTR_SETNAME: attribute(2, string),
  /** IPSET_ATTR_SETNAME2 in a rename or swap. */
  IPSET_ATTR_TYPENAME: attribute(3, string),
  IPSET_ATTR_REVISION: attribute(4, u8),
  IPSET_ATTR_FAMILY: attribute(5, u8),
  IPSET_ATTR_FLAGS: attribute(6 | NLA_F_NET_BYTEORDER, be32),
  IPSET_ATTR_LINENO: attribute(9 | NLA_F_NET_BYTEORDER, be32),
  /** IPSET_ATTR_REVISION_MIN in the reply about a type. */
  IPSET_ATTR_PROTOCOL_MIN: attribute(10, u8),
};

/** Commands about a set as a whole. */
export const setCommandAttributes = new AttributeSpace('IPSET_ATTR_', {
  ...commandTable,
  IPSET_ATTR_DATA: attribute(IPSET_ATTR_DATA, nested(setAttributes)),
  IPSET_ATTR_ADT: attribute(
    8 | NLA_F_NESTED,
    repeated(attribute(IPSET_ATTR_DATA, nested(elementAttributes)), 'IPSET_ATTR_DATA'),
  ),
});

/** Commands about elements: one in IPSET_ATTR_DATA, or several in IPSET_ATTR_ADT. */
export const elementCommandAttributes = new AttributeSpace('IPSET_ATTR_', {
  ...commandTable,
  IPSET_ATTR_DATA: attribute(IPSET_ATTR_DATA, nested(elementAttributes)),
  IPSET_ATTR_ADT: attribute(
    8 | NLA_F_NESTED,
    repeated(attribute(IPSET_ATTR_DATA, nested(elementAttributes)), 'IPSET_ATTR_DATA'),
  ),
});
