/** include/uapi/linux/if_tunnel.h: IFLA_INFO_DATA of ipip, sit and ip6tnl links. */
import { be16, be32, bytes, flag, u8, u16, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, attribute } from '../../attribute/space.ts';

const commonTable = {
  IFLA_IPTUN_LINK: attribute(1, u32),
  IFLA_IPTUN_LOCAL: attribute(2, bytes),
  IFLA_IPTUN_REMOTE: attribute(3, bytes),
  IFLA_IPTUN_TTL: attribute(4, u8),
  IFLA_IPTUN_TOS: attribute(5, u8),
  IFLA_IPTUN_PROTO: attribute(9, u8),
  IFLA_IPTUN_ENCAP_TYPE: attribute(15, u16),
  IFLA_IPTUN_ENCAP_FLAGS: attribute(16, u16),
  IFLA_IPTUN_ENCAP_SPORT: attribute(17, be16),
  IFLA_IPTUN_ENCAP_DPORT: attribute(18, be16),
  IFLA_IPTUN_COLLECT_METADATA: attribute(19, flag),
  IFLA_IPTUN_FWMARK: attribute(20, u32),
};

export const tunnelTable = {
  ...commonTable,
  IFLA_IPTUN_PMTUDISC: attribute(10, u8),
};

/** IFLA_IPTUN_FLAGS has 32 bits here and 16 in sit. */
export const ip6TunnelTable = {
  ...commonTable,
  IFLA_IPTUN_ENCAP_LIMIT: attribute(6, u8),
  IFLA_IPTUN_FLOWINFO: attribute(7, be32),
  IFLA_IPTUN_FLAGS: attribute(8, u32),
};

/** ipip and sit. */
export const tunnelAttributes = new AttributeSpace('IFLA_IPTUN_', tunnelTable);
/** ip6tnl. */
export const ip6TunnelAttributes = new AttributeSpace('IFLA_IPTUN_', ip6TunnelTable);
