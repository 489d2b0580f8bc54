/** include/uapi/linux/if_tunnel.h and ip6_tunnel.h: what carries a tunnel, and the flags of IPv6 tunnels. */

export const TUNNEL_ENCAP_NONE = 0;
export const TUNNEL_ENCAP_FOU = 1;
export const TUNNEL_ENCAP_GUE = 2;

export const TUNNEL_ENCAP_FLAG_CSUM = 0x1;
export const TUNNEL_ENCAP_FLAG_CSUM6 = 0x2;
export const TUNNEL_ENCAP_FLAG_REMCSUM = 0x4;

export const IP6_TNL_F_IGN_ENCAP_LIMIT = 0x1;
export const IP6_TNL_F_USE_ORIG_TCLASS = 0x2;
export const IP6_TNL_F_USE_ORIG_FLOWLABEL = 0x4;
export const IP6_TNL_F_RCV_DSCP_COPY = 0x10;
export const IP6_TNL_F_ALLOW_LOCAL_REMOTE = 0x40;
